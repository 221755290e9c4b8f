"""Build or update the persistent FiftyOne dataset of a run, field by field in bulk; a sample is never saved by itself."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.progress import Progress
from tinysieve.pipeline.explore.columns import Column, columns_of, declare, light, tags_of
from tinysieve.pipeline.explore.differences import differing
from tinysieve.pipeline.explore.fields import BRAIN_KEY, OPINION, OWN_TAGS, SAMPLE_ID, deciding_tags
from tinysieve.pipeline.explore.findings import Findings
from tinysieve.pipeline.explore.pending import Change, changes_in, still_open
from tinysieve.pipeline.explore.saved_views import save_views

_CHUNK = 5_000


@dataclass(frozen=True)
class Filled:
    """The dataset as it now is.

    Args:
        dataset: its name.
        version: id of the version that is shown.
        samples: how many it holds.
        views: samples in each saved view.
        waiting: changes by a person that are kept, because they are not imported yet.
    """

    dataset: str
    version: str
    samples: int
    views: dict[str, int]
    waiting: int


def fill(fiftyone: Any, name: str, findings: Findings, progress: Progress) -> Filled:
    """Bring the dataset in line with the findings; a person's own tags and unimported changes stay.

    Args:
        fiftyone: the module, its database answering.
        name: of the dataset; made where it is not there.
        found: what is to be shown.
        progress: told (done, total) after each field.
    """
    with _no_collector():
        return _fill(fiftyone, name, findings, progress)


def _fill(fiftyone: Any, name: str, findings: Findings, progress: Progress) -> Filled:
    dataset = fiftyone.load_dataset(name) if fiftyone.dataset_exists(name) else fiftyone.Dataset(name, persistent=True)
    rows = _same_samples(fiftyone, dataset, findings)
    classes = findings.samples.classes
    changes = changes_in(dataset, classes) if dataset.has_field("ground_truth") else []
    waiting = still_open(changes, findings.samples, findings.labels)
    columns = columns_of(findings, rows, waiting)
    _forget_filters(dataset, set(columns))
    ids = dataset.values("id")
    for done, (field, column) in enumerate(columns.items(), start=1):
        declare(fiftyone, dataset, field, column.kind)
        _write(dataset, field, column, ids)
        progress(done, len(columns) + 1)
    _set_tags(dataset, findings, rows, waiting, ids)
    if findings.looks is not None:
        _lay_out(dataset, findings.looks.points[rows])
    dataset.info["tinysieve_version"] = findings.version
    dataset.save()
    views = save_views(fiftyone, dataset, [opinion.filter for opinion in findings.opinions], classes)
    progress(len(columns) + 1, len(columns) + 1)
    return Filled(name, findings.version, len(rows), views, len(waiting))


@contextmanager
def _no_collector() -> Iterator[None]:
    """Python's collector of cycles walks all of the many documents again and again, half of the processor's time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _same_samples(fiftyone: Any, dataset: Any, findings: Findings) -> NDArray[np.int64]:
    """Remove samples that the table does not hold and add those that are new; row of each, in the dataset's order."""
    held = dataset.values(SAMPLE_ID) if dataset.has_field(SAMPLE_ID) else []
    rows = findings.samples.rows_of(held)
    if (rows < 0).any():
        ids = np.array(dataset.values("id"))
        dataset.delete_samples(ids[rows < 0].tolist())
        rows = rows[rows >= 0]
    paths = findings.files
    if len(rows) and dataset.values("filepath") != (expected := [paths[row] for row in rows]):
        dataset.set_values("filepath", expected)
    new = np.setdiff1d(np.arange(len(paths)), rows)
    for start in range(0, len(new), _CHUNK):
        _add(fiftyone, dataset, findings, new[start : start + _CHUNK], paths)
    return np.concatenate([rows, new]).astype(np.int64)


def _add(fiftyone: Any, dataset: Any, findings: Findings, rows: NDArray[np.int64], paths: Sequence[str]) -> None:
    """Add new samples with what can be had without label objects."""
    columns = columns_of(findings, rows)
    brought = light(columns)
    for name, kind in [(SAMPLE_ID, "StringField"), *((name, columns[name].kind) for name in brought)]:
        declare(fiftyone, dataset, name, kind)
    names, tags = findings.samples.sample_ids.take(rows).to_pylist(), tags_of(findings, rows)
    dataset.add_samples(
        [fiftyone.Sample(filepath=paths[row], tags=tags[place], **{SAMPLE_ID: names[place]},
                         **{name: values[place] for name, values in brought.items()}) for place, row in enumerate(rows.tolist())],
        expand_schema=False, validate=False)


def _write(dataset: Any, field: str, column: Column, ids: Sequence[str]) -> None:
    values = column.make()
    changed = {ids[place]: values[place] for place in differing(dataset, field, column, values)}
    dataset.set_values(field, changed, key_field="id", expand_schema=False, validate=False)


def _forget_filters(dataset: Any, fields: set[str]) -> None:
    """Opinions of filters that are not asked any more."""
    gone = [name for name in dataset.get_field_schema() if name.startswith(OPINION) and name not in fields]
    if gone:
        dataset.delete_sample_fields(gone)


def _set_tags(dataset: Any, findings: Findings, rows: NDArray[np.int64], waiting: Sequence[Change], ids: Sequence[str]) -> None:
    open_tags = defaultdict(list)
    for change in waiting:
        if change.tagged:
            open_tags[change.sample_id].append(change.word)
    deciding = deciding_tags(findings.samples.classes)
    own, names = tags_of(findings, rows), findings.samples.sample_ids.take(rows).to_pylist()
    changed = {}
    for key, mine, name, held in zip(ids, own, names, dataset.values("tags"), strict=True):
        theirs = [tag for tag in held or () if tag not in OWN_TAGS and tag not in deciding]
        if held != (now := [*mine, *theirs, *open_tags[name]]):
            changed[key] = now
    dataset.set_values("tags", changed, key_field="id", expand_schema=False, validate=False)


def _lay_out(dataset: Any, points: NDArray[np.float32]) -> None:
    """Keep the points as the brain's visualization, for the App's panel of embeddings."""
    import fiftyone.brain as brain

    if BRAIN_KEY in dataset.list_brain_runs():
        dataset.delete_brain_run(BRAIN_KEY)
    brain.compute_visualization(dataset, points=points, brain_key=BRAIN_KEY, method="manual", num_dims=2)
