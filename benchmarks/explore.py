"""Filling a FiftyOne dataset: our fill in bulk, which writes only what differs, against a loop that saves sample by sample.

    FIFTYONE_DATABASE_DIR=$(mktemp -d) python benchmarks/explore.py

20,000 made-up samples (FiftyOne opens no file for this): given and current label, two filters' opinions, one box each, two
numbers, 64 features, points, tags and saved views. Filled four times: into a new dataset; the same once more; after 1 % of
the current labels have changed, as after a review; and with everything different. The loop writes the same labels, opinions,
boxes, numbers and tags in one save a sample, but neither features nor points nor views, on the first LOOPED samples only; its
time for all is that rate carried on, for each save costs the same. The last pair sets one label field. All in one process,
one after the other, for ratios are the result. Seconds are of processors, FiftyOne's and its database's together, because a
busy machine stretches others; the seconds of a clock stand beside them. Results go to benchmarks/results/explore.json.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, ClassNames
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.opinion import opine
from tinysieve.pipeline.explore.columns import Column, columns_of, declare, tags_of
from tinysieve.pipeline.explore.database import open_fiftyone
from tinysieve.pipeline.explore.fields import EMBEDDING, GROUND_TRUTH, SAMPLE_ID
from tinysieve.pipeline.explore.fill import fill
from tinysieve.pipeline.explore.findings import Findings, Looks

RESULT = Path(__file__).parent / "results" / "explore.json"
SAMPLES, LOOPED, FEATURES = 20_000, 2_000, 64
BULK, LOOP = "tinysieve-benchmark-bulk", "tinysieve-benchmark-loop"


@dataclass(frozen=True)
class Spent:
    """Seconds of processors and of the clock."""

    processor: float
    clock: float

    def times(self, factor: float) -> Spent:
        """The same rate, so many times as long."""
        return Spent(self.processor * factor, self.clock * factor)


def spent(work: Callable[[], object]) -> Spent:
    """What a piece of work takes, here and in the database."""
    before, began = _processor_seconds(), time.perf_counter()
    work()
    return Spent(_processor_seconds() - before, time.perf_counter() - began)


def _processor_seconds() -> float:
    servers = [one.cpu_times() for one in psutil.process_iter() if one.name().startswith("mongod")]
    return time.process_time() + sum(one.user + one.system for one in servers)


def made_up(count: int, seed: int = 0) -> Findings:
    """Findings of so many samples; everything but ids, paths and sizes differs with the seed."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count).astype(np.int8)
    split = np.array(["train", "validation", "test"])[rng.integers(0, 3, count)]
    samples = SampleTable(pa.table({
        "sample_id": [f"{number:032x}" for number in range(count)], "filepath": [f"{number}.jpg" for number in range(count)],
        "width": [640] * count, "height": [480] * count, "split": split, "label": ClassNames().names(labels),
        "pixel_row": range(count)}))
    everywhere, sure = np.ones(count, bool), rng.random(count)
    opinions = tuple(opine(name, name, [(everywhere, label, "made up")], sure, "")
                     for name, label in (("disagreement", POSITIVE), ("out_of_fold", NEGATIVE)))
    box = np.tile(np.array([10, 10, 300, 400], np.float32), (count, 1))
    boxes = Boxes(samples.sample_ids.combine_chunks(), np.arange(count + 1, dtype=np.int64), box, sure.astype(np.float32),
                  np.zeros(count, np.int16))
    looks = Looks(rng.normal(size=(count, FEATURES)).astype(np.float16), sure.astype(np.float32),
                  1 - sure.astype(np.float32), rng.normal(size=(count, 2)).astype(np.float32))
    return Findings(samples, [f"/nowhere/{row}.jpg" for row in range(count)], "0" * 16, labels, labels, opinions, boxes,
                    np.arange(0, count, 10), None, looks)


def after_a_review(found: Findings) -> Findings:
    """One label in a hundred is another."""
    labels = found.labels.copy()
    labels[::100] = 1 - labels[::100]
    return replace(found, labels=labels)


def loop(fiftyone: Any, found: Findings, rows: np.ndarray, columns: dict[str, Column]) -> Spent:
    """The same values, sample by sample; the empty samples are added in bulk before and are not in it."""
    names = found.samples.table["filepath"].to_pylist()
    dataset = fiftyone.Dataset(LOOP, overwrite=True)
    dataset.add_samples([fiftyone.Sample(filepath=f"/nowhere/{names[row]}", **{SAMPLE_ID: f"{row:032x}"}) for row in rows])
    for name, column in columns.items():
        declare(fiftyone, dataset, name, column.kind)

    def save_each() -> None:
        values = {name: column.make() for name, column in columns.items()}
        tags = tags_of(found, rows)
        for number, sample in enumerate(dataset):
            for name, column in values.items():
                sample[name] = _label(fiftyone, column[number])
            sample.tags = tags[number]
            sample.save()

    return spent(save_each).times(SAMPLES / LOOPED)


def one_field(fiftyone: Any, column: Column) -> Spent:
    """One field of every sample in bulk."""
    dataset = fiftyone.load_dataset(BULK)
    return spent(lambda: dataset.set_values(GROUND_TRUTH, dict(zip(dataset.values("id"), column.make(), strict=True)),
                                            key_field="id", expand_schema=False, validate=False))


def _label(fiftyone: Any, value: Any) -> Any:
    """FiftyOne's object of a document, as one writes it in a loop."""
    if not isinstance(value, dict):
        return value
    if value["_cls"] == "Detections":
        return fiftyone.Detections(detections=[_label(fiftyone, one) for one in value["detections"]])
    given = {name: value[name] for name in ("label", "confidence", "reason", "bounding_box") if name in value}
    return getattr(fiftyone, value["_cls"])(**given)


def measure(fiftyone: Any) -> dict[str, Spent]:
    """Build, update, loop."""
    found, some = made_up(SAMPLES), np.arange(LOOPED)
    columns, every = columns_of(found, some), columns_of(found, np.arange(SAMPLES))
    columns.pop(EMBEDDING)
    fills = {"build": found, "nothing_new": found, "one_label_in_100_new": after_a_review(found), "all_new": made_up(SAMPLES, 1)}
    taken = {name: spent(lambda one=one: fill(fiftyone, BULK, one, lambda done, total: None)) for name, one in fills.items()}
    return taken | {"loop": loop(fiftyone, found, some, columns), "one_label": one_field(fiftyone, every[GROUND_TRUTH]),
                    "loop_one_label": loop(fiftyone, found, some, {GROUND_TRUTH: columns[GROUND_TRUTH]})}


def main() -> None:
    """Measure, print, store."""
    fiftyone = open_fiftyone()
    _forget(fiftyone)
    try:
        taken = measure(fiftyone)
    finally:
        _forget(fiftyone)
    ratios = {f"loop_over_{name}": round(taken["loop"].processor / taken[name].processor, 1)
              for name in ("all_new", "one_label_in_100_new")}
    ratios["one_label"] = round(taken["loop_one_label"].processor / taken["one_label"].processor, 1)
    results = {"samples": SAMPLES, "looped": LOOPED,
               "processor_seconds": {name: round(one.processor, 2) for name, one in taken.items()},
               "clock_seconds": {name: round(one.clock, 2) for name, one in taken.items()}, "ratios": ratios}
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(f"{SAMPLES:,} samples{'processors':>24}{'clock':>10}")
    print("\n".join(f"{name.replace('_', ' '):<28}{one.processor:>8.1f} s{one.clock:>8.1f} s" for name, one in taken.items()))
    print("a loop of saves takes {loop_over_all_new} times as long as a fill where every value is another, "
          "{loop_over_one_label_in_100_new} times after a review, and {one_label} times for one label field".format(**ratios))


def _forget(fiftyone: Any) -> None:
    for name in (BULK, LOOP):
        if fiftyone.dataset_exists(name):
            fiftyone.delete_dataset(name)


if __name__ == "__main__":
    main()
