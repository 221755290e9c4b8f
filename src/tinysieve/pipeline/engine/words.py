"""Figures as words: the five sentences that open the report, and how it writes numbers.

Every function takes what the stages' JSON files hold and gives plain text; the page escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]
_THIN = "\N{NARROW NO-BREAK SPACE}"


@dataclass(frozen=True)
class Change:
    """How the current labels differ from those as they came.

    Args:
        counts: images by (old label, new label), such as ("no label", "person").
        eligible: images that a policy may change.
        review: images that are worth a person's look.
        review_changed: of these, images that already have another label than they came with.
        made_by: notes of the versions that made the change, oldest first.
    """

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


def amount(budget: Json, field: str) -> str:
    """One figure of a budget (limit, measured, margin) in its own unit; "" where there is none."""
    value = budget[field]
    if value is None:
        return ""
    if budget["unit"] == "B":
        return size(value)
    relative = field == "margin" or budget["name"] == "accuracy against baseline"
    return points(value) if relative else percent(value)


def judgement(budget: Json) -> str:
    """met, missed or not measured."""
    return {True: "met", False: "missed", None: "not measured"}[budget["met"]]


def interval(of: Json) -> str:
    """A 95 % interval of a share.

    >>> interval({"low": 0.544, "high": 0.612})
    '54.4 to 61.2\\u202f%'
    """
    return f"{100 * abs(of['low']):.1f} to {percent(of['high'])}"


def sentences(verdict: Json, change: Change, recipe: Json) -> list[str]:
    """The whole result in five sentences: accuracy, difference, fit, what changed, comparable or not."""
    return [_accuracy(verdict), _difference(verdict["comparison"]), _fit(verdict["budgets"]),
            _changed(change), _comparable(recipe)]


def leaks(verdict: Json) -> str:
    """Whether the mended model was trained on near-duplicates of test images, in a sentence.

    >>> leaks({"leaked_train_images": {"mended": 2}})
    '2 training images of the mended model are near-duplicates of test images: its accuracy is overstated.'
    """
    found = (verdict.get("leaked_train_images") or {}).get("mended")
    if found is None:
        return "Near-duplicates of test images in the training data were not checked."
    if not found:
        return "No training image of the mended model is a near-duplicate of a test image, according to the duplicate filter."
    many = count(found, "training image of the mended model is a near-duplicate of a test image",
                 "training images of the mended model are near-duplicates of test images")
    return f"{many}: its accuracy is overstated."


def _accuracy(verdict: Json) -> str:
    mended, baseline = verdict["int8"], verdict["baseline_int8"]
    images = count(mended["images"], "frozen test image", "frozen test images")
    return (f"On {images}, whose labels no filter changes, int8 accuracy goes from "
            f"{percent(baseline['value'])} (baseline, original labels) to "
            f"{percent(mended['value'])} (mended labels, 95 % interval {interval(mended['interval'])}); a constant "
            f"classifier would reach {percent(verdict['confusion']['constant_accuracy'])}.")


def _difference(comparison: Json) -> str:
    found, balanced, test = comparison["interval"], comparison["balanced_interval"], comparison["mcnemar"]
    meaning = ("statistically significant for this choice of test images; how much the training seed matters, a single "
               "run cannot show" if comparison["better"] or comparison["worse"]
               else "not statistically significant")
    mended, baseline = test["only_second_right"], test["only_first_right"]
    if not mended and not baseline:
        return "There is no difference: both models are right on the same test images."
    return (f"The difference is {points(comparison['difference'])} (95 % interval {points(found['low'])} to "
            f"{points(found['high'])}; McNemar {probability(test['p_value'])}: {count(mended)} images only the mended model "
            f"gets right, {count(baseline)} only the baseline), {meaning}. In balanced accuracy it is "
            f"{points(comparison['balanced_difference'])} ({points(balanced['low'])} to {points(balanced['high'])}).")


def _fit(budgets: list[Json]) -> str:
    sizes = [one for one in budgets if one["unit"] == "B"]
    said = [f"{one['name']} {one['measured']:,.0f} of {one['limit']:,.0f} B "
            f"({abs(one['margin']):,.0f} B {'to spare' if one['met'] else 'too much'})"
            if one["measured"] is not None else f"{one['name']} not measured" for one in sizes]
    unknown = any(one["met"] is None for one in sizes)
    fits = "It does not fit" if any(one["met"] is False for one in sizes) else (
        "It is not known whether it fits" if unknown else "It fits")
    return f"{fits}: {'; '.join(said)}." if said else "No size budget is set."


def _changed(change: Change) -> str:
    if not change.made_by:
        return "The labels are unchanged."

    def moved(old: str, new: str) -> int:
        return change.counts.get((old, new), 0)

    away, back = moved("person", "background"), moved("background", "person")
    dropped = sum(number for (_, new), number in change.counts.items() if new == "dropped")
    named = moved("no label", "person") + moved("no label", "background")
    return (f"Of {count(change.eligible, 'image', 'images')} that may change, {count(away + back)} were flipped "
            f"({count(away)} person to background, {count(back)} background to person), {count(dropped)} dropped and "
            f"{count(named)} unlabeled ones labelled ({', then '.join(change.made_by)}); "
            f"{count(change.review, 'is', 'are')} in the review queue, {count(change.review_changed)} of them changed already.")


def _comparable(recipe: Json) -> str:
    if recipe["comparable"]:
        return (f"Both models follow the published recipe '{recipe['name']}' ({recipe['source']}), so the result is "
                "comparable to it.")
    return (f"Both models follow recipe '{recipe['name']}' ({recipe['source']}) and one seed: compare them "
            "with each other, not with published results.")
