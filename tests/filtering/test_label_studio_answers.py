"""Label Studio's export: who said what last, what was cancelled, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.answers import NO_ANSWER, TAKEN_BACK, Answers
from tinysieve.filtering.decisions.label_studio_answers import read_annotations
from tinysieve.ground.errors import InputError

PATHS = {"a": "train/x.jpg", "b": "val/x.jpg", "c": "train/Müller 1.jpg", "d": "1a2b3c4d-y.png", "e": "y.png"}
SAMPLES = SampleTable(pa.table({
    "sample_id": list(PATHS), "filepath": list(PATHS.values()), "width": [1] * 5, "height": [1] * 5, "split": ["train"] * 5,
    "label": ["person"] * 5, "pixel_row": list(range(5))}))


def annotation(word: str | None, who: Any = 1, at: str = "2026-03-01T10:00:00.000000Z", **more: Any) -> dict[str, Any]:
    choice = {"from_name": "decision", "to_name": "image", "type": "choices", "value": {"choices": [word]}}
    box = {"from_name": "box", "to_name": "image", "type": "rectanglelabels", "value": {"rectanglelabels": ["person box"]}}
    return {"id": 5, "completed_by": who, "was_cancelled": False, "updated_at": at,
            "result": [box] + ([choice] if word else []), **more}


def answers(tmp_path: Path, *annotations: dict[str, Any], sample_id: Any = "a") -> Answers:
    return read(tmp_path, [{"id": 7, "data": {"image": "z", "sample_id": sample_id}, "annotations": list(annotations)}])


def read(tmp_path: Path, tasks: list[dict[str, Any]], **settings: Any) -> Answers:
    file = tmp_path / "export.json"
    file.write_text(json.dumps(tasks))
    return read_annotations(file, "otherwise", SAMPLES, **settings)


def chosen(control: str, *words: str) -> dict[str, Any]:
    return {"completed_by": 1, "result": [{"from_name": control, "type": "choices", "value": {"choices": list(words)}}]}


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
    with pytest.raises(InputError, match="no photo of this run: 'z'") as caught:
        answers(tmp_path, annotation("person"), sample_id=None)
    assert caught.value.where.endswith("export.json: task 7")
    assert "data.sample_id" in caught.value.fix


@pytest.mark.parametrize(("data", "sample"), [
    ({"image": "/data/local-files/?d=photos/train/x.jpg"}, "a"), ({"img": "s3://bucket/set/val/x.jpg"}, "b"),
    ({"image": "https://h.example/train/Mu%CC%88ller%201.jpg?token=2"}, "c"), ({"image": "C:\\set\\VAL\\X.JPG"}, "b"),
    ({"image": "/data/upload/3/0badcafe-M%C3%BCller%201.jpg"}, "c"), ({"image": "/data/upload/3/1a2b3c4d-y.png"}, "d"),
    ({"image": "/data/upload/3/0badcafe-y.png"}, "e"), ({"image": "gone.jpg", "photo_id": "d"}, "d"),
])
def test_tasks_of_others_are_known_by_file_name_or_id(tmp_path: Path, data: dict[str, str], sample: str) -> None:
    made = read(tmp_path, [{"data": data, "annotations": [chosen("kind", "Not-Person")]}])
    assert (made.sample_ids.to_pylist(), made.codes.tolist()) == ([sample], [NEGATIVE])


def test_a_name_of_two_photos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"could show 2 photos: 'x\.jpg'"):
        read(tmp_path, [{"data": {"image": "x.jpg"}, "annotations": [chosen("kind", "person")]}])


def test_the_control_is_chosen_where_several_have_choices(tmp_path: Path) -> None:
    both = chosen("weather", "rain")
    both["result"] += chosen("who", "human")["result"]
    tasks = [{"data": {"image": "y.png"}, "annotations": [both]}]
    with pytest.raises(InputError, match="several controls have choices: weather, who") as caught:
        read(tmp_path, tasks)
    assert "--control weather" in caught.value.fix
    with pytest.raises(InputError, match="no control 'sky' has choices"):
        read(tmp_path, tasks, control="sky")
    assert read(tmp_path, tasks, control="who", given={"person": ("human",)}).codes.tolist() == [POSITIVE]


def test_an_export_without_any_choice_is_an_error(tmp_path: Path) -> None:
    box = {"from_name": "box", "type": "rectanglelabels", "value": {"rectanglelabels": ["person"]}}
    with pytest.raises(InputError, match="no decision in 1 tasks") as caught:
        read(tmp_path, [{"data": {"image": "y.png"}, "annotations": [{"result": [box]}]}])
    assert caught.value.why == "it has box (rectanglelabels)"
    with pytest.raises(InputError, match="no decision") as caught:
        read(tmp_path, [{"data": {"image": "y.png"}, "annotations": []}])
    assert caught.value.why == "no task is annotated"


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '[{"annotations": [1]}]', '[{"image": "x", "choice": "person"}]',
                                  "[" * 100_000, "\xff"])
def test_any_other_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_annotations(file, "ann", SAMPLES)


@pytest.mark.parametrize("odd", [{}, {"result": 3}, {"result": [None]}, {"result": [{"from_name": "decision", "value": 2}]},
                                 {"result": [{"from_name": "decision", "value": {"choices": 1}}]}])
def test_odd_annotations_decide_nothing(tmp_path: Path, odd: Any) -> None:
    tasks = [{"data": {"sample_id": name}, "annotations": [given]} for name, given in (("a", odd), ("b", annotation("drop")))]
    assert read(tmp_path, tasks).codes.tolist() == [NO_ANSWER, DROPPED]
