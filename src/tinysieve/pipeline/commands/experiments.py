"""`experiment`: plant label noise, measure what the filters find and what that gains."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinysieve.pipeline.commands.command_group import BENCHMARKS, CommandGroup
from tinysieve.pipeline.commands.options import Json, Overrides, open_run

if TYPE_CHECKING:
    from tinysieve.pipeline.experiments.problem import Problem

commands = typer.Typer()
group = typer.Typer(cls=CommandGroup, no_args_is_help=True, help="Measure the filters on labels with planted noise.")
commands.add_typer(group, name="experiment", rich_help_panel=BENCHMARKS)

Data = Annotated[str, typer.Option("--set", help="fashion-mnist or cifar-10.")]
Folder = Annotated[Path | None, typer.Option("--data", help="Folder with its files. Default: where Debian installs them.")]
RunConfig = Annotated[Path | None, typer.Option("--config", "-c", help="Use embeddings and labels of this run instead.")]
LearnerName = Annotated[str, typer.Option("--learner", help="network (one hidden layer) or ridge (closed form).")]
FilterBy = Annotated[str, typer.Option("--filter", help="How to decide which labels are issues; see label-issues.")]
Folds = Annotated[int, typer.Option(min=2, help="Folds of the out-of-fold probabilities.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1)]
Seeds = Annotated[int, typer.Option(min=1, max=1000, help="Repeat with so many seeds, from --seed on; plots show the range.")]
Out = Annotated[Path, typer.Option(help="Folder for CSV, JSON and plot.")]


@group.command("noise-sweep")
def noise_sweep(
    dataset: Data = "fashion-mnist", data: Folder = None, config: RunConfig = None, o: Overrides = None,
    learner: LearnerName = "network", filter_by: FilterBy = "prune_by_noise_rate", folds: Folds = 5, seed: Seed = 0,
    seeds: Seeds = 1,
    levels: Annotated[str, typer.Option(help="Noise levels in percent.")] = "0,5,10,15,20,25,30,35,40,45",
    out: Out = Path("runs/noise-sweep"), json: Json = False,
) -> None:
    """Compare noisy and cleaned labels at several noise levels."""
    from tinysieve.pipeline.experiments.sweep_files import NOISE_SWEEP, check_choices, parse_levels, run_noise_sweep

    shares = parse_levels(levels)
    check_choices(learner, filter_by, out, NOISE_SWEEP)
    run_noise_sweep(_problem(dataset, data, config, o, seed), shares, learner, filter_by, folds, range(seed, seed + seeds),
                    out, json)


@group.command("prune-sweep")
def prune_sweep(
    dataset: Data = "fashion-mnist", data: Folder = None, config: RunConfig = None, o: Overrides = None,
    learner: LearnerName = "network", filter_by: FilterBy = "prune_by_noise_rate", folds: Folds = 5, seed: Seed = 0,
    seeds: Seeds = 1,
    noise: Annotated[float, typer.Option(help="Share of labels to make wrong.")] = 0.45,
    out: Out = Path("runs/prune-sweep"), json: Json = False,
) -> None:
    """Measure accuracy when label issues are pruned or relabelled. The pruned share goes from 100 % to 0 %, worst first."""
    from tinysieve.pipeline.experiments.sweep_files import PRUNE_SWEEP, check_choices, run_prune_sweep
    from tinysieve.pipeline.experiments.sweeps import check_share

    check_share("noise", noise, 1.0)
    check_choices(learner, filter_by, out, PRUNE_SWEEP)
    run_prune_sweep(_problem(dataset, data, config, o, seed), noise, learner, filter_by, folds, range(seed, seed + seeds), out,
                    json)


@group.command("cifar-noise")
def cifar_noise(
    dataset: Annotated[str, typer.Option("--set", help="cifar-10 or cifar-100.")] = "cifar-10",
    data: Annotated[Path | None, typer.Option(help="Folder with the binary files, or CIFAR-10 as Parquet.")] = None,
    corrupt: Annotated[str, typer.Option(help="Shares of labels to corrupt, in percent.")] = "40",
    learn: Annotated[str, typer.Option(help="What has a temperature: instance, class or joint.")] = "instance",
    instance_init: float = 1.0, instance_rate: float = 2.0, instance_decay: float = 0.0,
    class_init: float = 1.0, class_rate: float = 0.1, class_decay: float = 0.0001,
    keep: Annotated[float | None, typer.Option(help="Share to keep for retraining. Default: 1 - corrupt.")] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Drop the most suspect labels per class.")] = False,
    network: Annotated[str, typer.Option(help="small, or wide-resnet-28-10 (needs a GPU to be practical).")] = "small",
    images: Annotated[int | None, typer.Option(help="Number of random training images; 0 for all.")] = 10_000,
    epochs: int = 12, batch_size: int = 128, learning_rate: float = 0.1, held_out: float = 0.1, seed: Seed = 0,
    stored: Annotated[Path | None, typer.Option("--from", help="Identify from these trajectories.npy and only retrain.")] = None,
    read_epoch: Annotated[int | None, typer.Option(help="With --from: the epoch to read, from 1.")] = None,
    triage: Annotated[str, typer.Option(help="tsne_plots or easy_hard_and_need_review.")] = "tsne_plots",
    out: Out = Path("runs/cifar-noise"), json: Json = False,
) -> None:
    """Measure data parameters on CIFAR with corrupted labels. Trains with and without them, drops suspect labels, retrains."""
    from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.experiments.cifar_noise import CifarNoise
    from tinysieve.pipeline.experiments.cifar_noise_files import check_names, retrain_from, run_cifar_noise
    from tinysieve.pipeline.experiments.sweep_files import parse_levels
    from tinysieve.pipeline.experiments.tempered_training import TrainingPlan

    check_names(dataset, network, learn, triage)
    instance = None if learn == "class" else TableSettings(instance_init, instance_rate, instance_decay)
    by_class = None if learn == "instance" else TableSettings(class_init, class_rate, class_decay)
    plan = TrainingPlan(network, epochs, batch_size, learning_rate, seed)
    settings = CifarNoise(0.5, 0.5, "class" if per_class else "dataset", held_out, images or None, instance, by_class, plan)
    if stored is not None:
        if read_epoch is None:
            raise InputError("--from without --read-epoch", why="when to read decides who is suspect",
                             fix="such as --read-epoch 80")
        retrain_from(dataset, data, parse_levels(corrupt), settings, keep, stored, read_epoch, out, json)
        return
    run_cifar_noise(dataset, data, parse_levels(corrupt), settings, keep, triage, out, json)


def _problem(dataset: str, data: Path | None, config: Path | None, overrides: list[str] | None, seed: int) -> Problem:
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.experiments.open_problem import image_problem, run_problem
    from tinysieve.pipeline.stages.embed import EMBED
    from tinysieve.pipeline.stages.ingest import INGEST

    if config:
        run = open_run(config, overrides)
        run_stages(run, (INGEST, EMBED), console.announce)
        return run_problem(run)
    with progress("features") as report:
        return image_problem(dataset, data, seed, report)
