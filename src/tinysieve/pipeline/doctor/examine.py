"""`tinysieve doctor`: looks at the machine and says what to do; never installs, downloads or changes anything.

Packages are judged by their metadata and not imported: the whole examination stays under three seconds.
"""

from __future__ import annotations

import json as json_format
from dataclasses import asdict, dataclass
from pathlib import Path

from tinysieve.pipeline.doctor.finding import MISSING, OK, PROBLEM, Finding
from tinysieve.pipeline.engine.words import count


@dataclass(frozen=True)
class Examination:
    """Everything that was found, topic by topic."""

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """What will make work fail."""
        return tuple(finding for finding in self.findings if finding.state == PROBLEM)


def examine(config: Path | None) -> Examination:
    """Look at Python, packages, GPU, TFLM, disk and licences, and at what a configuration asks for, if one is given."""
    from tinysieve.pipeline.doctor.configuration import configuration_findings
    from tinysieve.pipeline.doctor.packages import licences, packages
    from tinysieve.pipeline.doctor.plugins import plugins
    from tinysieve.pipeline.doctor.this_machine import disk, gpu, python, tflm

    asked, folder = configuration_findings(config)
    return Examination((*python(), *packages(), *plugins(), tflm(), *gpu(), *asked, disk(folder), *licences()))


def render(examination: Examination, json: bool) -> str:
    """As a table for people or as JSON for programs."""
    if json:
        counts = {state: sum(finding.state == state for finding in examination.findings) for state in (OK, MISSING, PROBLEM)}
        return json_format.dumps(counts | asdict(examination), indent=1)
    lines: list[str] = []
    width = max(len(finding.name) for finding in examination.findings)
    topic = ""
    for finding in examination.findings:
        if finding.topic != topic:
            topic = finding.topic
            lines += ["", topic]
        lines.append(f"  {finding.state:<8} {finding.name:<{width}}  {finding.found}")
        if finding.advice:
            lines.append(f"  {'':<8} {'':<{width}}  -> {finding.advice}")
    return "\n".join([*lines[1:], "", _summary(examination)])


def _summary(examination: Examination) -> str:
    if not examination.problems:
        return "no problems"
    names = ", ".join(finding.name for finding in examination.problems)
    return f"{count(len(examination.problems), 'problem', 'problems')}: {names}"
