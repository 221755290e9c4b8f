"""`data-parameters`: a learnt temperature per sample, and what it says about the labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tinysieve.pipeline.commands.command_group import LABELS
from tinysieve.pipeline.commands.options import DEFAULT_CONFIG, ConfigOption, DryRun, Explain, Json, Overrides, open_run

commands = typer.Typer()


@commands.command("data-parameters", rich_help_panel=LABELS)
def data_parameters(
    config: ConfigOption = DEFAULT_CONFIG, o: Overrides = None, dry_run: DryRun = False, explain: Explain = False,
    stored: Annotated[Path | None, typer.Option("--from", help="Read these trajectories.npy instead of learning.")] = None,
    read_epoch: Annotated[int | None, typer.Option(help="Epoch after which to read them, from 1.")] = None,
    keep: Annotated[float | None, typer.Option(help="Share to keep, least suspect first: a version to train on.")] = None,
    per_class: Annotated[bool, typer.Option("--per-class", help="Keep that share of each class.")] = False,
    test: Annotated[Path | None, typer.Option(help="With --images and --keep: a folder with one folder a class whose labels are "
                                              "right. Trains on all and on the kept, and compares.")] = None,
    images: Annotated[Path | None, typer.Option(help="Instead of a run: a folder with one folder a class. A small network "
                                                "learns on the pixels.")] = None,
    side: Annotated[int, typer.Option(help="With --images: pixels of the square that the network sees.", min=16, max=224)] = 64,
    epochs: Annotated[int, typer.Option(help="With --images: passes over the pictures.")] = 60,
    batch_size: Annotated[int, typer.Option(help="With --images: pictures a step.")] = 64,
    instance_rate: Annotated[float, typer.Option(help="With --images: learning rate of the temperatures.")] = 2.0,
    seed: Annotated[int, typer.Option(help="With --images: of weights, order and held-out pictures.", min=0, max=2**32 - 1)] = 0,
    out: Annotated[Path, typer.Option(help="With --images: folder for table, trajectories and pictures.")] = Path(
        "runs/data-parameters"),
    json: Json = False,
) -> None:
    """Learn a temperature per sample to find suspect labels. Samples are sorted into easy, hard and need review."""
    from tinysieve.ground.errors import InputError
    from tinysieve.pipeline.console import run_tables as console
    from tinysieve.pipeline.console.data_parameters import show_folder, show_kept, show_triage
    from tinysieve.pipeline.engine.stages import plan, run_stages
    from tinysieve.pipeline.stages.data_parameters import DATA_PARAMETERS
    from tinysieve.pipeline.stages.embed import EMBED
    from tinysieve.pipeline.stages.ingest import INGEST

    if (stored is None) != (read_epoch is None):
        raise InputError("--from and --read-epoch belong together", why="stored trajectories are read after a chosen epoch",
                         fix="give both, such as --from trajectories.npy --read-epoch 80")
    if test is not None and (images is None or keep is None):
        raise InputError("--test needs --images and --keep", why="it judges a training on the kept pictures of a folder",
                         fix="such as --images photos/train --keep 0.6 --test photos/test; a run is judged by 'tinysieve verify'")
    if images is not None:
        from tinysieve.pipeline.experiments.folder_run import Keeping, run_folder

        keeping = None if keep is None else Keeping(keep, per_class, test)
        counts = run_folder(images, side, epochs, batch_size, instance_rate, seed, stored, read_epoch, keeping, out)
        show_folder(out, counts, json)
        return
    if stored is None and keep is not None:
        raise InputError("--keep needs --from and --read-epoch", why="when to read decides who is suspect",
                         fix="learn first, then --from <run>/data-parameters/trajectories.npy --read-epoch N --keep 0.6")
    run = open_run(config, o)
    if stored is not None and read_epoch is not None:
        from tinysieve.pipeline.label_issues.stored_trajectories import keep_stored

        run_stages(run, (INGEST,), console.announce)
        show_kept(keep_stored(run, stored, read_epoch, 0.6 if keep is None else keep, "class" if per_class else "dataset"), json)
        return
    stages = (INGEST, EMBED, DATA_PARAMETERS)
    if dry_run or explain:
        console.show_plan(plan(run, stages), explain, json)
        return
    run_stages(run, stages, console.announce)
    show_triage(run.at(DATA_PARAMETERS.name), json)
