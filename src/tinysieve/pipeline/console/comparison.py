"""What `compare` prints for people: five parts, the answer first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tinysieve.pipeline.compare.run_comparison import Difference, RunComparison, Significance
from tinysieve.pipeline.compare.shared_images import DataDifference, LabelChange, counted
from tinysieve.pipeline.engine.words import points, probability

LISTED = 10


def comparison_text(found: RunComparison) -> str:
    """All parts, one line a fact."""
    return "\n".join(_lines(found))


def _lines(found: RunComparison) -> Iterator[str]:
    yield f"A  {found.a}"
    yield f"B  {found.b}"
    yield ""
    yield "Result: " + (f"not comparable: {found.refused}" if found.significance is None else _significance(found.significance))
    yield from ("", "Data", *_data(found.data))
    for title, rows, same in (("Recipe", found.recipe, "same recipe and seed"),
                              ("Settings, code and input files", found.settings, "the same"),
                              ("Model", found.model, "identical files"), ("Verdict", found.verdict, "same figures")):
        yield from ("", title, *_table(rows, same))


def _significance(one: Significance) -> str:
    found, mcnemar = one.b_against_a, one.b_against_a.mcnemar
    meaning = ("both models give the same predictions" if one.same_answer == one.images else
               f"B is {'more' if found.better else 'less'} accurate; the difference is statistically significant"
               if found.better or found.worse else "the difference is not statistically significant")
    return (f"{meaning}.\n  accuracy A {one.accuracy_a:.4f}, B {one.accuracy_b:.4f} on the same {one.images:,} test images: "
            f"{points(found.difference)} (95 % interval {points(found.interval.low)} to {points(found.interval.high)})\n"
            f"  balanced accuracy: {points(found.balanced_difference)} ({points(found.balanced_interval.low)} to "
            f"{points(found.balanced_interval.high)})\n"
            f"  McNemar {probability(mcnemar.p_value)}: {mcnemar.only_second_right:,} images only B gets right, "
            f"{mcnemar.only_first_right:,} only A; same prediction on {one.same_answer:,}"
            + "".join(f"\n  {said}: the difference does not measure the labels" for said in one.one_answer))


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
    yield from (f"    {one.filepath}  {one.a} -> {one.b}" for one in changes[:LISTED])
    if len(changes) > LISTED:
        yield f"    and {len(changes) - LISTED:,} more (--json for all)"


def _table(rows: Sequence[Difference], same: str) -> Iterator[str]:
    if not rows:
        yield f"  {same}"
        return
    width = max(len(one.name) for one in rows)
    yield from (f"  {one.name:<{width}}  {_shown(one.a)} -> {_shown(one.b)}" for one in rows)


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
