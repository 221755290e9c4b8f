"""The demo: the whole job on photos that installed packages carry, with planted errors that must be found."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import typer

from tinysieve.pipeline import console
from tinysieve.pipeline.config_file import load_config
from tinysieve.pipeline.data_stages import samples_of, versions_of
from tinysieve.pipeline.demo.photos import TRUTH, build_demo
from tinysieve.pipeline.demo.planted import planted_counts
from tinysieve.pipeline.job import STAGES
from tinysieve.pipeline.stages import Run, run_stages


def run_demo(folder: Path, seed: int) -> None:
    """Make the photos, run every stage, print what was planted and found, and where the report is."""
    build_demo(folder / "photos", seed)
    overrides = (f"run={folder / 'run'}", f"seed={seed}", f"dataset.source.images={folder / 'photos/images'}",
                 f"dataset.source.table={folder / 'photos/labels.csv'}")
    with as_file(files("tinysieve.configs") / "demo.yaml") as path:
        config = load_config(path, overrides)
    run = Run(config, config.run)
    run_stages(run, STAGES, console.announce)
    console.show_policy(json.loads((run.at("policy") / "policy.json").read_text()))
    store = versions_of(run)
    planted = planted_counts(samples_of(run), store.load("0").labels, store.load("HEAD").labels, folder / "photos" / TRUTH)
    console.show_pairs("planted wrong labels", planted)
    console.show_verdict(json.loads((run.at("verify") / "verify.json").read_text()))
    typer.echo("\nThis shows the machinery, not an accuracy: a few hundred crops of a few photos teach no model.")
    typer.echo(f"report: {(run.at('report') / 'report.html').resolve()}")
