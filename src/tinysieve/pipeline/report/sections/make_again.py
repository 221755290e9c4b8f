"""Section "Provenance": settings, keys, hashes and packages, and the commands that make the run again."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.report.provenance import Provenance
from tinysieve.pipeline.report.section import Section, template
from tinysieve.pipeline.report.source import ReportSource


@dataclass(frozen=True)
class MadeFrom:
    """Where the result comes from, and the SHA-256 of the calibration images' ids."""

    provenance: Provenance
    calibration_digest: str


def gather(source: ReportSource) -> MadeFrom:
    """Read the records of the stages."""
    return MadeFrom(source.provenance, source.calibration_digest)


SECTION = Section("redo", "Provenance", "Provenance", gather, template("make_again.html.j2"))
