"""Filters and sources that other packages register by entry point; read from their metadata, nothing is imported."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from tinysieve.filtering.filters.registry import BUILT_IN, GROUP
from tinysieve.pipeline.doctor.finding import OK, PROBLEM, Finding

FILTERS, SOURCES = GROUP, "tinysieve.sources"
TOPICS = {FILTERS: "filters of other packages", SOURCES: "sources of other packages"}


def plugins() -> tuple[Finding, ...]:
    """Every registered filter and source with the distribution that it comes from."""
    return tuple(_finding(point, group) for group in TOPICS for point in sorted(entry_points(group=group), key=_origin))


def _finding(point: EntryPoint, group: str) -> Finding:
    namesakes = [other for other in entry_points(group=group) if other.name == point.name]
    if group == FILTERS and point.name in {filter_type.name for filter_type in BUILT_IN}:
        state, advice = PROBLEM, "a built-in filter has this name, so this one is never used: rename it"
    elif len(namesakes) > 1:
        state, advice = PROBLEM, "several packages register this name: remove all but one"
    else:
        state, advice = OK, ""
    return Finding(TOPICS[group], point.name, state, f"{point.value}, from {_origin(point)[1]}", advice)


def _origin(point: EntryPoint) -> tuple[str, str]:
    """Its name, and distribution and version."""
    return point.name, f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
