"""What a policy's changes are worth, by asking about a random few: precision and recall with intervals.

The review queue asks about what is most doubtful and says nothing of the rest. An audit draws at random within strata (what
was done to a sample, and how suspect it was), so that every answer stands for known numbers of samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, UNLABELED, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.decisions.filter_precision import Share
from tinysieve.ground.errors import InputError

FLIPPED, DROPPED_STRATUM, LABELLED, SUSPECT, KEPT = "flipped", "dropped", "labelled", "kept though suspect", "kept"
STRATA = (FLIPPED, DROPPED_STRATUM, LABELLED, SUSPECT, KEPT)
SUSPECT_ABOVE = 0.05
_DRAWS = 10_000


@dataclass(frozen=True, eq=False)
class AuditSample:
    """Who is asked about.

    Args:
        rows: int64 [A], in random order, so that nobody can tell from the place what was done.
        strata: int8 [A], index into STRATA.
        sizes: samples of each stratum in all.
    """

    rows: NDArray[np.int64]
    strata: Codes
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class AnsweredStratum:
    """What a person said of the samples drawn from one stratum.

    Args:
        stratum: one of STRATA.
        size: samples in it.
        answered: samples of it that a person decided.
        wrong_before: of these, given labels that were wrong.
        wrong_after: of these, labels that are wrong now; a dropped sample has none.
    """

    stratum: str
    size: int
    answered: int
    wrong_before: int
    wrong_after: int


def strata_of(before: Codes, after: Codes, p_wrong: NDArray[np.floating], eligible: Mask) -> Codes:
    """int8 [N], index into STRATA, -1 for samples that are not audited (not eligible, or without a label before and after)."""
    labelled, kept = before > UNLABELED, (after == before) & (before > UNLABELED)
    cases = [labelled & (after > UNLABELED) & ~kept, labelled & (after == DROPPED), (before == UNLABELED) & (after > UNLABELED),
             kept & (p_wrong >= SUSPECT_ABOVE), kept]
    return np.where(eligible, np.select(cases, [np.int8(index) for index in range(len(STRATA))], np.int8(-1)), -1).astype(np.int8)


def draw_audit(strata: Codes, looks: int, rng: np.random.Generator) -> AuditSample:
    """Draw `looks` samples, as many from each stratum; what a small one lacks goes to the others.

    Raises:
        InputError: fewer than one look a stratum that has samples.
    """
    members = [np.flatnonzero(strata == code) for code in range(len(STRATA))]
    filled = sum(len(rows) > 0 for rows in members)
    if looks < max(filled, 1):
        raise InputError(f"{looks} looks for {filled} strata", why="a stratum that nobody looks at may be all wrong",
                         fix="give --looks a larger number")
    drawn = [rng.permutation(rows)[:share] for rows, share in zip(members, _shares([len(rows) for rows in members], looks),
                                                                  strict=True)]
    rows = rng.permutation(np.concatenate(drawn))
    return AuditSample(rows, strata[rows], {name: len(own) for name, own in zip(STRATA, members, strict=True)})


def judge_audit(answered: Sequence[AnsweredStratum], rng: np.random.Generator) -> dict[str, Share | None]:
    """Estimate from a stratified sample; None where nothing was changed, nothing was found wrong (recall), or
    nothing of a stratum that counts was answered.

    Shares of each stratum are drawn from their posterior under Jeffreys' prior, Beta(wrong + 1/2, right + 1/2); the intervals
    are the middle 95 % of what the drawn shares come to, the values are those of the plain shares.

    Returns:
        `precision_of_flips`: flips that are right. `precision_of_changes`: flips and drops of labels that were wrong. `recall`:
        wrong labels that were flipped or dropped. `precision_of_labels`: new labels that are right. `wrong_before`,
        `wrong_after`: share of the labels that were there and are there.
    """
    by_name = {stratum.stratum: stratum for stratum in answered if stratum.size}
    unanswered = {name for name, stratum in by_name.items() if not stratum.answered}
    before = {name: _posterior(stratum, stratum.wrong_before, rng) for name, stratum in by_name.items()}
    after = {name: _posterior(stratum, stratum.wrong_after, rng) for name, stratum in by_name.items()}
    sizes = {name: stratum.size for name, stratum in by_name.items()}
    given, changed = (FLIPPED, DROPPED_STRATUM, SUSPECT, KEPT), (FLIPPED, DROPPED_STRATUM)
    now = (FLIPPED, LABELLED, SUSPECT, KEPT)

    def share(part: tuple[str, ...], wrong: Mapping[str, NDArray[np.float64]], right: bool) -> Share | None:
        names = [name for name in part if name in sizes]
        if not names or unanswered & set(names):
            return None
        shares = sum((wrong[name] * sizes[name] for name in names), np.zeros(_DRAWS + 1)) / sum(sizes[name] for name in names)
        return _interval(1 - shares if right else shares)

    def recall() -> Share | None:
        names = [name for name in given if name in sizes]
        if not names or unanswered & set(names):
            return None
        wrong = sum((before[name] * sizes[name] for name in names), np.zeros(_DRAWS + 1))
        caught = sum((before[name] * sizes[name] for name in names if name in changed), np.zeros(_DRAWS + 1))
        return _interval(caught / np.maximum(wrong, 1e-12)) if wrong[0] else None

    return {"precision_of_flips": share((FLIPPED,), after, True), "precision_of_changes": share(changed, before, False),
            "recall": recall(), "precision_of_labels": share((LABELLED,), after, True),
            "wrong_before": share(given, before, False), "wrong_after": share(now, after, False)}


def _shares(sizes: Sequence[int], looks: int) -> list[int]:
    taken, left = [0] * len(sizes), looks
    while left > 0 and any(taken[place] < size for place, size in enumerate(sizes)):
        open_strata = [place for place, size in enumerate(sizes) if taken[place] < size]
        share = max(left // len(open_strata), 1)
        for place in open_strata:
            more = min(share, sizes[place] - taken[place], left)
            taken[place] += more
            left -= more
    return taken


def _posterior(stratum: AnsweredStratum, wrong: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The plain share, then draws; of a stratum that was answered as a whole there is nothing to guess."""
    plain = wrong / max(stratum.answered, 1)
    if stratum.answered == stratum.size:
        return np.full(_DRAWS + 1, plain)
    return np.concatenate([[plain], rng.beta(wrong + 0.5, stratum.answered - wrong + 0.5, _DRAWS)])


def _interval(values: NDArray[np.float64]) -> Share:
    # Draws of a share never reach 0 or 1; where all or none were right, the interval does.
    low, high = np.quantile(values[1:], [0.025, 0.975])
    return Share(float(values[0]), float(min(low, values[0])), float(max(high, values[0])))
