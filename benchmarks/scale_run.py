"""A run of Wake Vision's size from ingest's parts to the report: seconds and memory of every stage that works on tables.

    python benchmarks/scale_run.py [--images 5760428] [--features 64]

Made up are what ingest examined of each image (a table a chunk; packed images of one pixel), two boxes an image, some numbers as
features, which lean to the label, and the two models with their verdict. Everything else is the program's own: the tables and the
version of ingest, out-of-fold probabilities, filters, the policy `consensus` with its review queue, the report. Not run are the
near-duplicates, which read every packed pixel. Each stage runs in a process of its own, whose peak of resident memory is noted.
Goals: at most 300 s and 8 GB. Results go to benchmarks/results/scale_run.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests/pipeline"), str(ROOT / "tests/quantize")]

import report_run  # noqa: E402

from tinysieve.dataset import packed_pixels  # noqa: E402
from tinysieve.dataset.chunks import cut  # noqa: E402
from tinysieve.dataset.examined_parts import ExaminedParts  # noqa: E402
from tinysieve.dataset.executors.local import LocalExecutor  # noqa: E402
from tinysieve.dataset.ingest import ingest  # noqa: E402
from tinysieve.dataset.sources.listing import Listing  # noqa: E402
from tinysieve.dataset.stores.folder_store import FolderStore  # noqa: E402
from tinysieve.dataset.versions import first_version  # noqa: E402
from tinysieve.filtering.evidence.boxes import Boxes, write_boxes  # noqa: E402
from tinysieve.ground.array_file import create_array  # noqa: E402
from tinysieve.ground.atomic_files import write_text  # noqa: E402
from tinysieve.ground.progress import silent  # noqa: E402
from tinysieve.pipeline.config.sections import config_of  # noqa: E402
from tinysieve.pipeline.engine.stages import Run, Stage, run_stages  # noqa: E402
from tinysieve.pipeline.main_job import stages_of  # noqa: E402
from tinysieve.pipeline.stages.detect import DETECTIONS  # noqa: E402
from tinysieve.pipeline.stages.embed import EMBEDDINGS  # noqa: E402
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, IngestFacts, samples_of, versions_of  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "scale_run.json"
WAKE_VISION, SHARDS, ROWS_AT_ONCE = 5_760_428, 90, 2**17
GOAL_SECONDS, GOAL_GB = 300, 8.0
ONE_PIXEL = (1, 1, 3)
PARTS = "parts"
MADE_UP = (PARTS, "detect", "embed", "train-baseline", "train-mended", "quantize-baseline", "quantize-mended", "verify")


class Shards(FolderStore):
    """Images in shards of equal size; nobody opens one."""

    def shards(self, names: pa.Array) -> np.ndarray:
        """As many in each."""
        return np.sort(np.arange(len(names), dtype=np.int32) % SHARDS)


def listing_of(images: int) -> Listing:
    """Names, splits as Wake Vision's with a tenth unlabelled, labels."""
    rng = np.random.default_rng(0)
    names = pc.utf8_lpad(pc.cast(pa.array(np.arange(images)), pa.string()), 20, "0")
    split = rng.choice(4, images, p=[0.87, 0.015, 0.015, 0.10])
    label = rng.integers(0, 2, images)

    def words(codes: np.ndarray, of: list[str], mask: np.ndarray | None = None) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8), mask=mask), pa.array(of)).cast(pa.string())

    return Listing(pa.table({"filepath": names, "split": words(split, ["train", "validation", "test", "unlabeled"]),
                             "label": words(label, ["background", "person"], split == 3)}))


def write_parts(images: int, folder: Path) -> None:
    """What a reading pass leaves of ingest: a table and packed pixels a chunk."""
    parts = ExaminedParts(folder)
    chunks = cut(Shards(folder).shards(pa.nulls(images)))
    for place in (parts.table_of(chunks[0]), parts.pixels_of(chunks[0])):
        place.parent.mkdir(parents=True, exist_ok=True)
    for chunk in chunks:
        ids = pc.utf8_lpad(pc.cast(pa.array(np.arange(chunk.start, chunk.stop) * 2654435761), pa.string()), 32, "0")
        sides = np.full(len(chunk), 640)
        pq.write_table(pa.table({"sample_id": ids, "width": sides, "height": sides, "reason": pa.nulls(len(chunk), pa.string())}),
                       parts.table_of(chunk))
        np.save(parts.pixels_of(chunk), np.zeros((len(chunk), *ONE_PIXEL), np.uint8))


def _ingest(run: Run, folder: Path) -> str:
    images = int(run.folder.name)
    listing = listing_of(images)
    for place in (run.folder.parent / PARTS).iterdir():
        place.rename(folder / place.name)
    result = ingest(listing, Shards(run.folder), folder, silent, LocalExecutor(2))
    first = first_version(result.samples)
    versions_of(run).adopt(first)
    INGEST_FACTS.write(IngestFacts(samples=len(result.samples), quarantined=result.quarantined, skipped=result.skipped,
                                   leaked=result.leaked, version=first.id), folder)
    return first.id


def _leaning(run: Run, seed: int) -> tuple[np.ndarray, np.random.Generator]:
    """float32 [N], near 1 for persons and near 0 for others, as a witness would say who errs now and then."""
    rng, labels = np.random.default_rng(seed), samples_of(run).labels
    return np.clip(np.where(labels == 1, 0.85, 0.1) + rng.normal(0, 0.25, len(labels)), 0, 1).astype(np.float32), rng


def _detect(run: Run, folder: Path) -> None:
    seen, rng = _leaning(run, 1)
    count = len(seen)
    corner = rng.random((2 * count, 2), dtype=np.float32) * 300
    confidence = np.stack([seen, seen * rng.random(count, dtype=np.float32)], axis=1).ravel()
    write_boxes(Boxes(samples_of(run).sample_ids.combine_chunks(), 2 * np.arange(count + 1), np.hstack([corner, corner + 250]),
                      confidence, np.zeros(2 * count, np.int16)), folder / DETECTIONS.file)


def _embed(run: Run, folder: Path, features: int) -> None:
    seen, rng = _leaning(run, 2)
    array = create_array(folder / EMBEDDINGS.file, np.float16, (len(seen), features))
    for start in range(0, len(seen), ROWS_AT_ONCE):
        block = seen[start : start + ROWS_AT_ONCE]
        made = rng.normal(size=(len(block), features)).astype(np.float16)
        made[:, 0] += 3 * block.astype(np.float16)
        array[start : start + len(block)] = made
    array.flush()


def run_at(folder: Path) -> Run:
    """The run; the presence head is no witness of made-up features."""
    source = {"kind": "table", "images": folder.parent, "table": folder.parent / "labels.csv"}
    return Run(config_of({
        "run": folder, "workers": 2, "dataset": {"source": source, "rule": "any"},
        "filter": {"detector": {"kind": "presence_head"}, "presence_head": False, "duplicates": False},
        "policy": {"kind": "consensus", "max_change": 1.0}, "train": {"recipe": "demo"}}), folder)


def stages_at(run: Run, features: int) -> dict[str, Stage]:
    """All stages of the main job by name, those made up in the place of the real ones."""
    made_up = {stage.name: stage for stage in report_run.stages()}
    made_up |= {"ingest": Stage("ingest", 1, (), lambda config: {}, _ingest)}
    for name, fill in (("detect", _detect), ("embed", lambda run, folder: _embed(run, folder, features))):
        made_up[name] = replace(made_up[name], work=lambda run, folder, fill=fill: fill(run, folder) or "")
    return {stage.name: made_up[stage.name] if stage.name in (*MADE_UP, "ingest") else stage for stage in stages_of(run.config)}


def work(folder: Path, name: str, features: int) -> None:
    """One stage in this process; prints seconds and peak memory."""
    began, run = time.perf_counter(), run_at(folder)
    with mock.patch.object(packed_pixels, "IMAGE_SHAPE", ONE_PIXEL):
        if name == PARTS:
            write_parts(int(folder.name), folder.parent / PARTS)
        else:
            run_stages(run, (stages_at(run, features)[name],), lambda status: None)
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = used.ru_utime + used.ru_stime
    print(json.dumps({"seconds": round(time.perf_counter() - began, 1), "processor_seconds": round(processor, 1),
                      "peak_gb": round(used.ru_maxrss * 1024 / 1e9, 2)}))


def main() -> None:
    """Every stage once, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=WAKE_VISION)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--stage", nargs=2, metavar=("FOLDER", "NAME"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.stage:
        return work(Path(asked.stage[0]), asked.stage[1], asked.features)
    measured: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as base:
        folder = Path(base) / str(asked.images)
        (Path(base) / "labels.csv").write_text("filename,person,split\n")
        for name in (PARTS, *stages_at(run_at(folder), asked.features)):
            done = subprocess.run([sys.executable, __file__, "--features", str(asked.features), "--stage", str(folder), name],
                                  stdout=subprocess.PIPE, text=True, check=True)
            measured[name] = json.loads(done.stdout.splitlines()[-1])
            print(name, measured[name], "(made up)" if name in MADE_UP else "", flush=True)
    ours = [row for name, row in measured.items() if name not in MADE_UP]
    sums = {name: round(sum(row[name] for row in ours), 1) for name in ("seconds", "processor_seconds")}
    result = {"images": asked.images, "features": asked.features, "stages": measured, "made_up": MADE_UP, **sums,
              "peak_gb": max(row["peak_gb"] for row in ours)}
    write_text(RESULT, json.dumps(result, indent=1) + "\n")
    print(f"{result['seconds']} s, {result['processor_seconds']} s of processor time, {result['peak_gb']} GB")
    raise SystemExit(result["seconds"] > GOAL_SECONDS or result["peak_gb"] > GOAL_GB)


if __name__ == "__main__":
    main()
