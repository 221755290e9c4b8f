"""Wake Vision's number of chunks: what planning, scheduling and bringing parts together cost, without an image.

    python benchmarks/scale_chunks.py --images 5760428

Names, ids and boxes are synthetic; processor seconds are of this process. Goal: a million empty chunks through the local executor
in at most 30 s. Results go to benchmarks/results/scale_chunks.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tinysieve.dataset.chunks import PLAN, Chunk, Plan, cut, write_plan
from tinysieve.dataset.examined_parts import AcceptedByIngest, ExaminedParts
from tinysieve.dataset.executors.executor import Work
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.box_classes import PERSON_BOXES
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.detectors.box_parts import BoxParts, together, write_part
from tinysieve.filtering.evidence.detectors.detector import Detections
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import silent

RESULT = Path(__file__).parent / "results" / "scale_chunks.json"
WAKE_VISION, SHARDS, EMPTY_CHUNKS, GOAL_SECONDS = 5_760_428, 90, 1_000_000, 30


@contextmanager
def timed(name: str, into: dict[str, float]) -> Iterator[None]:
    """Processor seconds of a block."""
    start = time.process_time()
    yield
    into[name] = round(time.process_time() - start, 2)


@contextmanager
def nothing(threads: int) -> Iterator[Work]:
    """Work that does nothing."""
    yield lambda chunk, step: None


def write_parts(folder: Path, ids: pa.Array, chunks: tuple[Chunk, ...]) -> BoxParts:
    """Tables of ingest and boxes, two an image, as a reading pass leaves them."""
    examined, boxes = ExaminedParts(folder), BoxParts(folder / "boxes", lambda threads: None)  # type: ignore[arg-type,return-value]
    examined.table_of(chunks[0]).parent.mkdir(parents=True)
    for chunk in chunks:
        of, count = ids.slice(chunk.start, len(chunk)), len(chunk)
        sides = np.full(count, 640)
        pq.write_table(pa.table({"sample_id": of, "width": sides, "height": sides, "reason": pa.nulls(count, pa.string())}),
                       examined.table_of(chunk))
        keys = pa.array([f"{content}@{row}" for row, content in enumerate(of.to_pylist(), chunk.start)])
        seen = Boxes(keys, 2 * np.arange(count + 1), np.ones((2 * count, 4), np.float32), np.full(2 * count, 0.5, np.float32),
                     np.zeros(2 * count, np.int16), PERSON_BOXES)
        write_part(Detections(seen, ()), boxes.path(chunk))
    return boxes


def main() -> None:
    """Run once and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=WAKE_VISION)
    images, seconds = parser.parse_args().images, dict[str, float]()
    ids = pc.utf8_lpad(pc.cast(pa.array(np.arange(images)), pa.string()), 32, "0")
    shards = np.sort(np.arange(images, dtype=np.int32) % SHARDS)
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with timed("plan", seconds):
            chunks = cut(shards)
            write_plan(folder / PLAN, ids, shards, chunks)
            assert Plan(folder / PLAN).chunks == chunks
        with timed("write parts (not counted)", seconds):
            boxes = write_parts(folder, ids, chunks)
        with timed("bring ingest's parts together", seconds):
            examined = pa.concat_tables([ExaminedParts(folder).read(chunk) for chunk in chunks])
        samples = SampleTable(examined.drop_columns(["reason"]).append_column("filepath", ids).append_column(
            "split", pa.array(["train"] * images)).append_column("label", pa.nulls(images, pa.string())).append_column(
            "pixel_row", pa.array(np.arange(images))))
        with timed("see which parts are there", seconds):
            accepted = AcceptedByIngest(folder)
            assert all(boxes.is_of(chunk, [f"{content}@{row}" for row, _, content in accepted.of(chunk)]) for chunk in chunks)
        with timed("bring boxes together", seconds):
            assert len(together(boxes, chunks, samples).boxes.confidence) == 2 * images
    with timed(f"{EMPTY_CHUNKS:,} empty chunks", seconds):
        LocalExecutor(1).run(nothing, cut(np.zeros(EMPTY_CHUNKS, np.int32), 1), lambda chunk: False, silent)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    result = {"images": images, "chunks": len(chunks), "processor_seconds": seconds, "peak_memory_gb": round(peak, 2)}
    write_text(RESULT, json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    raise SystemExit(seconds[f"{EMPTY_CHUNKS:,} empty chunks"] > GOAL_SECONDS)


if __name__ == "__main__":
    main()
