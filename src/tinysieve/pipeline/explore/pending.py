"""What a person has changed in the FiftyOne dataset since it was last filled, and the same as answers of a review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, ClassNames
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.answers import NO_ANSWER, Answers, refuse_first
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.explore.database import DATABASE, load, open_fiftyone
from tinysieve.pipeline.explore.fields import GROUND_TRUTH, SAMPLE_ID, SHOWN, dataset_name, deciding_tags
from tinysieve.pipeline.explore.patience import while_it_answers
from tinysieve.pipeline.stages.ingest import samples_of

UNKNOWN = -99


@dataclass(frozen=True)
class Change:
    """One thing a person did to one sample.

    Args:
        sample_id: of the sample table.
        word: the new label, "" for none, or a deciding tag.
        code: int8 code of the word; UNKNOWN for a label that is none of ours.
        tagged: it is a tag.
    """

    sample_id: str
    word: str
    code: int
    tagged: bool


def changes_in(dataset: Any, classes: ClassNames) -> list[Change]:
    """Labels that differ from those that were shown, and deciding tags on samples or on their labels."""
    ids, now, shown, tags, label_tags = dataset.values(
        [SAMPLE_ID, f"{GROUND_TRUTH}.label", SHOWN, "tags", f"{GROUND_TRUTH}.tags"])
    labels = {classes.positive: POSITIVE, classes.negative: NEGATIVE, "": NO_ANSWER}
    deciding = deciding_tags(classes)
    changes: list[Change] = []
    for sample_id, label, before, on_sample, on_label in zip(ids, now, shown, tags, label_tags, strict=True):
        if (label or "") != (before or ""):
            changes.append(Change(sample_id, label or "", labels.get(label or "", UNKNOWN), False))
        changes += [Change(sample_id, word, deciding[word], True)
                  for word in dict.fromkeys([*(on_sample or ()), *(on_label or ())]) if word in deciding]
    return changes


def read_answers_in_fiftyone(run: Run, reviewer: str) -> Answers:
    """A person's changes in the dataset of a run, for `tinysieve.pipeline.review.queue.import_answers`.

    Raises:
        InputError: there is no dataset, or a label that is neither of the two classes.
        MissingRequirement: FiftyOne or its database is not there.
    """
    dataset = load(open_fiftyone(), dataset_name(run))
    classes = samples_of(run).classes
    changes = while_it_answers(lambda: changes_in(dataset, classes), DATABASE, dataset.name, "run the same command again")
    return answers_of(changes, reviewer, dataset.name, classes)


def answers_of(changes: list[Change], reviewer: str, source: str, classes: ClassNames = PERSON_TASK) -> Answers:
    """Changes as answers; a label that was taken away decides nothing.

    Raises:
        InputError: a label that is neither of the two classes.
    """
    def place(number: int) -> str:
        change = changes[number]
        return f"FiftyOne dataset '{source}', sample {change.sample_id}, {'tag' if change.tagged else 'label'} '{change.word}'"

    codes = np.array([change.code for change in changes], np.int8)
    refuse_first(codes == UNKNOWN, pa.array([change.word for change in changes], pa.string()), place,
                 f"a label is {classes.positive} or {classes.negative}, not")
    count = len(changes)
    return Answers(pa.array([change.sample_id for change in changes], pa.string()), codes,
                   pa.array([reviewer] * count, pa.string()), pa.nulls(count, pa.string()), place)


def still_open(changes: list[Change], samples: SampleTable, labels: np.ndarray) -> list[Change]:
    """Changes that the labels, int8 [N], do not show yet: not imported, or taken back since."""
    rows = samples.rows_of([change.sample_id for change in changes])
    return [change for change, row in zip(changes, rows, strict=True)
            if row >= 0 and change.code != NO_ANSWER and change.code != labels[row]]
