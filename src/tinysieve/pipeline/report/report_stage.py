"""Stage `report`: one HTML page that needs no network and two cards, made from what the other stages left.

The same run gives the same bytes: they hold no date and no duration.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.report.planted import truth_file
from tinysieve.pipeline.stages.libraries import PICTURES
from tinysieve.pipeline.stages.near_duplicates import GROUPS
from tinysieve.pipeline.stages.opinions import stage_name

if TYPE_CHECKING:
    from tinysieve.pipeline.report.figures import Chart
    from tinysieve.pipeline.report.provenance import Provenance
    from tinysieve.pipeline.report.report_data import ReportData

PAGE = "report.html"



def _report(run: Run, folder: Path) -> str:
    # Imported here: the job imports this module for every verb, and matplotlib is for this one only.
    from tinysieve.pipeline.report.markdown_cards import cards_of
    from tinysieve.pipeline.report.provenance import provenance_of
    from tinysieve.pipeline.report.report_data import gather

    with progress("report", "parts") as report:
        data, provenance = gather(run), provenance_of(run, needs_of(run.config))
        report(1, 3)
        write_text(folder / PAGE, render(run.folder.name, data, provenance))
        report(2, 3)
        for name, text in cards_of(run.config, data, provenance).items():
            write_text(folder / name, text)
    return ""


def render(name: str, data: ReportData, provenance: Provenance) -> str:
    """The page as text; whatever stands in a file name or a reason is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from tinysieve.pipeline.engine import words
    from tinysieve.pipeline.report.map_chart import map_charts
    from tinysieve.pipeline.report.memory_charts import live_memory_charts
    from tinysieve.pipeline.report.reliability_chart import reliability_chart

    pages = Environment(loader=PackageLoader("tinysieve.pipeline"), autoescape=True, undefined=StrictUndefined,
                        trim_blocks=True, lstrip_blocks=True)
    for made in (words.percent, words.points, words.count, words.size, words.probability, words.judgement,
                 words.interval):
        pages.filters[made.__name__] = made
    pages.globals.update(amount=words.amount, zip=zip)
    summary = words.sentences(data.verdict, data.change, data.recipe)
    return pages.get_template("report.html.j2").render(
        name=name, data=data, verdict=data.verdict, policy=data.policy, provenance=provenance, summary=summary,
        leaks=words.leaks(data.verdict),
        charts=_charts(data), memory_charts=live_memory_charts(data.memory),
        map_charts=() if data.map is None else map_charts(data.map), reliability_chart=reliability_chart(data.reliability))


def _charts(data: ReportData) -> dict[str, Chart | None]:
    from tinysieve.pipeline.report import figures

    verdict, limits = data.verdict, {one["name"]: one["limit"] for one in data.verdict["budgets"]}
    accuracy, loss = figures.curve_charts(data.curves["baseline"], data.curves["mended"])
    charts: dict[str, Chart | None] = {
        "accuracy": figures.accuracy_chart(verdict), "curve_accuracy": accuracy, "curve_loss": loss,
        "slices": figures.slice_chart(verdict["slices"]), "flash": None, "arena": None}
    if "flash" in limits:
        code = verdict["flash_bytes"] - verdict["file_bytes"]
        sizes = [("model file", verdict["file_bytes"]), ("runtime code, assumed", code)]
        charts["flash"] = figures.size_chart("flash", sizes, limits["flash"])
    if "arena" in limits and verdict["arena"]:
        sizes = [(part, verdict["arena"][f"{part}_bytes"]) for part in ("activations", "persistent")]
        charts["arena"] = figures.size_chart("arena", sizes, limits["arena"])
    for name, steps in data.waterfalls.items():
        charts[f"waterfall_{name}"] = figures.waterfall_chart(name, steps)
    return charts


def _settings(config: Config) -> object:
    # The run's place and the number of workers change nothing in it.
    return config.model_dump(mode="json", exclude={"run", "workers"})


def _outside(run: Run) -> dict[str, str]:
    truth = truth_file(run.config.dataset.source.images)
    return {} if truth is None else {"truth": hashlib.blake2b(truth.read_bytes(), digest_size=8).hexdigest()}


def needs_of(config: Config) -> tuple[str, ...]:
    """Stages that the report shows."""
    filters = tuple(stage_name(one.name) for one in config.filter.active)
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    return ("ingest", "detect", "embed", *groups, *filters, "policy", "train-baseline", "train-mended", "quantize-baseline",
            "quantize-mended", "verify")


def report_stage(config: Config) -> Stage:
    """The stage."""
    return Stage("report", 8, needs_of(config), _settings, _report, _outside, PICTURES)
