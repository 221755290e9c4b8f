"""The tasks of `mlcube.yaml`: parameters of the containers become setup files that the other commands read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands import dataperf_selection
from tinysieve.pipeline.commands.command_group import CommandGroup

commands = typer.Typer(cls=CommandGroup, no_args_is_help=True)

Parameters = Annotated[Path, typer.Option("--parameters_file", help="YAML with the task's settings.")]
EmbeddingFolder = Annotated[Path, typer.Option("--embedding_folder")]
GroundtruthFolder = Annotated[Path, typer.Option("--groundtruth_folder")]
SubmissionFolder = Annotated[Path, typer.Option("--submission_folder")]
ResultsFolder = Annotated[Path, typer.Option("--results_folder")]


@commands.command()
def download(parameters_file: Parameters, output_path: Annotated[Path, typer.Option("--output_path")]) -> None:
    """Download the data set. The parameters name dataset_url and dataset_sha256, which may be: record."""
    from tinysieve.pipeline.commands.mlcube_tasks import read_parameters, run_verb

    settings = read_parameters(parameters_file, ("dataset_url", "dataset_sha256"))
    run_verb(dataperf_selection.commands, "download", "--url", settings["dataset_url"], "--sha256", settings["dataset_sha256"],
             "--out", str(output_path))


@commands.command(name="create_baselines")
def create_baselines(embedding_folder: EmbeddingFolder, groundtruth_folder: GroundtruthFolder,
                     submission_folder: SubmissionFolder) -> None:
    """Write submissions of the baselines for every task with embeddings."""
    from tinysieve.pipeline.commands.mlcube_tasks import run_debugging

    run_debugging(("create-baselines",), embedding_folder, groundtruth_folder, submission_folder, submission_folder)


@commands.command(name="select")
def select_(input_path: Annotated[Path, typer.Option("--input_path", help="CSV of known ids.")],
            embeddings_path: Annotated[Path, typer.Option("--embeddings_path")], parameters_file: Parameters,
            output_path: Annotated[Path, typer.Option("--output_path", help="The train CSV to write.")]) -> None:
    """Choose a train set. The parameter strategy names the method; n_random and n_closest are those of the template."""
    from tinysieve.pipeline.commands.mlcube_tasks import read_parameters, run_verb

    settings = read_parameters(parameters_file, ())
    options = [("--strategy", settings.pop("strategy", "n_closest")), ("--seed", settings.pop("seed", "0"))]
    options += [("-o", f"{key}={value}") for key, value in settings.items() if not key.startswith("dataset_")]
    run_verb(dataperf_selection.commands, "select", "--positives", str(input_path), "--embeddings", str(embeddings_path),
             "--out", str(output_path), *(word for option in options for word in option))


@commands.command()
def evaluate(
    submission_folder: SubmissionFolder, groundtruth_folder: GroundtruthFolder, embedding_folder: EmbeddingFolder,
    eval_path: Annotated[Path, typer.Option("--eval_path", help="Data folder of the selection benchmark.")],
    results_folder: ResultsFolder, log_path: Annotated[Path, typer.Option("--log_path", help="Log file; always written.")],
) -> None:
    """Score debugging submissions, selection train sets, or both, whichever has data."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.commands.mlcube_tasks import has_selection, logged, run_debugging, run_selection

    debugging = any(embedding_folder.glob("*_train_*.parquet"))
    with logged(log_path):
        if debugging:
            run_debugging((), embedding_folder, groundtruth_folder, submission_folder, results_folder)
        if has_selection(eval_path):
            run_selection(eval_path)
        elif not debugging:
            raise InputError("nothing to evaluate", where=f"{embedding_folder}, {eval_path}",
                             fix="put debugging embeddings into embedding_folder, or the selection data into eval_path")


@commands.command()
def plot(results_folder: ResultsFolder, submission_folder: SubmissionFolder) -> None:
    """Plot the debugging results."""
    from tinysieve.pipeline.commands.mlcube_tasks import run_debugging

    run_debugging(("plot",), None, None, submission_folder, results_folder)
