"""The audit: strata, a draw that leaves none out, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.decisions.audit import (
    DROPPED_STRATUM,
    FLIPPED,
    KEPT,
    LABELLED,
    STRATA,
    SUSPECT,
    AnsweredStratum,
    draw_audit,
    judge_audit,
    strata_of,
)
from tinysieve.ground.errors import InputError


def test_each_sample_has_its_stratum() -> None:
    before = np.array([NEGATIVE, POSITIVE, UNLABELED, POSITIVE, POSITIVE, UNLABELED, POSITIVE, DROPPED], np.int8)
    after = np.array([POSITIVE, DROPPED, POSITIVE, POSITIVE, POSITIVE, UNLABELED, NEGATIVE, DROPPED], np.int8)
    p_wrong = np.array([0.9, 0.5, 0, 0.3, 0.01, 0, 0.9, 0])
    eligible = np.array([True] * 6 + [False, True])
    names = [STRATA[code] if code >= 0 else None for code in strata_of(before, after, p_wrong, eligible)]
    assert names == [FLIPPED, DROPPED_STRATUM, LABELLED, SUSPECT, KEPT, None, None, None]


def test_the_draw_spends_every_look_and_leaves_no_stratum_out() -> None:
    strata = np.repeat(np.array([0, 1, 3, 4, -1], np.int8), [3, 50, 20, 900, 40])
    drawn = draw_audit(strata, 100, np.random.default_rng(0))
    assert len(drawn.rows) == len(set(drawn.rows.tolist())) == 100
    assert np.bincount(drawn.strata, minlength=5).tolist() == [3, 39, 0, 20, 38]
    assert {code: int((drawn.strata == code).sum()) for code in (0, 3)} == {0: 3, 3: 20}
    assert drawn.sizes == dict(zip(STRATA, (3, 50, 0, 20, 900), strict=True))
    again = draw_audit(strata, 100, np.random.default_rng(0))
    assert (again.rows == drawn.rows).all()


def test_too_few_looks_are_refused() -> None:
    with pytest.raises(InputError, match="1 looks for 2 strata"):
        draw_audit(np.array([0, 4], np.int8), 1, np.random.default_rng(0))


def test_shares_by_hand() -> None:
    """100 flipped (9 of 10 were wrong, 1 of 10 is), 100 dropped (5 of 10), 800 kept (1 of 10 is wrong)."""
    found = judge_audit([AnsweredStratum(FLIPPED, 100, 10, 9, 1), AnsweredStratum(DROPPED_STRATUM, 100, 10, 5, 0),
                         AnsweredStratum(KEPT, 800, 10, 1, 1)], np.random.default_rng(0))
    values = {name: None if share is None else round(share.value, 4) for name, share in found.items()}
    assert values == {"precision_of_flips": 0.9, "precision_of_changes": 0.7, "recall": round(140 / 220, 4),
                      "precision_of_labels": None, "wrong_before": 0.22, "wrong_after": 0.1}
    assert all(share.low <= share.value <= share.high for share in found.values() if share is not None)


def test_an_unanswered_stratum_says_nothing_of_the_whole() -> None:
    found = judge_audit([AnsweredStratum(FLIPPED, 100, 10, 9, 1), AnsweredStratum(KEPT, 800, 0, 0, 0)], np.random.default_rng(0))
    assert found["precision_of_flips"] is not None
    assert found["recall"] is found["wrong_after"] is None


def test_where_nothing_was_wrong_there_is_no_recall() -> None:
    found = judge_audit([AnsweredStratum(FLIPPED, 10, 10, 0, 10), AnsweredStratum(KEPT, 50, 20, 0, 0)],
                        np.random.default_rng(0))
    assert found["recall"] is None
    assert found["precision_of_flips"] is not None


def test_intervals_hold_the_truth() -> None:
    """Of 200 audits of a population with known shares at least 90 % of the 95 % intervals hold recall and wrong_after."""
    rng, hits, rounds = np.random.default_rng(0), np.zeros(2), 200
    sizes, wrong_before, wrong_after = {FLIPPED: 150, SUSPECT: 300, KEPT: 3000}, (0.8, 0.3, 0.01), (0.2, 0.3, 0.01)
    counts = np.array(list(sizes.values()))
    recall = counts[0] * wrong_before[0] / (counts @ np.array(wrong_before))
    after = counts @ np.array(wrong_after) / counts.sum()
    for _ in range(rounds):
        answered = []
        for place, (name, size) in enumerate(sizes.items()):
            before = int(rng.hypergeometric(round(size * wrong_before[place]), size - round(size * wrong_before[place]), 60))
            answered.append(AnsweredStratum(name, size, 60, before, 60 - before if name == FLIPPED else before))
        found = judge_audit(answered, rng)
        for place, (name, true) in enumerate((("recall", recall), ("wrong_after", after))):
            share = found[name]
            hits[place] += share is not None and share.low <= true <= share.high
    assert (hits / rounds >= 0.9).all()


def test_an_interval_reaches_what_was_seen_where_all_were_right() -> None:
    found = judge_audit([AnsweredStratum(FLIPPED, 100, 50, 50, 0)], np.random.default_rng(0))["precision_of_flips"]
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert 0.9 < found.low < 1
