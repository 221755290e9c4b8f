"""Runs the CIFAR experiment for the command: JSON, CSV, plots and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import typer

from tinysieve.filtering.data_parameters.trajectories import read_trajectories, summarise
from tinysieve.filtering.data_parameters.triage import RULES, TRIAGE_NAMES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion
from tinysieve.ground.atomic_files import check_folder, write_text
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.experiments.cifar_100 import cifar_100
from tinysieve.pipeline.experiments.cifar_networks import NETWORKS
from tinysieve.pipeline.experiments.cifar_noise import (
    TRAININGS,
    CifarNoise,
    CifarNoiseOutcome,
    cifar_noise,
    figures,
    plant,
    retrain_stored,
)
from tinysieve.pipeline.experiments.image_sets import ImageSet, cifar_10

SETS: dict[str, Callable[..., ImageSet]] = {"cifar-10": cifar_10, "cifar-100": cifar_100}
LEARNT = ("instance", "class", "joint")
CURVES, PLOT, FIGURES, RETRAINED_FIGURES = "curves.csv", "curves.png", "cifar-noise.json", "retrained.json"
CIFAR_10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def check_names(dataset: str, network: str, learn: str, rule: str) -> None:
    """Refuse a name that does not exist, before anything is read.

    Raises:
        InputError: names the ones that do.
    """
    known: tuple[tuple[str, str, Collection[str]], ...] = (
        ("set", dataset, SETS), ("network", network, NETWORKS), ("kind of temperatures", learn, LEARNT),
        ("triage rule", rule, RULES),
    )  # fmt: skip
    for what, name, names in known:
        if name not in names:
            raise InputError(f"no {what} '{name}'", fix=f"one of {', '.join(names)}")


def run_cifar_noise(
    name: str,
    data: Path | None,
    levels: Sequence[float],
    settings: CifarNoise,
    keep: float | None,
    rule: str,
    out: Path,
    as_json: bool,
) -> None:
    """The experiment at each share of corrupt labels, into `out`/<per cent>; `keep` None keeps as many as are right.

    Raises:
        InputError: a level cannot be run, or its folder not written; before anything slow happens.
    """
    planned = _plan(levels, settings, keep, out)
    images = SETS[name](data) if data else SETS[name]()
    for chosen in planned.values():
        plant(images, chosen)
    load_keras()
    made = []
    for folder, chosen in planned.items():
        outcome = cifar_noise(images, chosen, folder, progress)
        about = {"set": name, "network": chosen.plan.network}
        made.append(about | figures(outcome, chosen) | _store(outcome, chosen, name, rule, folder))
        write_text(folder / FIGURES, json.dumps(made[-1], indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(made, indent=1))
        return
    for result in made:
        _tell(result)
    typer.echo(f"curves and pictures: {out}")


def retrain_from(name: str, data: Path | None, levels: Sequence[float], settings: CifarNoise, keep: float | None, stored: Path,
                 epoch: int, out: Path, as_json: bool) -> None:
    """Identify from stored trajectories at an epoch, train on all and on the kept, at one share of corrupt labels.

    Raises:
        InputError: several shares, or trajectories of another training.
    """
    if len(levels) != 1:
        raise InputError(f"{len(levels)} shares for one file of trajectories", where="--from", fix="give one share to --corrupt")
    ((folder, chosen),) = _plan(levels, settings, keep, out).items()
    trajectories = read_trajectories(stored)
    images = SETS[name](data) if data else SETS[name]()
    load_keras()
    made = {"set": name, "network": chosen.plan.network} | retrain_stored(images, chosen, trajectories, epoch, folder, progress)
    write_text(folder / RETRAINED_FIGURES, json.dumps(made, indent=1) + "\n")
    if as_json:
        typer.echo(json.dumps(made, indent=1))
    else:
        _tell(made)


def _plan(levels: Sequence[float], settings: CifarNoise, keep: float | None, out: Path) -> dict[Path, CifarNoise]:
    """Settings by folder, which is named for its per cent; refuses what cannot be run or written before anything is read."""
    planned: dict[Path, CifarNoise] = {}
    for corrupt in levels:
        folder = out / f"{100 * corrupt:g}"
        if folder in planned:
            raise InputError(f"{folder.name} % corrupt appears twice", where=str(folder), why="both would write to that folder",
                             fix="use each share once, with at most six digits")
        planned[folder] = replace(settings, corrupt=corrupt, keep=1 - corrupt if keep is None else keep)
        check_folder(folder, (CURVES, PLOT, FIGURES, "pictures/trajectories.png"))
        check_folder(folder, (f"{training}/trajectories.npy" for training in TRAININGS))
    return planned


def _store(outcome: CifarNoiseOutcome, settings: CifarNoise, name: str, rule: str, folder: Path) -> dict[str, Any]:
    """Curves and pictures; gives the triage counts where instance temperatures were learnt."""
    from tinysieve.pipeline.experiments.cifar_noise_plot import draw_curves
    from tinysieve.pipeline.pictures.trajectories import draw_triage
    from tinysieve.pipeline.pictures.triage import Triage

    _write_curves(outcome, folder / CURVES)
    draw_curves(outcome, f"{name}, {100 * settings.corrupt:g} % corrupt, {settings.plan.network}", folder / PLOT)
    if settings.instance is None:
        return {}
    # The published limits are for the last epoch; only the ranking is read at the turning point.
    trajectories, teach = outcome.with_temperatures.trajectories, outcome.teach
    summary = summarise(trajectories, -1)
    codes = triage(summary, RULES[rule])
    names = CIFAR_10_CLASSES if teach.classes == 10 else tuple(f"class {label}" for label in range(teach.classes))
    suspect = suspicion(summarise(trajectories, outcome.epoch))
    shown = Triage(lambda row: teach.images[row], teach.labels, names, codes, summary, suspect, trajectories, outcome.epoch)
    # A map of every tenth class, as published.
    draw_triage(shown, folder / "pictures", settings.plan.seed, map_every=10)
    counts = {word: {"all": int((codes == code).sum()), "corrupt": int((outcome.corrupt & (codes == code)).sum())}
              for code, word in enumerate(TRIAGE_NAMES)}
    return {"triage_rule": rule, "triage": counts}


def _write_curves(outcome: CifarNoiseOutcome, path: Path) -> None:
    """One row an epoch: accuracies, held-out loss, and mean temperatures of corrupt and clean labels."""
    rows: list[list[object]] = [["epoch", "without", "with", "retrained", "held_out_loss", "sigma_corrupt", "sigma_clean"]]
    tempered = outcome.with_temperatures
    for epoch in range(len(tempered.test_accuracy)):
        sigma = np.asarray(tempered.trajectories[:, epoch], np.float64)
        again = "" if outcome.retrained is None else f"{outcome.retrained.test_accuracy[epoch]:.4f}"
        rows.append([epoch + 1, f"{outcome.without.test_accuracy[epoch]:.4f}", f"{tempered.test_accuracy[epoch]:.4f}", again,
                         f"{tempered.held_out_losses[epoch].mean():.4f}", f"{sigma[outcome.corrupt].mean():.4f}",
                         f"{sigma[~outcome.corrupt].mean():.4f}"])
    write_text(path, csv_lines(rows))


def _tell(result: dict[str, Any]) -> None:
    typer.echo(f"{result['set']}, {result['network']}, {100 * result['corrupt']:g} % corrupt, "
               f"{result['teaching_images']:,} teaching images, read after epoch {result['read_after_epoch']}")
    for name, accuracy in result["test_accuracy"].items():
        words = ", ".join(f"{when.replace('_', ' ')} {value:.4f}" for when, value in accuracy.items())
        typer.echo(f"  {name:<10} test accuracy {words}")
    for name, quality in result.get("identification", {}).items():
        typer.echo(f"  read at {name.replace('_', ' '):<14} AUROC {quality['auroc']:.4f}, "
                   f"precision of the top k {quality['precision_top_k']:.4f}")
    if "kept" in result:
        clean = result["clean_share_of_kept"]
        typer.echo(f"  kept {result['kept']:,}" + ("" if clean is None else f", of them clean {clean:.4f}"))
    for word, counts in result.get("triage", {}).items():
        typer.echo(f"  {word:<12} {counts['all']:>6,}, of them corrupt {counts['corrupt']:,}")
