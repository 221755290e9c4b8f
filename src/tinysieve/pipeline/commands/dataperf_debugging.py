"""`dataperf debugging`: score cleaning orders, create baselines, plot results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.command_group import CommandGroup
from tinysieve.pipeline.commands.options import Json

if TYPE_CHECKING:
    from tinysieve.dataperf.debugging_run import TaskOutcome
    from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup

commands = typer.Typer(cls=CommandGroup, help="Score cleaning orders as DataPerf's vision-debugging benchmark does.")

SetupOption = Annotated[Path | None, typer.Option("--setup", help="Setup file. Default: task_setup.yml or .yaml in this folder.")]
TasksOption = Annotated[list[str] | None, typer.Option("--tasks", help="Only these data_ids; separate with commas or repeat.")]
MethodsOption = Annotated[list[str] | None, typer.Option("--submission", help="Only this method; may be repeated.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Number of processes. Default: one per core.")]
DockerArgument = Annotated[str | None, typer.Argument(metavar="[docker]", help="Use task_setup_docker.yml.")]


@commands.callback(invoke_without_command=True)
def debugging(context: typer.Context, setup: SetupOption = None, tasks: TasksOption = None,
              submission: MethodsOption = None, workers: WorkersOption = None, json: Json = False) -> None:
    """Score all submissions of all tasks. Writes {data_id}_evaluation.json; exits with 2 when a submission is invalid."""
    if context.invoked_subcommand is None:
        _evaluate(setup, None, tasks, submission, workers, json)


@commands.command()
def docker(setup: SetupOption = None, tasks: TasksOption = None, submission: MethodsOption = None,
           workers: WorkersOption = None, json: Json = False) -> None:
    """Score all submissions with task_setup_docker.yml."""
    _evaluate(setup, "docker", tasks, submission, workers, json)


@commands.command("create-baselines")
def create_baselines(
    where: DockerArgument = None, setup: SetupOption = None, tasks: TasksOption = None,
    baseline: Annotated[list[str] | None, typer.Option("--baseline", help="Use this instead of the setup's; repeatable.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of random rankings.")] = 0, json: Json = False,
) -> None:
    """Write submissions of the baselines, with their run times."""
    from json import dumps

    from tinysieve.dataperf.baselines.registry import BASELINES, chosen_rankers, create_baseline
    from tinysieve.pipeline.dataperf.rankings import RANKINGS

    loaded, chosen = _open(setup, where, tasks)
    names = baseline or [named.name for named in loaded.baselines]
    rankers = chosen_rankers(names, {**BASELINES, **RANKINGS})
    written = []
    for task in chosen:
        for name, ranker in rankers.items():
            written.append(create_baseline(loaded, task, name, ranker, seed))
            typer.echo(f"{task.data_id}: {name}", err=True)
    typer.echo(dumps([str(path) for path in written]) if json else f"{len(written)} submissions in {loaded.submission_folder}")


@commands.command()
def plot(where: DockerArgument = None, setup: SetupOption = None, tasks: TasksOption = None, json: Json = False) -> None:
    """Plot the results of each task and of all tasks, as PNG and SVG."""
    from json import dumps

    from tinysieve.dataperf.debugging_plots import plot_results

    drawn = plot_results(*_open(setup, where, tasks))
    typer.echo(dumps([str(path) for path in drawn]) if json else "\n".join(map(str, drawn)))


def _open(setup: Path | None, where: str | None, tasks: list[str] | None) -> tuple[DebuggingSetup, tuple[TaskSetup, ...]]:
    """The setup and its chosen tasks."""
    from tinysieve.dataperf.debugging_setup import find_setup, load_setup
    from tinysieve.ground.errors import InputError

    if where not in (None, "docker"):
        raise InputError(f"unknown argument '{where}'", fix="write 'docker' or nothing; to name a setup file, use --setup")
    loaded = load_setup(setup if setup is not None else find_setup(Path(), where == "docker"))
    return loaded, loaded.chosen(tuple(name for given in tasks or () for name in given.split(",")))


def _evaluate(setup: Path | None, where: str | None, tasks: list[str] | None, methods: list[str] | None,
              workers: int | None, json: bool) -> None:
    import os

    from tinysieve.dataperf.debugging_run import evaluate_tasks
    from tinysieve.dataperf.submissions import ignored_files
    from tinysieve.ground.escaping import one_line
    from tinysieve.pipeline.engine.progress_display import progress

    loaded, chosen = _open(setup, where, tasks)
    with progress("debugging", "tasks") as report:
        outcomes = evaluate_tasks(loaded, chosen, methods or (), workers or os.cpu_count() or 1, report)
    _show(outcomes, json)
    for name, reason in ignored_files(loaded.submission_folder, {task.data_id for task in loaded.tasks}):
        typer.echo(f"ignored: {one_line(name)}, {reason}", err=True)
    failures = [failure for outcome in outcomes for failure in outcome.failures]
    for failure in failures:
        typer.echo(f"error: {failure}", err=True)
    if failures:
        raise typer.Exit(max(failure.exit_code for failure in failures))


def _show(outcomes: list[TaskOutcome], json: bool) -> None:
    from json import dumps

    from tinysieve.dataperf.ranking import standings

    done = [outcome.evaluation for outcome in outcomes if outcome.evaluation is not None]
    if json:
        typer.echo(dumps({evaluation.data_id: evaluation.as_json() for evaluation in done}))
        return
    for evaluation in done:
        typer.echo(f"On task [{evaluation.data_id}]: Accuracy before cleaning: {evaluation.accuracy_before}")
        for curve in evaluation.curves:
            typer.echo(f"  {curve.fraction_fixes:.4f} of the inspections  {curve.accuracies[-1]:.2f} at the end  {curve.method}")
    for standing in standings(done):
        typer.echo(f"mean {standing.mean:.4f}  {standing.method}" if standing.is_complete else
                   f"not ranked   {standing.method}: {standing.tasks} of {standing.of_tasks} tasks")
        for data_id, lines, budget in standing.short:
            typer.echo(f"             {lines} of {budget} lines in {data_id}: held against the accuracy of the true labels")
