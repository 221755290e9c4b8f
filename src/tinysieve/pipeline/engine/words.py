"""Figures as words: the five sentences that open the report, and how it writes numbers.

Every function gives plain text; the page escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tinysieve.dataset.classes import DROPPED_WORD, NEGATIVE, POSITIVE, UNLABELED, ClassNames

if TYPE_CHECKING:
    from tinysieve.filtering.decisions.filter_precision import Share
    from tinysieve.ground.statistics import Interval
    from tinysieve.quantize.verdict.paired_comparison import Comparison
    from tinysieve.quantize.verdict.verdict import Budget, Verdict
    from tinysieve.training.recipe import Recipe

_THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True)
class Change:
    """How the current labels differ from those as they came.

    Args:
        classes: what the classes are called.
        counts: images by (old label, new label) in their words, such as ("no label", "cat").
        eligible: images that a policy may change.
        review: images in the review queue.
        review_changed: of these, images that already have another label than they came with.
        made_by: notes of the versions that made the change, oldest first.
    """

    classes: ClassNames
    counts: Mapping[tuple[str, str], int]
    eligible: int
    review: int
    review_changed: int
    made_by: tuple[str, ...]


def percent(share: float, digits: int = 1) -> str:
    """A share in [0, 1] as percent.

    >>> percent(0.5784)
    '57.8\\u202f%'
    """
    return f"{100 * share:.{digits}f}{_THIN}%"


def points(difference: float) -> str:
    """A difference of two shares in percentage points, always with its sign.

    >>> points(-0.0123), points(-0.0)
    ('−1.2 points', '+0.0 points')
    """
    rounded = round(100 * difference, 1) + 0.0
    return f"{'−' if rounded < 0 else '+'}{abs(rounded):.1f} points"


def count(number: float, one: str = "", many: str = "") -> str:
    """A count with separators and, if given, its noun.

    >>> count(1, "image", "images"), count(4952, "image", "images")
    ('1 image', '4,952 images')
    """
    noun = one if number == 1 else many
    return f"{number:,.0f} {noun}".strip()


def with_article(noun: str) -> str:
    """A noun, such as the name of a class, with the article it is read with.

    >>> with_article("person"), with_article("apple")
    ('a person', 'an apple')
    """
    return f"{'an' if noun[:1].lower() in tuple('aeiou') else 'a'} {noun}"


def size(number: float) -> str:
    """Bytes, with the binary multiple that budgets are given in.

    >>> size(327680)
    '327,680 B (320.0 KiB)'
    """
    return f"{number:,.0f} B ({number / 1024:,.1f} KiB)".replace("-", "−")


def probability(p_value: float) -> str:
    """A p-value to three digits.

    >>> probability(0.00004), probability(0.25)
    ('p < 0.001', 'p = 0.250')
    """
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def amount(budget: Budget, field: Literal["limit", "measured", "margin"]) -> str:
    """One figure of a budget in its own unit; "" where there is none."""
    value = {"limit": budget.limit, "measured": budget.measured, "margin": budget.margin}[field]
    if value is None:
        return ""
    if budget.unit == "B":
        return size(value)
    relative = field == "margin" or budget.name == "accuracy against baseline"
    return points(value) if relative else percent(value)


def judgement(budget: Budget) -> str:
    """met, missed or not measured."""
    return {True: "met", False: "missed", None: "not measured"}[budget.met]


def interval(of: Interval | Share) -> str:
    """A 95 % interval of a share.

    >>> from tinysieve.ground.statistics import Interval
    >>> interval(Interval(0.544, 0.612))
    '54.4 to 61.2\\u202f%'
    """
    return f"{100 * abs(of.low):.1f} to {percent(of.high)}"


def sentences(verdict: Verdict, change: Change, recipe: Recipe) -> list[str]:
    """The whole result in five sentences: accuracy, difference, fit, what changed, comparable or not."""
    return [_accuracy(verdict), _difference(verdict.comparison), _fit(verdict.budgets), _changed(change), _comparable(recipe)]


def leaks(near_duplicates: int | None) -> str:
    """Whether the mended model was trained on near-duplicates of test images, in a sentence.

    >>> leaks(2)
    '2 training images of the mended model are near-duplicates of test images: its accuracy is overstated.'
    """
    if near_duplicates is None:
        return "Near-duplicates of test images in the training data were not checked."
    if not near_duplicates:
        return "No training image of the mended model is a near-duplicate of a test image, according to the duplicate filter."
    many = count(near_duplicates, "training image of the mended model is a near-duplicate of a test image",
                 "training images of the mended model are near-duplicates of test images")
    return f"{many}: its accuracy is overstated."


def _accuracy(verdict: Verdict) -> str:
    mended, baseline = verdict.int8, verdict.baseline_int8
    images = count(mended.images, "frozen test image", "frozen test images")
    before = "int8 accuracy is " if baseline is None else (
        f"int8 accuracy goes from {percent(baseline.value)} (baseline, original labels) to ")
    return (f"On {images}, whose labels no filter changes, {before}"
            f"{percent(mended.value)} (mended labels, 95 % interval {interval(mended.interval)}); a constant "
            f"classifier would reach {percent(verdict.confusion.constant_accuracy)}.")


def _difference(comparison: Comparison | None) -> str:
    if comparison is None:
        return "There is no baseline to compare it with."
    around, balanced, test = comparison.interval, comparison.balanced_interval, comparison.mcnemar
    meaning = ("statistically significant for this choice of test images; how much the training seed matters, a single "
               "run cannot show" if comparison.better or comparison.worse else "not statistically significant")
    mended, baseline = test.only_second_right, test.only_first_right
    if not mended and not baseline:
        return "There is no difference: both models are right on the same test images."
    return (f"The difference is {points(comparison.difference)} (95 % interval {points(around.low)} to "
            f"{points(around.high)}; McNemar {probability(test.p_value)}: {count(mended)} images only the mended model "
            f"gets right, {count(baseline)} only the baseline), {meaning}. In balanced accuracy it is "
            f"{points(comparison.balanced_difference)} ({points(balanced.low)} to {points(balanced.high)}).")


def _fit(budgets: Sequence[Budget]) -> str:
    sizes = [gate for gate in budgets if gate.unit == "B"]
    unknown = any(gate.met is None for gate in sizes)
    fits = "It does not fit" if any(gate.met is False for gate in sizes) else (
        "It is not known whether it fits" if unknown else "It fits")
    return f"{fits}: {'; '.join(map(_size_gate, sizes))}." if sizes else "No size budget is set."


def _size_gate(gate: Budget) -> str:
    if gate.measured is None or gate.margin is None:
        return f"{gate.name} {gate.how}"
    return (f"{gate.name} {gate.measured:,.0f} of {gate.limit:,.0f} B "
            f"({abs(gate.margin):,.0f} B {'to spare' if gate.met else 'too much'})")


def _changed(change: Change) -> str:
    if not change.made_by:
        return "The labels are unchanged."

    def moved(old: int, new: int) -> int:
        return change.counts.get((words[old], words[new]), 0)

    words, positive, negative = change.classes.words, change.classes.positive, change.classes.negative
    away, back = moved(POSITIVE, NEGATIVE), moved(NEGATIVE, POSITIVE)
    dropped = sum(number for (_, new), number in change.counts.items() if new == DROPPED_WORD)
    named = moved(UNLABELED, POSITIVE) + moved(UNLABELED, NEGATIVE)
    return (f"Of {count(change.eligible, 'image', 'images')} that may change, {count(away + back)} were flipped "
            f"({count(away)} {positive} to {negative}, {count(back)} {negative} to {positive}), {count(dropped)} dropped and "
            f"{count(named)} unlabeled ones labelled ({', then '.join(change.made_by)}); "
            f"{count(change.review, 'is', 'are')} in the review queue, {count(change.review_changed)} of them changed already.")


def _comparable(recipe: Recipe) -> str:
    if recipe.comparable:
        return (f"Both models follow the published recipe '{recipe.name}' ({recipe.source}), so the result is "
                "comparable to it.")
    return (f"Both models follow recipe '{recipe.name}' ({recipe.source}) and one seed: compare them "
            "with each other, not with published results.")
