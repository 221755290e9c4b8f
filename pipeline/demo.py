"""The demo: the whole job on photos that installed packages carry, with planted errors that must be found."""

from __future__ import annotations

import csv
import json
from importlib.resources import as_file, files
from pathlib import Path

import typer

from pipeline import console
from pipeline.config_file import load_config
from pipeline.data_stages import samples_of, versions_of
from pipeline.demo_photos import build_demo
from pipeline.job import STAGES
from pipeline.stages import Run, run_stages


def run_demo(folder: Path, seed: int) -> None:
    """Make the photos, run every stage, print what was planted and found, and where the report is."""
    build_demo(folder / "photos", seed)
    overrides = (f"run={folder / 'run'}", f"seed={seed}", f"dataset.source.images={folder / 'photos/images'}",
                 f"dataset.source.table={folder / 'photos/labels.csv'}")
    with as_file(files("configs") / "demo.yaml") as path:
        config = load_config(path, overrides)
    run = Run(config, config.run)
    run_stages(run, STAGES, console.announce)
    console.show_policy(json.loads((run.at("policy") / "policy.json").read_text()))
    console.show_pairs("planted wrong labels", planted_and_found(run, folder / "photos" / "truth.csv"))
    console.show_verdict(json.loads((run.at("verify") / "verify.json").read_text()))
    typer.echo("\nThis shows the machinery, not an accuracy: a few hundred crops of a few photos teach no model.")
    typer.echo(f"report: {(run.at('report') / 'report.html').resolve()}")


def planted_and_found(run: Run, truth_file: Path) -> dict[str, int]:
    """How the planted wrong labels ended, counted against the truth that no filter has read."""
    with truth_file.open(newline="") as file:
        truth = {row["filename"]: row["person"] for row in csv.DictReader(file)}
    samples, store = samples_of(run), versions_of(run)
    before, after = store.load("0").labels, store.load("HEAD").labels
    counts = {"planted": 0, "mended": 0, "dropped": 0, "left": 0, "newly wrong": 0}
    for name, old, new in zip(samples.table["filepath"].to_pylist(), before, after, strict=True):
        right = int(truth.get(name, old))
        if old < 0:
            continue
        if old == right:
            counts["newly wrong"] += int(new >= 0 and new != right)
            continue
        counts["planted"] += 1
        counts["mended" if new == right else "dropped" if new < 0 else "left"] += 1
    return counts
