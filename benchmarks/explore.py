"""Filling a FiftyOne dataset: our bulk fill against a loop that saves sample by sample.

    FIFTYONE_DATABASE_DIR=$(mktemp -d) python benchmarks/explore.py

20,000 made-up samples (FiftyOne opens no file for this): given and current label, two filters' opinions, one box each, two
numbers, 64 features, points, tags and saved views. The loop writes the same labels, opinions, boxes, numbers and tags in one
save a sample, but neither features nor points nor views, on the first LOOPED samples only; its time for all is that rate
carried on, for each save costs the same. The last pair sets one label field. All in one process, one after the other: ratios,
not seconds, are the result. Results go to benchmarks/results/explore.json.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from dataset.samples import BACKGROUND, PERSON, SampleTable, label_names
from filtering.evidence.boxes import Boxes
from filtering.opinions.opinion import opine
from pipeline.explore.columns import Column, columns_of, declare, tags_of
from pipeline.explore.database import open_fiftyone
from pipeline.explore.fields import EMBEDDING, GROUND_TRUTH, SAMPLE_ID
from pipeline.explore.fill import fill
from pipeline.explore.findings import Findings, Looks

RESULT = Path(__file__).parent / "results" / "explore.json"
SAMPLES, LOOPED, FEATURES = 20_000, 2_000, 64
BULK, LOOP = "tinysieve-benchmark-bulk", "tinysieve-benchmark-loop"


def made_up(count: int) -> Findings:
    """Findings of so many samples."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, count).astype(np.int8)
    split = np.array(["train", "validation", "test"])[rng.integers(0, 3, count)]
    samples = SampleTable(pa.table({
        "sample_id": [f"{number:032x}" for number in range(count)], "filepath": [f"{number}.jpg" for number in range(count)],
        "width": [640] * count, "height": [480] * count, "split": split, "label": label_names(labels),
        "pixel_row": range(count)}))
    everywhere, sure = np.ones(count, bool), rng.random(count)
    opinions = tuple(opine(name, name, [(everywhere, label, "made up")], sure, "")
                     for name, label in (("disagreement", PERSON), ("out_of_fold", BACKGROUND)))
    box = np.tile(np.array([10, 10, 300, 400], np.float32), (count, 1))
    boxes = Boxes(samples.sample_ids.combine_chunks(), np.arange(count + 1, dtype=np.int64), box, sure.astype(np.float32),
                  np.zeros(count, np.int16))
    looks = Looks(rng.normal(size=(count, FEATURES)).astype(np.float16), sure.astype(np.float32),
                  1 - sure.astype(np.float32), rng.normal(size=(count, 2)).astype(np.float32))
    return Findings(samples, Path("/nowhere"), "0" * 16, labels, labels, opinions, boxes, np.arange(0, count, 10), None, looks)


def loop(fiftyone: Any, found: Findings, rows: np.ndarray, columns: dict[str, Column]) -> float:
    """Seconds of the same values, sample by sample; the empty samples are added in bulk before and are not in it."""
    names = found.samples.table["filepath"].to_pylist()
    dataset = fiftyone.Dataset(LOOP, overwrite=True)
    dataset.add_samples([fiftyone.Sample(filepath=f"/nowhere/{names[row]}", **{SAMPLE_ID: f"{row:032x}"}) for row in rows])
    for name, column in columns.items():
        declare(fiftyone, dataset, name, column.kind)
    began = time.perf_counter()
    values = {name: column.make() for name, column in columns.items()}
    tags = tags_of(found, rows)
    for number, sample in enumerate(dataset):
        for name, column in values.items():
            sample[name] = _label(fiftyone, column[number])
        sample.tags = tags[number]
        sample.save()
    return time.perf_counter() - began


def one_field(fiftyone: Any, column: Column) -> float:
    """Seconds of one field of every sample in bulk."""
    dataset = fiftyone.load_dataset(BULK)
    began = time.perf_counter()
    dataset.set_values(GROUND_TRUTH, column.make(), expand_schema=False, validate=False)
    return time.perf_counter() - began


def _label(fiftyone: Any, value: Any) -> Any:
    """FiftyOne's object of a document, as one writes it in a loop."""
    if not isinstance(value, dict):
        return value
    if value["_cls"] == "Detections":
        return fiftyone.Detections(detections=[_label(fiftyone, one) for one in value["detections"]])
    given = {name: value[name] for name in ("label", "confidence", "reason", "bounding_box") if name in value}
    return getattr(fiftyone, value["_cls"])(**given)


def seconds_of_fill(fiftyone: Any, found: Findings) -> float:
    """Of one fill, the whole of it."""
    began = time.perf_counter()
    fill(fiftyone, BULK, found, lambda done, total: None)
    return time.perf_counter() - began


def main() -> None:
    """Build, update, loop."""
    fiftyone = open_fiftyone()
    for name in (BULK, LOOP):
        if fiftyone.dataset_exists(name):
            fiftyone.delete_dataset(name)
    found, some = made_up(SAMPLES), np.arange(LOOPED)
    columns, every = columns_of(found, some), columns_of(found, np.arange(SAMPLES))
    columns.pop(EMBEDDING)
    try:
        seconds = {"build": seconds_of_fill(fiftyone, found), "update": seconds_of_fill(fiftyone, found),
                   "loop": loop(fiftyone, found, some, columns) * SAMPLES / LOOPED,
                   "one_label": one_field(fiftyone, every[GROUND_TRUTH]),
                   "loop_one_label": loop(fiftyone, found, some, {GROUND_TRUTH: columns[GROUND_TRUTH]}) * SAMPLES / LOOPED}
    finally:
        for name in (BULK, LOOP):
            if fiftyone.dataset_exists(name):
                fiftyone.delete_dataset(name)
    ratios = {"loop_over_update": round(seconds["loop"] / seconds["update"], 1),
              "one_label": round(seconds["loop_one_label"] / seconds["one_label"], 1)}
    results = {"samples": SAMPLES, "looped": LOOPED, "seconds": {name: round(one, 2) for name, one in seconds.items()},
               "ratios": ratios}
    RESULT.write_text(json.dumps(results, indent=1) + "\n")
    print(f"{SAMPLES:,} samples" + "".join(f"\n{name:<20}{one:>8.1f} s" for name, one in seconds.items()))
    print(f"a loop of saves takes {ratios['loop_over_update']} times as long as an update of every field, and "
          f"{ratios['one_label']} times for one label field")


if __name__ == "__main__":
    main()
