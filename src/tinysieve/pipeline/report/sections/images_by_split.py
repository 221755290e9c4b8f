"""Section "Data": images by split and label, and the files that became no sample."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.file_lists import FileList
from tinysieve.pipeline.report.label_counts import CountRow, label_titles
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource


@dataclass(frozen=True)
class ImagesBySplit:
    """Counts with the heads of their columns, and lists of files that were left out."""

    titles: tuple[str, ...]
    counts: tuple[CountRow, ...]
    files: tuple[FileList, ...]


def gather(source: ReportSource) -> ImagesBySplit:
    """Count the images."""
    return ImagesBySplit(label_titles(source.classes), source.counts, source.files)


SECTION = Section("data", "Data", "Data", gather, template("images_by_split.html.j2"))
