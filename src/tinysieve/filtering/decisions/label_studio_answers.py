"""People's answers from Label Studio: the file of its export in the format "JSON"."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.filtering.decisions.answers import NO_ANSWER, TAKEN_BACK, Answers, answer_codes, decision_words
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import expected_form

CONTROL = "decision"
_MAX_BYTES = 2 << 30


@dataclass(frozen=True)
class _Answer:
    sample_id: str
    code: int
    reviewer: str
    at: str | None
    place: str


def read_annotations(path: Path, reviewer: str, classes: ClassNames = PERSON_TASK) -> Answers:
    """Read annotated tasks.

    A cancelled annotation decides nothing. Of several annotations of one task by one person the latest counts and voids
    the earlier ones; those of several people stand beside each other, and a difference is a conflict. An annotation that
    somebody else has changed since is the answer of that person.

    Args:
        path: a list of tasks with `data.sample_id` and `annotations`.
        reviewer: who answered where an annotation does not name its annotator.
        classes: names of the two classes.

    Raises:
        InputError: not such a file, a task without sample_id, or a choice that is none, with task and annotation.
    """
    answers: list[_Answer] = []
    with expected_form(str(path), "export of Label Studio"):
        for number, task in enumerate(_tasks(path)):
            answers += _answers_of(task, f"{path}: task {task.get('id', number)}", reviewer, classes)
        texts = [pa.array([getattr(answer, name) for answer in answers], pa.string()) for name in ("sample_id", "reviewer", "at")]
        codes = np.array([answer.code for answer in answers], np.int8)
    return Answers(texts[0], codes, texts[1], texts[2], lambda index: answers[index].place)


def _tasks(path: Path) -> list[dict[str, Any]]:
    fix = "export the project as 'JSON' (not JSON-MIN or CSV) and name that file"
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path.stat().st_size:,} B are more than {_MAX_BYTES:,} B", where=str(path), fix=fix)
        tasks = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="correct the path") from error
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"not JSON: {error}", where=str(path), fix=fix) from error
    if not isinstance(tasks, list) or not all(_is_annotated(task) for task in tasks):
        raise InputError("not a list of tasks with annotations", where=str(path), fix=fix)
    return tasks


def _is_annotated(task: Any) -> bool:
    annotations = task.get("annotations") if isinstance(task, dict) else None
    return isinstance(annotations, list) and all(isinstance(annotation, dict) for annotation in annotations)


def _answers_of(task: dict[str, Any], where: str, reviewer: str, classes: ClassNames) -> Iterator[_Answer]:
    data = task.get("data")
    sample_id = data.get("sample_id") if isinstance(data, dict) else None
    if not isinstance(sample_id, str):
        raise InputError("a task without data.sample_id", where=where, why="its image is not known",
                         fix="import the tasks that 'tinysieve review export --label-studio' wrote")
    seen: set[str] = set()
    for annotation in sorted(task["annotations"], key=_time):
        place = f"{where}, annotation {annotation.get('id', '?')}"
        who, at = _annotator(annotation, reviewer), _time(annotation) or None
        if who in seen:
            yield _Answer(sample_id, TAKEN_BACK, who, at, place)
        seen.add(who)
        yield _Answer(sample_id, _code(annotation, place, classes), who, at, place)


def _code(annotation: dict[str, Any], place: str, classes: ClassNames) -> int:
    if annotation.get("was_cancelled"):
        return NO_ANSWER
    marks = [mark for mark in _list(annotation.get("result")) if isinstance(mark, dict) and mark.get("from_name") == CONTROL]
    values = [mark["value"] for mark in marks if isinstance(mark.get("value"), dict)]
    words = [word for value in values for word in _list(value.get("choices"))]
    if not words:
        return NO_ANSWER
    if len(words) > 1 or words[0] not in decision_words(classes):
        raise InputError(f"the choice is one of {', '.join(decision_words(classes))}, not {words!r}", where=place,
                         why="nothing was applied", fix="mend the annotation in Label Studio and export again")
    return answer_codes(classes)[words[0].lower()]


def _time(annotation: dict[str, Any]) -> str:
    """ISO 8601 in UTC as Label Studio writes it, so that the order of the texts is that of the times; "" if not told."""
    return str(annotation.get("updated_at") or annotation.get("created_at") or "")


def _annotator(annotation: dict[str, Any], otherwise: str) -> str:
    who, last = annotation.get("completed_by"), annotation.get("updated_by")
    number = who.get("id") if isinstance(who, dict) else who
    if isinstance(last, int) and number is not None and last != number:
        return f"annotator {last}"
    if isinstance(who, dict):
        who = who.get("email") or number
    if who is None:
        return otherwise
    return who if isinstance(who, str) else f"annotator {who}"


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
