"""Section "Review": the head of the review queue."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.gallery import Gallery, review_gallery
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource
from tinysieve.pipeline.stages.policy_facts import NextLooks


@dataclass(frozen=True)
class ToReview:
    """The most doubtful samples, how many of all queued ones have another label already, and what the next looks should bring."""

    gallery: Gallery
    changed: int
    next_looks: NextLooks | None


def gather(source: ReportSource) -> ToReview:
    """Read the queue."""
    gallery = review_gallery(source.album, source.queue, source.after)
    return ToReview(gallery, source.change.review_changed, source.policy.next_looks)


SECTION = Section("review", "Review queue", "Review", gather, template("to_review.html.j2"))
