"""What stage `select` says of itself in `select.json`: how many photos of each class and slice were kept."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.engine.artifacts import facts


@dataclass(frozen=True)
class Kept:
    """Photos of one class or slice, before and after."""

    before: int
    after: int


@dataclass(frozen=True, kw_only=True)
class SelectFacts:
    """What a selection kept.

    Args:
        by: the ways, in words.
        per_class: how the budget was dealt to the classes.
        photos: labelled photos to train on.
        classes: by the name of the class.
        slices: by the name of the slice; empty where the source has no columns that make slices.
        version: id of the labels that it made.
        parent: id of the labels that it chose from.
    """

    by: str
    per_class: str
    photos: Kept
    classes: dict[str, Kept]
    slices: dict[str, Kept]
    version: str
    parent: str

    @property
    def rows(self) -> tuple[tuple[str, Kept], ...]:
        """All counts by name: all photos, then classes, then slices."""
        return (("all", self.photos), *self.classes.items(), *self.slices.items())


SELECT_FACTS = facts("select", "select.json", SelectFacts)
