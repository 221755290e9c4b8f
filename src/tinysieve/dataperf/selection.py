"""The evaluation of the selection benchmark: train on each task's chosen images, score on its test set."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.embedding_rows import EMBEDDING, IMAGE_ID, EmbeddingRows, first_dim, vectors_of
from tinysieve.dataperf.embedding_store import EmbeddingStore, read_columns
from tinysieve.dataperf.embedding_store import open_parquet as open_test_set
from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.selection_scores import Scores, confusion
from tinysieve.dataperf.selection_setup import SelectionSetup, SelectionTask
from tinysieve.dataperf.train_set import CONFIDENCE, ONLINE_LIMIT, TrainSet, binary_labels, read_train_set, require_columns
from tinysieve.ground.arrays import DoubleArray
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError

Say = Callable[[str], None]
_NAMED_IDS = 5


@dataclass(frozen=True)
class TestSet:
    """Embeddings float64 [N, D] and labels bool [N]."""

    vectors: DoubleArray
    labels: NDArray[np.bool_]


def evaluate(setup: SelectionSetup, store: EmbeddingStore, say: Say, warn: Say) -> dict[str, Scores]:
    """Score every task, in order; the embeddings of all tasks are read in one pass.

    Args:
        setup: the tasks.
        store: the embeddings that the train sets draw from.
        say: takes the original's lines of progress.
        warn: takes what the original kept to itself.

    Raises:
        InputError: a file is not what it must be, or no id of a train set has an embedding.
    """
    say("Loading embeddings")
    check_store(store, setup)
    trains = {task.name: read_train_set(task.train) for task in setup.tasks}
    rows = store.rows(name for train in trains.values() for name in train.ids)
    results = {}
    for task in setup.tasks:
        say(f"Evaluating task: {task.name}")
        say(f"Loading training data for {task.name}...")
        results[task.name] = _score(task, trains[task.name], rows, setup.dim, warn)
    return results


def check_store(store: EmbeddingStore, setup: SelectionSetup) -> None:
    """The original's checks of the embeddings, in its words.

    Raises:
        InputError: a column is missing, or the first row has another dimension than the setup says.
    """
    present = store.columns()
    for name in (EMBEDDING, IMAGE_ID):
        if name not in present:
            raise InputError(f'Embedding file does not have "{name}" column', where=str(setup.embeddings),
                             fix="its columns: " + ", ".join(present))
    if (actual := store.dim()) != setup.dim:
        raise InputError(f"Embedding file dim={actual}, but setup file specifies dim={setup.dim}", where=str(setup.embeddings))


def read_test_set(path: Path, dim: int) -> TestSet:
    """Read a test set, one Parquet file or a Spark directory.

    Raises:
        InputError: a column is missing, another dimension, a label other than 0 or 1, or no row.
    """
    require_columns(open_test_set(path).columns(), (EMBEDDING, CONFIDENCE), path)
    table = read_columns(path, [EMBEDDING, CONFIDENCE])
    if not table.num_rows:
        raise InputError(f"{path} has no row", why="scoring needs test rows")
    if (actual := first_dim(table[EMBEDDING])) != dim:
        raise InputError(f"Test file dim={actual}, but setup file specifies dim={dim}", where=str(path))
    return TestSet(vectors_of(table[EMBEDDING], dim, str(path)), binary_labels(table[CONFIDENCE], path))


def joined(train: TrainSet, rows: EmbeddingRows) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Inner join on the id, as pairs (row of the train set, row of the embeddings), int64 [K] each.

    A row that comes twice on either side pairs twice, as in Spark, and so weighs twice.
    """
    places: dict[str, list[int]] = {}
    for at, name in enumerate(rows.ids):
        places.setdefault(name, []).append(at)
    pairs = [(row, at) for row, name in enumerate(train.ids) for at in places.get(name, ())]
    left, right = np.array(pairs, np.int64).reshape(-1, 2).T
    return left, right


def result_text(results: Mapping[str, Scores]) -> str:
    """The result file's text: tasks in order, indent 4, no newline at the end."""
    return json.dumps({name: asdict(scores) for name, scores in results.items()}, indent=4)


def write_results(results: Mapping[str, Scores], folder: Path, now: datetime) -> Path:
    """Write `result_UTC-YYYY-MM-DD-HH-MM-SS.json`; `now` is in UTC."""
    path = folder / f"result_UTC-{now:%Y-%m-%d-%H-%M-%S}.json"
    write_text(path, result_text(results))
    return path


def _score(task: SelectionTask, train: TrainSet, rows: EmbeddingRows, dim: int, warn: Say) -> Scores:
    left, right = joined(train, rows)
    _report_rows(task, train, left, warn)
    labels = train.labels[left]
    if labels.all() or not labels.any():
        raise InputError(f"the {len(labels):,} train rows of {task.name} are all {int(labels[0])}", where=str(task.train),
                         why="a classifier needs both classes", fix="choose images with and without the class")
    model = fit(rows.vectors[right], labels)
    if not model.converged:
        warn(f"{task.name}: the solver stopped at its limit of iterations; the original stops there too")
    test = read_test_set(task.test, dim)
    if not test.labels.any():
        warn(f"{task.name}: the test set {task.test} has no positive row; recall, precision and f1 are meaningless")
    return confusion(model.predict(test.vectors), test.labels).scores()


def _report_rows(task: SelectionTask, train: TrainSet, left: NDArray[np.int64], warn: Say) -> None:
    matched = np.bincount(left, minlength=len(train))
    unknown = [name for name, count in zip(train.ids, matched, strict=True) if not count]
    if not len(left):
        raise InputError(f"none of the {len(train):,} ids of {task.name} has an embedding", where=str(task.train),
                         why="no training data remains",
                         fix="the ids and the embedding file must come from the same release" if train.ids else "add rows")
    if unknown:
        more = ", ..." if len(unknown) > _NAMED_IDS else ""
        warn(f"{task.name}: {len(unknown):,} of {len(train):,} rows dropped, their ids have no embedding: "
             + ", ".join(unknown[:_NAMED_IDS]) + more)
    if (matched > 1).any():
        warn(f"{task.name}: {int((matched > 1).sum()):,} rows have several embeddings and weigh as many times, the first is "
             + train.ids[int(np.argmax(matched > 1))])
    if len(train) > ONLINE_LIMIT:
        warn(f"{task.name}: {len(train):,} rows; the online challenge refuses more than {ONLINE_LIMIT:,}")
