"""Damaged tables, box files and configurations through their readers: each is read or refused with our error.

    python benchmarks/mutated_tables.py [FILES]
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from campaign import damaged, tell

from tinysieve.dataset.sources.tables import Columns, list_table
from tinysieve.filtering.decisions.human_review import read_answers
from tinysieve.filtering.decisions.label_studio_answers import CONTROL, read_annotations
from tinysieve.filtering.evidence.box_file import ImageSizes, read_box_file
from tinysieve.filtering.evidence.box_files.listed_boxes import Stated
from tinysieve.filtering.evidence.detectors.weights_names import names_in
from tinysieve.ground.errors import TinysieveError
from tinysieve.pipeline.config.read import load_config

CONFIG = """\
run: runs/x
seed: 0
dataset:
  source: {kind: table, images: photos, table: labels.csv, filepath: name, label: person, split: split}
  classes: {person: ["1"], background: ["0"]}
filter: {detector: {kind: boxes, file: boxes.csv}, duplicates: {correlation: 0.95}}
policy: {kind: default, max_change: 0.2}
train: {recipe: {base: demo, epochs: 3}}
"""
SIZES = ImageSizes(["1", "2", "3"], ["a.jpg", "b.jpg", "c.jpg"], np.array([100, 200, 50]), np.array([50, 80, 50]))


def _csv(separator: str, encoding: str) -> bytes:
    rows = [("name", "person", "split", "note"), *((f"é{place}.jpg", str(place % 2), "train", 'a "b", c') for place in range(9))]
    cells = ([f'"{cell.replace(chr(34), chr(34) * 2)}"' if "," in cell else cell for cell in row] for row in rows)
    return "\r\n".join(separator.join(row) for row in cells).encode(encoding)


def _parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"name": ["a.jpg", "b.jpg"], "person": ["1", "0"], "split": ["train", "test"]}), sink)
    return bytes(sink.getvalue())


BOXES = b"filename,x1,y1,x2,y2,confidence,class\na.jpg,0,0,9,9,0.5,person\nb.jpg,1,1,20,20,1,dog\nc.jpg,,,,,,\n"
COCO = json.dumps({"images": [{"id": 5, "file_name": "b.jpg"}], "categories": [{"id": 1, "name": "person"}],
                   "annotations": [{"image_id": 5, "category_id": 1, "bbox": [1, 2, 3, 4], "score": 0.5}]}).encode()
NAMES = b"names:\n  0: person\n  1: dog\nargs: {batch: 1, half: false}\nimgsz:\n- 320\n"
STUDIO = json.dumps([{"id": 1, "data": {"sample_id": "1"}, "annotations": [{
    "id": 3, "completed_by": 2, "updated_at": "now",
    "result": [{"from_name": CONTROL, "value": {"choices": ["drop"]}}]}]}]).encode()
ANSWERS = b"sample_id,decision,reviewer,at\n1,person,ann,now\n2,drop,ann,now\n1,undo,ann,now\n"


def as_source(file: Path) -> None:
    list_table(file, Columns("name", "person", "split"), {}, np.random.default_rng(0))


def as_boxes(file: Path) -> None:
    read_box_file(file, SIZES, Stated())


def as_names(file: Path) -> None:
    names_in(file.parent)


def as_answers(file: Path) -> None:
    read_answers(file, "ann")


def as_studio(file: Path) -> None:
    read_annotations(file, "ann")


def as_config(file: Path) -> None:
    load_config(file)


READERS: tuple[tuple[str, bytes, Callable[[Path], None]], ...] = (
    ("labels.csv", _csv(",", "utf-8"), as_source), ("labels.csv", _csv(";", "cp1252"), as_source),
    ("labels.csv", _csv("\t", "utf-16"), as_source), ("labels.parquet", _parquet(), as_source), ("boxes.csv", BOXES, as_boxes),
    ("boxes.json", COCO, as_boxes), ("metadata.yaml", NAMES, as_names), ("answers.csv", ANSWERS, as_answers),
    ("answers.json", STUDIO, as_studio),
    ("config.yaml", CONFIG.encode(), as_config), ("config.yaml", CONFIG.encode(), as_config))


@cache
def folder() -> Path:
    """One for each process."""
    return Path(tempfile.mkdtemp(prefix="tinysieve-tables-"))


def judge(number: int) -> str:
    """File `number`: readers take turns; each file is damaged once or twice."""
    name, data, read = READERS[number % len(READERS)]
    rng = np.random.default_rng([1, number])
    for _ in range(int(rng.integers(1, 3))):
        data = damaged(data, rng)
    file = folder() / name
    file.write_bytes(data)
    try:
        read(file)
    except TinysieveError:
        return "refused"
    return "read"


def require_sound() -> None:
    """Undamaged, each file is read: otherwise the campaign would show nothing."""
    for name, data, read in READERS:
        (folder() / name).write_bytes(data)
        read(folder() / name)


if __name__ == "__main__":
    require_sound()
    sys.exit(not tell("tables, boxes, names, answers, configurations", judge, int(sys.argv[1]) if len(sys.argv) > 1 else 5_000))
