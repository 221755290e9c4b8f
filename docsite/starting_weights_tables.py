"""Tables of the starting weights that ship: as they are, and after a few hundred photos of somebody's own."""

from __future__ import annotations

from typing import Any

from docsite.result_tables import percent, result, table

_HEAD = ("photos", "accuracy", "95 % interval", "balanced", "persons recognised", "backgrounds recognised")


def starting_weights() -> str:
    """Float and int8, on the photos that chose the moment and on those that nothing has seen."""
    stored = result("starting_weights")
    return table(("split", "model", *_HEAD), [(split, model, *_figures(stored[split][model]))
                                              for split in ("val", "test") for model in ("float", "int8")])


def own_photos() -> str:
    """Trainings on some hundred photos, from the weights and from noise."""
    return table(("training", "taught by", *_HEAD), [(name.rpartition(",")[0], f"{row['photos']}", *_figures(row))
                                                     for name, row in result("own_photos").items()])


def _figures(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = map(percent, row["interval"])
    rest = (percent(row[key]) for key in ("balanced_accuracy", "persons_recognised", "backgrounds_recognised"))
    return (f"{row['images']}", percent(row["accuracy"]), f"{low} to {high}", *rest)
