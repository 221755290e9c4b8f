"""The demo: the whole job on photos from installed packages, with planted label errors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import typer

from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.console import run_tables as console
from tinysieve.pipeline.demo.demo_photos import TRUTH, build_demo
from tinysieve.pipeline.demo.ending import ending
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.model_files.live_file import PAGE, live_model, validation_margins
from tinysieve.pipeline.report.planted import planted_counts
from tinysieve.pipeline.report.report_stage import REPORT_PAGE
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of, versions_of
from tinysieve.pipeline.stages.quantize import INT8_MODEL, QUANTIZE_MENDED
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import read_verdict


def run_demo(folder: Path, seed: int) -> None:
    """Make the photos, run every stage, print what became of labels, accuracy and memory, and where the two pages are."""
    build_demo(folder / "photos", seed)
    overrides = (f"run={folder / 'run'}", f"seed={seed}", f"dataset.source.images={folder / 'photos/images'}",
                 f"dataset.source.table={folder / 'photos/labels.csv'}")
    with as_file(files("tinysieve.configs") / "demo.yaml") as path:
        config = load_config(path, overrides)
    run, stages = Run(config, config.run), stages_of(config)
    made = stages.index(QUANTIZE_MENDED) + 1
    run_stages(run, stages[:made], console.announce)
    store, model = versions_of(run), live_model(INT8_MODEL[MENDED].path(run))
    margins = validation_margins(model.model, samples_of(run), store.load("HEAD").labels, PIXELS.of(run))
    # The compiler works in a process of its own, while the models are measured here.
    with ThreadPoolExecutor(1) as beside:
        page = beside.submit(replace(model, margins=margins).html)
        run_stages(run, stages[made:], console.announce)
    live_page = config.run / PAGE
    write_text(live_page, page.result())
    planted = planted_counts(samples_of(run), store.load("0").labels, store.load("HEAD").labels, folder / "photos" / TRUTH)
    typer.echo("\n".join(ending(planted, read_verdict(run), REPORT_PAGE.path(run).resolve(), live_page.resolve())))
