"""The sections of the page, in their order. A new section is a module in `sections/` and a line here."""

from __future__ import annotations

from typing import Any

from tinysieve.pipeline.report.section import Section
from tinysieve.pipeline.report.sections import (
    answers,
    gates_and_accuracy,
    images_by_split,
    label_changes,
    make_again,
    map_of_images,
    size_and_memory,
    to_review,
    training_curves,
)

SECTIONS: tuple[Section[Any], ...] = (
    gates_and_accuracy.SECTION,
    label_changes.SECTION,
    map_of_images.SECTION,
    to_review.SECTION,
    training_curves.SECTION,
    answers.SECTION,
    size_and_memory.SECTION,
    images_by_split.SECTION,
    make_again.SECTION,
)
