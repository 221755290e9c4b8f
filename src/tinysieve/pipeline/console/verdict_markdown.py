"""The verdict as Markdown: what a check of a pull request shows."""

from __future__ import annotations

from tinysieve.ground.escaping import markdown
from tinysieve.pipeline.console.verdict import amount
from tinysieve.pipeline.stages.verify import VerifyFacts


def verdict_markdown(verdict: VerifyFacts) -> str:
    """A line on the accuracies, then a row a gate."""
    missed = verdict.gates_missed
    lines = [f"### {'Gate missed' if missed else 'All measured gates met'}", "", _accuracies(verdict), "",
             "| gate | limit | measured | |", "|---|---:|---:|---|"]
    for gate in verdict.budgets:
        judged = {True: "met", False: "**missed**", None: "not measured"}[gate.met]
        measured = "" if gate.measured is None else amount(gate.measured, gate.unit)
        lines.append(f"| {markdown(gate.name)} | {amount(gate.limit, gate.unit)} | {measured} | {judged} |")
    return "\n".join([*lines, "", *(f"- {markdown(note)}" for note in verdict.notes), ""])


def _accuracies(verdict: VerifyFacts) -> str:
    after = f"int8 accuracy **{verdict.int8.value:.2%}** on {verdict.int8.images:,} test images"
    if verdict.comparison is None or verdict.baseline_int8 is None:
        return after
    low, high = verdict.comparison.interval.low, verdict.comparison.interval.high
    return (f"{after}, baseline {verdict.baseline_int8.value:.2%} (difference {100 * verdict.comparison.difference:+.1f} points, "
            f"95 % interval {100 * low:+.1f} to {100 * high:+.1f})")
