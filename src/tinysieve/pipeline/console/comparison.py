"""What `compare` prints for people: five parts, the answer first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinysieve.pipeline.compare.run_comparison import Difference, RunComparison, Significance
from tinysieve.pipeline.compare.shared_images import DataDifference, LabelChange, counted
from tinysieve.pipeline.engine.words import points, probability

LISTED = 10


def comparison_text(comparison: RunComparison) -> str:
    """All parts, one line a fact."""
    return "\n".join(_lines(comparison))


def _lines(comparison: RunComparison) -> Iterator[str]:
    yield f"A  {comparison.a}"
    yield f"B  {comparison.b}"
    yield ""
    yield "Result: " + (f"not comparable: {comparison.refused}" if comparison.significance is None
                        else _significance(comparison.significance))
    yield from ("", "Data", *_data(comparison.data))
    for title, rows, same in (("Recipe", comparison.recipe, "same recipe and seed"),
                              ("Settings, code and input files", comparison.settings, "the same"),
                              ("Model", comparison.model, "identical files"), ("Verdict", comparison.verdict, "same figures")):
        yield from ("", title, *_table(rows, same))


def _significance(significance: Significance) -> str:
    paired, mcnemar = significance.b_against_a, significance.b_against_a.mcnemar
    meaning = ("both models give the same predictions" if significance.same_answer == significance.images else
               f"B is {'more' if paired.better else 'less'} accurate; the difference is statistically significant"
               if paired.better or paired.worse else "the difference is not statistically significant")
    return (f"{meaning}.\n  accuracy A {significance.accuracy_a:.4f}, B {significance.accuracy_b:.4f} on the same "
            f"{significance.images:,} test images: "
            f"{points(paired.difference)} (95 % interval {points(paired.interval.low)} to {points(paired.interval.high)})\n"
            f"  balanced accuracy: {points(paired.balanced_difference)} ({points(paired.balanced_interval.low)} to "
            f"{points(paired.balanced_interval.high)})\n"
            f"  McNemar {probability(mcnemar.p_value)}: {mcnemar.only_second_right:,} images only B gets right, "
            f"{mcnemar.only_first_right:,} only A; same prediction on {significance.same_answer:,}"
            + "".join(f"\n  {constant}: the difference does not measure the labels" for constant in significance.one_answer))


def _data(data: DataDifference) -> Iterator[str]:
    yield f"  {data.common:,} images in both"
    for name, alone in (("A", data.only_a), ("B", data.only_b)):
        if alone:
            splits = ", ".join(f"{number:,} {split}" for split, number in alone.items())
            yield f"  only in {name}: {sum(alone.values()):,} ({splits})"
    if data.moved:
        yield f"  in another split: {data.moved:,}"
    if not data.common:
        return
    yield from _labels("original labels", data.as_ingested)
    yield from _labels(f"labels trained on, version {data.version_a} -> {data.version_b}", data.trained)


def _labels(title: str, changes: Sequence[LabelChange]) -> Iterator[str]:
    if not changes:
        yield f"  {title}: no difference"
        return
    yield f"  {title}: {len(changes):,} differ"
    yield from (f"    {number:>8,}  {kind}" for kind, number in counted(tuple(changes)).items())
    yield from (f"    {change.filepath}  {change.a} -> {change.b}" for change in changes[:LISTED])
    if len(changes) > LISTED:
        yield f"    and {len(changes) - LISTED:,} more (--json for all)"


def _table(rows: Sequence[Difference], same: str) -> Iterator[str]:
    if not rows:
        yield f"  {same}"
        return
    width = max(len(row.name) for row in rows)
    yield from (f"  {row.name:<{width}}  {_shown(row.a)} -> {_shown(row.b)}" for row in rows)


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
