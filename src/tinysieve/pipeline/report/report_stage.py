"""Stage `report`: one HTML page that needs no network and two cards, made from what the other stages left.

The same run gives the same bytes: they hold no date and no duration.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.report.planted import truth_file
from tinysieve.pipeline.stages.libraries import PICTURES
from tinysieve.pipeline.stages.near_duplicates import GROUPS
from tinysieve.pipeline.stages.opinions import stage_name
from tinysieve.pipeline.stages.select_facts import SELECT_FACTS

REPORT_PAGE, MODEL_CARD_TEXT, DATASET_CARD_TEXT = (
    Artifact("report", name, partial(Path.read_text, encoding="utf-8"))
    for name in ("report.html", "MODEL_CARD.md", "DATASET_CARD.md")
)


def _report(run: Run, folder: Path) -> str:
    # Imported here: the job imports this module for every verb, and matplotlib is for this one only.
    from tinysieve.pipeline.report.markdown_cards import cards_of
    from tinysieve.pipeline.report.page import render_page
    from tinysieve.pipeline.report.section_list import SECTIONS
    from tinysieve.pipeline.report.source import ReportSource

    with progress("report", "parts") as report:
        source = ReportSource(run, needs_of(run.config))
        write_text(folder / REPORT_PAGE.file, render_page(source, SECTIONS))
        report(1, 2)
        for name, text in cards_of(source).items():
            write_text(folder / name, text)
    return ""


def _settings(config: Config) -> object:
    # The run's place, the number of workers and a tracker change nothing in it.
    return config.model_dump(mode="json", exclude={"run", "workers", "track"})


def _outside(run: Run) -> dict[str, str]:
    truth = truth_file(run.config.dataset.source.images)
    return {} if truth is None else {"truth": hashlib.blake2b(truth.read_bytes(), digest_size=8).hexdigest()}


def needs_of(config: Config) -> tuple[str, ...]:
    """Stages that the report shows."""
    filters = tuple(stage_name(entry.name) for entry in config.filter.active)
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    selected = () if config.policy.select is None else (SELECT_FACTS.stage,)
    return ("ingest", "detect", "embed", *groups, *filters, "policy", *selected, "train-baseline", "train-mended",
            "quantize-baseline", "quantize-mended", "verify")


def report_stage(config: Config) -> Stage:
    """The stage."""
    return Stage("report", 11, needs_of(config), _settings, _report, _outside, PICTURES)
