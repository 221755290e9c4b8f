"""Wake Vision's size on two cores: 5,760,428 rows and 12 million boxes through rule, opinions, policy, apply and diff.

    python benchmarks/scale.py

The table is synthetic (this measures time and memory, not quality). Goals: at most 60 s and 4 GB peak.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import apply_decisions, diff, first_version
from tinysieve.filtering.decisions.policy import TwoSignals, refuse_large_change
from tinysieve.filtering.decisions.vote_table import vote_table
from tinysieve.filtering.evidence.boxes import Boxes, align
from tinysieve.filtering.evidence.crop_rule import RULES, presence
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filters.disagreement import disagreement
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.filters.pseudo_label import pseudo_label

ROWS, BOXES = 5_760_428, 12_000_000
RESULT = Path(__file__).parent / "results" / "scale.json"


def synthetic_samples(rng: np.random.Generator) -> SampleTable:
    """Rows with random ids, 640 x 480, 3 % validation and test, 10 % unlabeled."""
    raw = rng.integers(0, 256, (ROWS, 16), dtype=np.uint8).tobytes().hex().encode()
    offsets = pa.py_buffer(np.arange(0, 32 * (ROWS + 1), 32, dtype=np.int32))
    ids = pa.StringArray.from_buffers(ROWS, offsets, pa.py_buffer(raw))
    split = rng.choice(4, ROWS, p=[0.87, 0.015, 0.015, 0.10]).astype(np.int8)
    names = pa.DictionaryArray.from_arrays(pa.array(split), pa.array(["train", "validation", "test", "unlabeled"]))
    label = pa.DictionaryArray.from_arrays(pa.array(rng.integers(0, 2, ROWS, dtype=np.int8), mask=split == 3),
                                           pa.array(["background", "person"]))
    return SampleTable(pa.table({
        "sample_id": ids, "filepath": ids, "width": np.full(ROWS, 640, np.int32), "height": np.full(ROWS, 480, np.int32),
        "split": names.cast(pa.string()), "label": label.cast(pa.string()), "pixel_row": np.arange(ROWS),
    }))


def synthetic_boxes(samples: SampleTable, rng: np.random.Generator) -> Boxes:
    """About two boxes an image, more of them where the label says person; images in another order than the table."""
    person = samples.labels == 1
    counts = rng.multinomial(BOXES, np.where(person, 4.0, 0.2) / np.where(person, 4.0, 0.2).sum())
    order = rng.permutation(ROWS)
    counts = counts[order]
    corner = rng.random((BOXES, 2), dtype=np.float32) * np.float32([400, 300])
    size = rng.random((BOXES, 2), dtype=np.float32) * 200
    return Boxes(samples.sample_ids.combine_chunks().take(pa.array(order)),
                 np.concatenate([[0], np.cumsum(counts)]).astype(np.int64), np.hstack([corner, corner + size]),
                 rng.random(BOXES, dtype=np.float32), np.zeros(BOXES, np.int16))


@contextmanager
def timed(name: str, into: dict[str, float]) -> Iterator[None]:
    """Seconds of a block."""
    start = time.perf_counter()
    yield
    into[name] = round(time.perf_counter() - start, 2)


def main() -> None:
    """Run once and write benchmarks/results/scale.json."""
    rng, seconds = np.random.default_rng(0), {}
    with timed("build table and boxes", seconds):
        samples = synthetic_samples(rng)
        boxes = synthetic_boxes(samples, rng)
        p_positive = np.clip(np.where(samples.labels == 1, 0.8, 0.2) + rng.normal(0, 0.25, ROWS), 0, 1)
    with timed("version 0", seconds):
        first = first_version(samples)
    with timed("align and crop rule", seconds):
        examined, ordered = align(boxes, samples.sample_ids)
        del boxes
        seen = presence(ordered, examined, samples.numbers("width"), samples.numbers("height"), RULES["wake_vision"], 0.15)
    with timed("opinions", seconds):
        limits, labels = PresenceLimits(0.5, 0.15), first.labels
        opinions = [disagreement(seen, labels, limits, "detector"), pseudo_label(seen, labels, limits, "detector"),
                    probable_label(p_positive, "out_of_fold", "backbone", 0.7)]
        eligible = samples.in_split("train", "unlabeled")
        vote_table(opinions, labels, eligible)
    with timed("policy", seconds):
        plan = TwoSignals().decide(opinions, labels, eligible)
        refuse_large_change(labels, plan.decisions, eligible, 1.0)
    with timed("apply", seconds):
        second = apply_decisions(samples, first, plan.decisions, "default", frozenset({"validation"}))
    with timed("diff", seconds):
        changes = diff(samples, first, second).num_rows
    total = sum(value for name, value in seconds.items() if not name.startswith("build"))
    result = {"rows": ROWS, "boxes": BOXES, "seconds": seconds, "seconds_without_building": round(total, 2),
              "seconds_total": round(sum(seconds.values()), 2), "changes": changes,
              "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)}
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
