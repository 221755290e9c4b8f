"""Opinions from boxes and probabilities, on the cases the field is known for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.decisions.vote_table import vote_table
from tinysieve.filtering.evidence.crop_rule import NONE, NOT_EXAMINED, PRESENT, TOO_SMALL, Presence
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filters.disagreement import disagreement
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.filters.pseudo_label import pseudo_label
from tinysieve.filtering.filters.seed_rule import seed_rule
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.ground.errors import InputError

LIMITS = PresenceLimits(positive=0.5, negative=0.15)
CODES = np.array([PRESENT, PRESENT, TOO_SMALL, NONE, NONE, NOT_EXAMINED], np.int8)
SEEN = Presence(CODES, np.array([0.9, 0.3, 0.9, 0.1, 0.0, 0.0], np.float32), np.zeros(6, np.float32))


def test_disagreement_votes_both_ways_and_abstains_in_between() -> None:
    """Sure box -> person; doubtful box, small person, unexamined -> abstain; no box at all -> background."""
    opinion = disagreement(SEEN, np.full(6, POSITIVE, np.int8), LIMITS, "d")
    assert opinion.proposed.tolist() == [POSITIVE, ABSTAIN, ABSTAIN, NEGATIVE, NEGATIVE, ABSTAIN]
    assert opinion.confidence == pytest.approx([0.9, 0, 0, 0.9, 1.0, 0])


def test_labelled_and_unlabeled_are_different_filters() -> None:
    labels = np.array([POSITIVE, POSITIVE, UNLABELED, UNLABELED, NEGATIVE, UNLABELED], np.int8)
    voted = disagreement(SEEN, labels, LIMITS, "d").proposed != ABSTAIN
    pseudo = pseudo_label(SEEN, labels, LIMITS, "d").proposed != ABSTAIN
    assert not (voted & pseudo).any()
    assert (voted <= (labels != UNLABELED)).all()
    assert (pseudo <= (labels == UNLABELED)).all()


def test_seed_rule_calls_everything_else_background() -> None:
    labels = np.array([NEGATIVE, UNLABELED, POSITIVE, POSITIVE, UNLABELED, UNLABELED], np.int8)
    assert seed_rule(SEEN, labels).proposed.tolist() == [POSITIVE, NEGATIVE, NEGATIVE, NEGATIVE, NEGATIVE, NEGATIVE]


def test_probabilities_vote_outside_the_band() -> None:
    opinion = probable_label(np.array([0.9, 0.7, 0.5, 0.3, 0.05, np.nan]), "x", "x", 0.7)
    assert opinion.proposed.tolist() == [POSITIVE, POSITIVE, ABSTAIN, NEGATIVE, NEGATIVE, ABSTAIN]
    with pytest.raises(InputError):
        probable_label(np.array([1.2]), "x", "x", 0.7)


def test_opinions_survive_the_disk(tmp_path: Path) -> None:
    opinion = disagreement(SEEN, np.full(6, POSITIVE, np.int8), LIMITS, "d")
    opinion.save(tmp_path / "o.parquet")
    back = Opinions.load(tmp_path / "o.parquet")
    assert (back.filter, back.signal, back.reasons) == (opinion.filter, opinion.signal, opinion.reasons)
    for name in ("proposed", "confidence", "reason_codes"):
        assert np.array_equal(getattr(back, name), getattr(opinion, name))


def test_reasons_that_read_alike_are_stored_once(tmp_path: Path) -> None:
    """Two cases of one wording: Arrow would write such a dictionary as plain text, and bytes that nothing decides."""
    first, second = np.array([True, False, False]), np.array([False, True, False])
    made = opine("f", "s", [(first, 1, "alike"), (second, 0, "alike")], np.ones(3), "otherwise")
    made.save(tmp_path / "o.parquet")
    stored = pq.ParquetFile(tmp_path / "o.parquet")
    assert "RLE_DICTIONARY" in stored.metadata.row_group(0).column(2).encodings
    assert stored.read()["reason"].to_pylist() == ["alike", "alike", "otherwise"]
    back = Opinions.load(tmp_path / "o.parquet")
    assert [back.reasons[code] for code in back.reason_codes] == ["alike", "alike", "otherwise"]


def test_vote_table_counts_by_hand() -> None:
    """Of four samples, `a` votes on three (75 %), shares two votes with `b` and contradicts it on one."""
    def opinion(name: str, proposed: list[int]) -> Opinions:
        votes = np.array(proposed, np.int8)
        return Opinions(name, name, votes, (votes >= 0).astype(np.float32), np.zeros(4, np.int8), ("r",))

    rows = vote_table([opinion("a", [1, 1, 0, -1]), opinion("b", [1, 0, -1, 0])],
                      np.array([0, 1, 1, -1], np.int8), np.ones(4, bool))
    assert (rows[0].coverage, rows[0].overlap, rows[0].conflict) == (0.75, 0.5, 0.25)
    assert (rows[0].to_positive, rows[0].to_negative) == (1, 1)
    assert rows[1].new_negative == 1
