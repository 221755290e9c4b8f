"""A person's decisions: what comes back, and what is refused as a whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED
from tinysieve.dataset.decisions import ACTIONS, Decisions, no_decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.answers import resolve_answers
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
