"""What image quality says: it knows nothing of persons, so it only ever asks to drop or to look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.filtering.evidence.image_quality import ImageQuality
from tinysieve.filtering.filter import QUALITY, Evidence, Filter
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW, Opinions, opine
from tinysieve.ground.errors import InputError

LIMITS = ("highlight", "shadow", "sharpness", "information", "empty", "aspect")


@dataclass(frozen=True)
class PoorImages(Filter):
    """Beyond which limits an image is poor; measures and ranges as in `ImageQuality`. 0 (for shadow 1) lifts a limit.

    Defaults ask about 10 of VOC 2007's 4,952 photos, and about nearly all that are darkened to 30 %, washed out to 20 % of
    their contrast, or blurred by 2 pixels at 144 x 144 (benchmarks/look_alikes.py).

    Args:
        highlight: dark below it.
        shadow: bright above it.
        sharpness: blurred below it.
        information: little to see below it, bits.
        empty: nothing to see below it, bits; such an image is asked to go.
        aspect: odd shape below it.
    """

    highlight: float = 0.3
    shadow: float = 0.75
    sharpness: float = 0.15
    information: float = 3.0
    empty: float = 0.5
    aspect: float = 0.33

    name = "quality"
    describes = "image quality: asks to look at dark, bright, blurred and empty images"

    def __post_init__(self) -> None:
        for limit in LIMITS:
            top = 8 if limit in ("information", "empty") else 1
            value = getattr(self, limit)
            if not 0 <= value <= top:
                raise InputError(f"limit {limit} {value} is not in [0, {top}]", fix=f"set filter.quality.{limit}")

    @property
    def needs(self) -> tuple[str, ...]:
        """Measures of the pixels."""
        return (QUALITY,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `poor_images`."""
        return poor_images(evidence.quality, self)


def poor_images(quality: ImageQuality, limits: PoorImages) -> Opinions:
    """Ask to drop what shows nothing, and to review what is dark, bright, blurred, poor in information or of odd shape.

    The confidence is how far beyond its limit the first such measure is, from 0 (just) to 1 (as far as can be).
    """
    measures = (
        (quality.information, limits.empty, ASK_DROP, "shows nothing: one grey level almost throughout"),
        (quality.highlight, limits.highlight, ASK_REVIEW, "dark"),
        (1 - quality.shadow, 1 - limits.shadow, ASK_REVIEW, "bright"),
        (quality.information, limits.information, ASK_REVIEW, "little information"),
        (quality.sharpness, limits.sharpness, ASK_REVIEW, "blurred"),
        (quality.aspect, limits.aspect, ASK_REVIEW, "odd aspect ratio"),
    )
    below = [(value < limit, ask, words) for value, limit, ask, words in measures]
    beyond = np.select([mask for mask, _, _ in below],
                       [1 - value / max(limit, 1e-9) for value, limit, _, _ in measures], 0.0)
    empty = below[0][0]
    # A request must be heard however slight it is, and an empty image is empty for sure.
    confidence = np.where(empty, 1.0, np.clip(beyond, 0.01, 1))
    return opine("quality", "image_quality", below, confidence, "image quality OK")
