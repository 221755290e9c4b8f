"""Section "Map": images that look alike lie near each other, coloured by label and by what changed."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.data_map import DataMap
from tinysieve.pipeline.report.figures import Chart
from tinysieve.pipeline.report.map_chart import map_charts, map_of
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource


@dataclass(frozen=True, eq=False)
class MapShown:
    """The map and its charts, neither where the features are gone; the seed that chose the points."""

    map: DataMap | None
    charts: tuple[Chart, ...]
    seed: int


def gather(source: ReportSource) -> MapShown:
    """Read the features and lay them out."""
    made = map_of(source.run, source.samples, source.chain[0], source.chain[-1])
    return MapShown(made, () if made is None else map_charts(made, source.classes), source.config.seed)


SECTION = Section("map", "Map of the data", "Map", gather, template("map_of_images.html.j2"))
