"""What stands of people's answers, whatever order, repetition or change of mind they came in."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.answers import TAKEN_BACK, Answers, Review, answer_codes, resolve_answers
from tinysieve.ground.errors import InputError

IDS = list("abcd")
SAMPLES = SampleTable(pa.table({
    "sample_id": IDS, "filepath": IDS, "width": [1] * 4, "height": [1] * 4, "split": ["train"] * 4,
    "label": pa.array(["person", "background", None, "person"]), "pixel_row": list(range(4))}))
WORDS = answer_codes(PERSON_TASK)
LABELS = np.array([POSITIVE, NEGATIVE, UNLABELED, DROPPED], np.int8)


def settled(*said: tuple[str, str, str]) -> Review:
    ids, words, who = zip(*said, strict=True) if said else ((), (), ())
    answers = Answers(pa.array(ids, pa.string()), np.array([WORDS[word] for word in words], np.int8), pa.array(who, pa.string()),
                      pa.nulls(len(ids), pa.string()), lambda number: f"line {number}")
    return resolve_answers(answers, SAMPLES, LABELS)


def standing(review: Review) -> dict[str, int]:
    return {IDS[row]: int(code) for row, code in zip(review.decisions.rows, review.decisions.new_labels, strict=True)}


def test_nothing_said_is_nothing_done() -> None:
    assert len(settled().decisions) == 0


def test_saying_it_again_is_counted_and_changes_nothing() -> None:
    review = settled(("a", "drop", "ann"), ("a", "drop", "ann"), ("a", "drop", "ben"))
    assert standing(review) == {"a": DROPPED}
    assert review.repeated == 2


def test_only_the_same_person_takes_an_answer_back() -> None:
    review = settled(("a", "drop", "ann"), ("b", "person", "ann"), ("a", "undo", "ann"), ("b", "undo", "ben"))
    assert standing(review) == {"b": POSITIVE}
    assert review.taken_back == 1


def test_after_taking_back_anything_may_be_said() -> None:
    assert standing(settled(("a", "drop", "ann"), ("a", "undo", "ann"), ("a", "background", "ann"))) == {"a": NEGATIVE}


def test_skipping_contradicts_nobody() -> None:
    review = settled(("a", "skip", "ann"), ("a", "background", "ben"))
    assert standing(review) == {"a": NEGATIVE}
    assert review.skipped == 1


def test_a_skip_that_is_taken_back_is_no_skip() -> None:
    review = settled(("a", "skip", "ann"), ("a", "undo", "ann"), ("b", "skip", "ann"))
    assert (review.skipped, review.taken_back) == (1, 1)


def test_two_people_who_differ_are_a_conflict_with_both_places() -> None:
    review = settled(("b", "person", "ann"), ("a", "person", "ann"), ("a", "drop", "ben"))
    assert standing(review) == {"b": POSITIVE}
    (conflict,) = review.conflicts
    assert conflict.sample_id == "a"
    assert conflict.first == "person by ann (line 1)"
    assert conflict.second == "drop by ben (line 2)"
    with pytest.raises(InputError, match="two different decisions") as caught:
        review.agreed()
    assert caught.value.where == "line 2"


def test_an_unknown_sample_stops_everything_with_its_place() -> None:
    with pytest.raises(InputError, match="'zzz'") as caught:
        settled(("a", "person", "ann"), ("zzz", "person", "ann"))
    assert caught.value.where == "line 1"


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(["person", "background", "drop", "undo", "skip"])), max_size=30))
def test_a_diary_that_takes_back_before_it_changes_ends_as_a_dictionary_does(wishes: list[tuple[str, str]]) -> None:
    written: list[tuple[str, str, str]] = []
    held: dict[str, int] = {}
    for sample, word in wishes:
        code = WORDS[word]
        if sample in held and code != UNLABELED:
            written.append((sample, "undo", "ann"))
            del held[sample]
        written.append((sample, word, "ann"))
        if code not in (TAKEN_BACK, UNLABELED):
            held[sample] = code
    review = settled(*written)
    assert standing(review) == held
    assert review.conflicts == ()
    assert review.repeated == 0


@given(st.permutations([("a", "drop", "ann"), ("a", "drop", "ben"), ("b", "person", "ann"), ("c", "person", "ben"),
                        ("d", "drop", "ann")]))
def test_without_taking_back_the_order_is_all_the_same(said: list[tuple[str, str, str]]) -> None:
    assert standing(settled(*said)) == {"a": DROPPED, "b": POSITIVE, "c": POSITIVE, "d": DROPPED}
