"""Section "Review": the head of the review queue."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.gallery import Gallery, review_gallery
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource


@dataclass(frozen=True)
class ToReview:
    """The most doubtful samples, and how many of all queued ones have another label already."""

    gallery: Gallery
    changed: int


def gather(source: ReportSource) -> ToReview:
    """Read the queue."""
    return ToReview(review_gallery(source.album, source.queue, source.after), source.change.review_changed)


SECTION = Section("review", "Review queue", "Review", gather, template("to_review.html.j2"))
