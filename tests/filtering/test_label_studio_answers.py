"""Label Studio's export: who said what last, what was cancelled, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.filtering.decisions.answers import NO_ANSWER, TAKEN_BACK, Answers
from tinysieve.filtering.decisions.label_studio_answers import read_annotations
from tinysieve.ground.errors import InputError


def annotation(word: str | None, who: Any = 1, at: str = "2026-03-01T10:00:00.000000Z", **more: Any) -> dict[str, Any]:
    choice = {"from_name": "decision", "to_name": "image", "type": "choices", "value": {"choices": [word]}}
    box = {"from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": {"rectanglelabels": ["person box"]}}
    return {"id": 5, "completed_by": who, "was_cancelled": False, "updated_at": at,
            "result": [box] + ([choice] if word else []), **more}


def answers(tmp_path: Path, *annotations: dict[str, Any], sample_id: Any = "a") -> Answers:
    file = tmp_path / "export.json"
    file.write_text(json.dumps([{"id": 7, "data": {"image": "x", "sample_id": sample_id}, "annotations": list(annotations)}]))
    return read_annotations(file, "otherwise")


def test_an_annotation_is_an_answer_with_name_and_time(tmp_path: Path) -> None:
    made = answers(tmp_path, annotation("person", {"id": 3, "email": "ann@example.org"}))
    assert made.sample_ids.to_pylist() == ["a"]
    assert made.codes.tolist() == [POSITIVE]
    assert made.reviewers.to_pylist() == ["ann@example.org"]
    assert made.at.to_pylist() == ["2026-03-01T10:00:00.000000Z"]


def test_the_latest_of_one_person_takes_back_the_earlier(tmp_path: Path) -> None:
    late, early = annotation("drop", at="2026-03-02T00:00:00Z"), annotation("person", at="2026-03-01T00:00:00Z")
    assert answers(tmp_path, late, early).codes.tolist() == [POSITIVE, TAKEN_BACK, DROPPED]


def test_different_people_stand_beside_each_other(tmp_path: Path) -> None:
    made = answers(tmp_path, annotation("person", 1), annotation("background", 2))
    assert made.codes.tolist() == [POSITIVE, NEGATIVE]
    assert made.reviewers.to_pylist() == ["annotator 1", "annotator 2"]


@pytest.mark.parametrize(("who", "last", "named"), [
    (1, 3, "annotator 3"), (1, 1, "annotator 1"), (1, None, "annotator 1"), ({"id": 1, "email": "ann@example.org"}, 1,
    "ann@example.org"), ({"id": 1, "email": "ann@example.org"}, 3, "annotator 3"), (None, None, "otherwise")])
def test_who_changed_an_annotation_last_has_answered(tmp_path: Path, who: Any, last: int | None, named: str) -> None:
    assert answers(tmp_path, annotation("person", who, updated_by=last)).reviewers.to_pylist() == [named]


def test_cancelled_and_empty_annotations_decide_nothing(tmp_path: Path) -> None:
    made = answers(tmp_path, annotation("person", 1, was_cancelled=True), annotation(None, 2), annotation("skip", None))
    assert made.codes.tolist() == [NO_ANSWER] * 3
    assert made.reviewers[2].as_py() == "otherwise"


def test_another_choice_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="maybe") as caught:
        answers(tmp_path, annotation("maybe"))
    assert caught.value.where.endswith("export.json: task 7, annotation 5")


def test_a_task_without_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data\.sample_id"):
        answers(tmp_path, annotation("person"), sample_id=None)


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"annotations": [1]}]', '[{"image": "x", "choice": "person"}]',
                                  "[" * 100_000, "\xff"])
def test_any_other_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_annotations(file, "ann")


@pytest.mark.parametrize("odd", [{}, {"result": 3}, {"result": [None]}, {"result": [{"from_name": "decision", "value": 2}]},
                                 {"result": [{"from_name": "decision", "value": {"choices": 1}}]}])
def test_odd_annotations_decide_nothing(tmp_path: Path, odd: Any) -> None:
    file = tmp_path / "export.json"
    file.write_text(json.dumps([{"data": {"sample_id": "a"}, "annotations": [odd]}]))
    assert read_annotations(file, "ann").codes.tolist() == [NO_ANSWER]
