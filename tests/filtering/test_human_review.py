"""A person's decisions: what comes back, and what is refused as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames
from tinysieve.dataset.decisions import ACTIONS, Decisions, no_decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.label_words import plain
from tinysieve.filtering.decisions.answers import NO_ANSWER, TAKEN_BACK, answer_codes, resolve_answers
from tinysieve.filtering.decisions.human_review import read_answers, write_review_queue
from tinysieve.filtering.decisions.policy import Plan
from tinysieve.ground.errors import InputError

LABELS = np.array([POSITIVE, NEGATIVE, UNLABELED, DROPPED], np.int8)


def read_review(path: Path, samples: SampleTable) -> Decisions:
    return resolve_answers(read_answers(path, "ann"), samples, LABELS).agreed()


@pytest.fixture
def samples() -> SampleTable:
    return SampleTable(pa.table({
        "sample_id": list("abcd"), "filepath": list("abcd"), "width": [1] * 4, "height": [1] * 4,
        "split": ["train", "train", "unlabeled", "train"],
        "label": pa.array(["person", "background", None, "person"]), "pixel_row": list(range(4))}))


def test_each_word_becomes_its_action(samples: SampleTable, tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text("sample_id,decision,at\na,Background,2026-01-01\nb,skip,\nc,person,\nd,person,\n")
    made = read_review(file, samples)
    assert made.rows.tolist() == [0, 2, 3]
    assert [ACTIONS[action] for action in made.actions] == ["relabel", "label", "restore"]
    assert made.new_labels.tolist() == [NEGATIVE, POSITIVE, POSITIVE]
    assert made.at is not None
    assert made.at[0].as_py() == "2026-01-01"


@pytest.mark.parametrize(("text", "line"), [("zzz,person", 3), ("b,maybe", 3), ("a,drop", 3)])
def test_a_wrong_line_refuses_the_file(samples: SampleTable, tmp_path: Path, text: str, line: int) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text(f"sample_id,decision\na,person\n{text}\n")
    with pytest.raises(InputError) as caught:
        read_review(file, samples)
    assert caught.value.where.endswith(f":{line}")


@pytest.mark.parametrize(("text", "code"), [
    ("b", NEGATIVE), ("B", NEGATIVE), ("0", NEGATIVE), ("0.0", NEGATIVE), ("Non Person", NEGATIVE), ("no_person", NEGATIVE),
    ("negative", NEGATIVE), ("p", POSITIVE), ("1", POSITIVE), ('"1,0"', POSITIVE), ("persons", POSITIVE), ("human", POSITIVE),
    ("d", DROPPED), ("Dropped", DROPPED)])
def test_decisions_as_people_type_them(samples: SampleTable, tmp_path: Path, text: str, code: int) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text(f"Sample_ID,Decision\nc,{text}\n")
    made = resolve_answers(read_answers(file, "ann", given={"person": ("human", "1"), "background": ("nobody", "0")})
                           if text == "human" else read_answers(file, "ann"), samples, LABELS).agreed()
    assert made.new_labels.tolist() == [code]


@pytest.mark.parametrize("text", ["yes", "No", "TRUE", "f", "n", "ok", "-1", "2"])
def test_what_may_mean_agreement_is_refused_with_the_line_of_the_file(samples: SampleTable, tmp_path: Path, text: str) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text(f'sample_id,decision,remark\n\na,drop,"two\nlines"\n\nb,{text},\n')
    with pytest.raises(InputError, match=f"the decision is person, background, drop, skip or undo, not '{text}'") as caught:
        read_review(file, samples)
    assert caught.value.where == f"{file}:6"


@given(positive=st.sampled_from(["person", "dog", "sheep", "nurse", "fire", "unicorn", "truck"]),
       negative=st.sampled_from(["background", "plain", "nobody", "dust", "yard", "forest", "none_of_it"]))
def test_a_letter_counts_only_where_it_means_a_single_word(positive: str, negative: str) -> None:
    codes = answer_codes(ClassNames(positive, negative))
    words = {"drop": DROPPED, "skip": NO_ANSWER, "undo": TAKEN_BACK, positive: POSITIVE, negative: NEGATIVE}
    assert {word: codes[plain(word)] for word in words} == words
    for letter in "abcdefghijklmnopqrstuvwxyz":
        meant = {code for word, code in words.items() if word[0] == letter} | ({POSITIVE} if letter == "p" else set())
        assert letter not in codes or {codes[letter]} == meant


def test_the_file_may_name_the_reviewer_of_a_line(samples: SampleTable, tmp_path: Path) -> None:
    file = tmp_path / "decisions.csv"
    file.write_text("sample_id,decision,reviewer,at\na,drop,ben,\nb,person,,2026-01-02\n")
    made = read_review(file, samples)
    assert made.by.to_pylist() == ["ben", "ann"]
    assert made.at is not None
    assert made.at.to_pylist() == [None, "2026-01-02"]


def test_queue_goes_out_and_comes_back(samples: SampleTable, tmp_path: Path) -> None:
    plan = Plan(no_decisions(), np.array([2, 0]), np.array([POSITIVE, -1], np.int8), pa.array(["box", "quarrel"]))
    write_review_queue(tmp_path / "queue.csv", plan, samples, LABELS)
    rows = pacsv.read_csv(tmp_path / "queue.csv").to_pylist()
    assert [row["sample_id"] for row in rows] == ["c", "a"]
    assert len(read_review(tmp_path / "queue.csv", samples)) == 0


@pytest.mark.parametrize(("header", "fix"), [("annotation_id,choice,image", "export the project as JSON"),
                                             ("filename,decision", "tinysieve review queue")])
def test_a_table_without_ids_says_what_to_bring(tmp_path: Path, header: str, fix: str) -> None:
    (tmp_path / "d.csv").write_text(f"{header}\nx,person,y\n" if header.count(",") == 2 else f"{header}\nx,person\n")
    with pytest.raises(InputError, match="no column 'sample_id'") as caught:
        read_answers(tmp_path / "d.csv", "ann")
    assert fix in caught.value.fix
