"""The demo: the whole job on photos from installed packages, with planted label errors."""

from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import typer

from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.console import run_tables as console
from tinysieve.pipeline.demo.demo_photos import TRUTH, build_demo
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.model_files.live_file import PAGE, write_live_page
from tinysieve.pipeline.report.planted import planted_counts
from tinysieve.pipeline.report.report_stage import REPORT_PAGE
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import read_verdict


def run_demo(folder: Path, seed: int) -> None:
    """Make the photos, run every stage, print what was planted and found, and where the report is."""
    build_demo(folder / "photos", seed)
    overrides = (f"run={folder / 'run'}", f"seed={seed}", f"dataset.source.images={folder / 'photos/images'}",
                 f"dataset.source.table={folder / 'photos/labels.csv'}")
    with as_file(files("tinysieve.configs") / "demo.yaml") as path:
        config = load_config(path, overrides)
    run = Run(config, config.run)
    run_stages(run, stages_of(config), console.announce)
    console.show_policy(POLICY_FACTS.of(run), config.task.classes)
    store = versions_of(run)
    planted = planted_counts(samples_of(run), store.load("0").labels, store.load("HEAD").labels, folder / "photos" / TRUTH)
    console.show_pairs("planted wrong labels", planted)
    console.show_verdict(read_verdict(run))
    typer.echo("\nThe accuracy means nothing: a few hundred crops of a few photos cannot train a model.")
    write_live_page(INT8_MODEL[MENDED].path(run), config.run / PAGE, (), None, config.run, force=True)
    typer.echo(f"report: {REPORT_PAGE.path(run).resolve()}")
