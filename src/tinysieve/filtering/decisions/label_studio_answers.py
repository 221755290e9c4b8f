"""People's answers from Label Studio: the file of its export in the format "JSON"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.label_words import plain
from tinysieve.filtering.decisions.answers import NO_ANSWER, TAKEN_BACK, Answers, answer_codes, decision_words
from tinysieve.filtering.decisions.label_studio_names import sample_ids_of
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import expected_form, read_json

CONTROL = "decision"
_MAX_BYTES = 2 << 30


@dataclass(frozen=True)
class _Words:
    """Which control decides, and what its words mean."""

    control: str
    codes: Mapping[str, int]
    classes: ClassNames


@dataclass(frozen=True)
class _Answer:
    sample_id: str
    code: int
    reviewer: str
    at: str | None
    place: str


def read_annotations(path: Path, reviewer: str, samples: SampleTable, given: Mapping[str, Sequence[str]] | None = None,
                     control: str | None = None) -> Answers:
    """Read annotated tasks, of a project that our own export began or of any other.

    A cancelled annotation decides nothing. Of several annotations of one task by one person the latest counts and voids
    the earlier ones; those of several people stand beside each other, and a difference is a conflict. An annotation that
    somebody else has changed since is the answer of that person.

    Args:
        path: a list of tasks with `data` and `annotations`; a photo is known by `data.sample_id` or by the name of its file.
        reviewer: who answered where an annotation does not name its annotator.
        samples: whose photos the tasks show.
        given: the user's own words for a class.
        control: name of the Choices control that decides; None for ours, or for the only one.

    Raises:
        InputError: not such a file, a task without a known photo, several controls or none, or a choice that means nothing, with
            task and annotation.
    """
    tasks = _tasks(path)
    deciding = _deciding(tasks, control, str(path))
    words = _Words(deciding, answer_codes(samples.classes, given), samples.classes)
    answers: list[_Answer] = []
    with expected_form(str(path), "export of Label Studio"):
        for number, (task, sample_id) in enumerate(zip(tasks, sample_ids_of(tasks, samples, str(path)), strict=True)):
            answers += _answers_of(task, sample_id, f"{path}: task {task.get('id', number)}", reviewer, words)
        texts = [pa.array([getattr(answer, name) for answer in answers], pa.string()) for name in ("sample_id", "reviewer", "at")]
        codes = np.array([answer.code for answer in answers], np.int8)
    return Answers(texts[0], codes, texts[1], texts[2], lambda index: answers[index].place)


def _deciding(tasks: Sequence[dict[str, Any]], control: str | None, where: str) -> str:
    """The control whose choices are the decisions."""
    marks = [mark for task in tasks for annotation in task["annotations"] for mark in _marks(annotation)]
    choosing = sorted({str(mark.get("from_name")) for mark in marks if "choices" in mark["value"]})
    wanted = control or (CONTROL if CONTROL in choosing else choosing[0] if len(choosing) == 1 else "")
    if wanted in choosing:
        return wanted
    if choosing:
        many = "several controls have choices" if control is None else f"no control '{control}' has choices"
        raise InputError(f"{many}: {', '.join(choosing)}", where=where, fix=f"name one: --control {choosing[0]}")
    others = sorted({f"{mark.get('from_name')} ({mark.get('type')})" for mark in marks})
    raise InputError(f"no decision in {len(tasks):,} tasks: no annotation has a choice", where=where,
                     why=f"it has {', '.join(others)}" if others else "no task is annotated",
                     fix="boxes are read as filter.detector: {kind: boxes}" if others else "annotate the tasks and export again")


def _tasks(path: Path) -> list[dict[str, Any]]:
    fix = "export the project as 'JSON' (not JSON-MIN or CSV) and name that file"
    tasks = read_json(path, _MAX_BYTES)
    if not isinstance(tasks, list) or not all(_is_annotated(task) for task in tasks):
        raise InputError("not a list of tasks with annotations", where=str(path), fix=fix)
    return tasks


def _is_annotated(task: Any) -> bool:
    annotations = task.get("annotations") if isinstance(task, dict) else None
    return isinstance(annotations, list) and all(isinstance(annotation, dict) for annotation in annotations)


def _answers_of(task: dict[str, Any], sample_id: str, where: str, reviewer: str, words: _Words) -> Iterator[_Answer]:
    seen: set[str] = set()
    for annotation in sorted(task["annotations"], key=_time):
        place = f"{where}, annotation {annotation.get('id', '?')}"
        who, at = _annotator(annotation, reviewer), _time(annotation) or None
        if who in seen:
            yield _Answer(sample_id, TAKEN_BACK, who, at, place)
        seen.add(who)
        yield _Answer(sample_id, _code(annotation, place, words), who, at, place)


def _code(annotation: dict[str, Any], place: str, words: _Words) -> int:
    if annotation.get("was_cancelled"):
        return NO_ANSWER
    values = [mark["value"] for mark in _marks(annotation) if mark.get("from_name") == words.control]
    chosen = [word for value in values for word in _list(value.get("choices"))]
    if not chosen:
        return NO_ANSWER
    code = words.codes.get(plain(str(chosen[0])))
    if len(chosen) > 1 or code is None:
        raise InputError(f"the choice is one of {', '.join(decision_words(words.classes))}, not {chosen!r}", where=place,
                         why="nothing was applied", fix="say with dataset.classes which class the word means, or mend the "
                                                        "annotation in Label Studio and export again")
    return code


def _marks(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of an annotation that have a value."""
    return [mark for mark in _list(annotation.get("result")) if isinstance(mark, dict) and isinstance(mark.get("value"), dict)]


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
