"""What a reviewer is shown of each sample in a queue: label, proposal, reasons, boxes, and how hard it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.data_parameters.triage import TRIAGE_NAMES
from tinysieve.filtering.decisions.answers import refuse_first
from tinysieve.filtering.decisions.contradiction import contradiction
from tinysieve.filtering.evidence.boxes import Boxes, align
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.data_parameters import FOLDER, TRIAGE_FILE
from tinysieve.pipeline.stages.detect import DETECTIONS
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.opinions import opinions_of

Box = tuple[float, float, float, float, float]


@dataclass(frozen=True)
class Card:
    """One sample to decide on.

    Args:
        row: in the sample table.
        sample_id, name: what it is called; `name` is the path below the image folder.
        width, height: of the photo in pixels.
        label: what it is now: a class, dropped, or "" for no label.
        proposed: a class, or "" where the filters lean to neither.
        hardness: easy, hard or need review.
        reasons: one line a signal.
        boxes: left, top, width, height in percent of the photo, and confidence in [0, 1].
    """

    row: int
    sample_id: str
    name: str
    width: int
    height: int
    label: str
    proposed: str
    hardness: str
    reasons: tuple[str, ...]
    boxes: tuple[Box, ...]


def build_cards(run: Run, queue: Path) -> tuple[Card, ...]:
    """A card for each line of a review queue, in its order.

    Args:
        run: ingest has finished; boxes, opinions and triage are shown where their stages have.
        queue: CSV with `sample_id` and, if there, `proposed` and `reason`.

    Raises:
        InputError: a sample that does not exist, stands twice, or is in the test split, with line.
    """
    samples, table = samples_of(run), read_table(queue)
    if "sample_id" not in table.column_names:
        raise InputError("no column 'sample_id'", where=f"{queue}:1", fix="name a file that 'tinysieve review queue' wrote")
    rows = samples.rows_of(table["sample_id"].combine_chunks())
    _refuse_rows(samples, rows, table["sample_id"], queue)
    labels = versions_of(run).load("HEAD").labels
    boxes, hardness = _boxes(run, samples, rows), _hardness(run, samples, labels, rows)
    words = {**samples.classes.words, UNLABELED: ""}
    columns = [samples.table[name].take(pa.array(rows)).to_pylist() for name in ("sample_id", "filepath", "width", "height")]
    proposed, reasons = (_texts(table, name) for name in ("proposed", "reason"))
    return tuple(
        Card(row, sample_id, name, width, height, words[code], lean, TRIAGE_NAMES[hard], reason_lines(reason), frames)
        for row, sample_id, name, width, height, code, lean, hard, reason, frames in zip(
            rows.tolist(), *columns, labels[rows].tolist(), proposed, hardness.tolist(), reasons, boxes, strict=True))


def reason_lines(text: str) -> tuple[str, ...]:
    """One line a signal; a reason that names its signal itself is not prefixed with it again.

    >>> reason_lines("ultralytics: no cat box; out_of_fold: out_of_fold says cat")
    ('ultralytics: no cat box', 'out_of_fold says cat')
    """
    parts = [part.strip() for part in text.split(";") if part.strip()]
    split = [part.partition(": ") for part in parts]
    return tuple(rest if rest.startswith(signal) else part for part, (signal, _, rest) in zip(parts, split, strict=True))


def _refuse_rows(samples: SampleTable, rows: NDArray[np.int64], ids: pa.ChunkedArray, queue: Path) -> None:
    def place(number: int) -> str:
        return f"{queue}:{number + 2}"

    refuse_first(rows < 0, ids, place, "no sample has the id")
    _, first = np.unique(rows, return_index=True)
    refuse_first(~np.isin(np.arange(len(rows)), first), ids, place, "the queue asks twice for")
    refuse_first(samples.in_split("test")[rows], ids, place, "nobody may change the test split, and the queue asks for")


def _texts(table: pa.Table, name: str) -> list[str]:
    if name not in table.column_names:
        return [""] * int(table.num_rows)
    return pc.fill_null(pc.cast(table[name], pa.string()), "").to_pylist()


def _boxes(run: Run, samples: SampleTable, rows: NDArray[np.int64]) -> list[tuple[Box, ...]]:
    """Boxes that are at least as sure as a filter asks of a box."""
    if not DETECTIONS.exists(run):
        return [()] * len(rows)
    _, boxes = align(DETECTIONS.of(run), samples.sample_ids.take(pa.array(rows)))
    sizes = np.stack([samples.numbers(name)[rows] for name in ("width", "height")], axis=1)
    return [_percent(boxes, row, sizes[row], run.config.filter.boxes.negative) for row in range(len(rows))]


def _percent(boxes: Boxes, row: int, size: NDArray[np.int64], least: float) -> tuple[Box, ...]:
    inside = slice(int(boxes.offsets[row]), int(boxes.offsets[row + 1]))
    corners = np.clip(boxes.xyxy[inside].astype(np.float64) / np.tile(size, 2) * 100, 0, 100)
    shown = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], axis=1).round(1).tolist()
    confidence = np.where(boxes.counted[inside], boxes.confidence[inside], np.float32(-1))
    return tuple((left, top, width, height, round(float(sure), 2))
                 for (left, top, width, height), sure in zip(shown, confidence, strict=True) if sure >= least)


def _hardness(run: Run, samples: SampleTable, labels: Codes, rows: NDArray[np.int64]) -> Codes:
    """From the data parameters' triage where a sample has one, else from how the signals contradict each other."""
    codes = contradiction(opinions_of(run), labels, rows)
    file = run.at(FOLDER) / TRIAGE_FILE
    if not file.is_file():
        return codes
    triage = pq.read_table(file, columns=["sample_id", "triage"])
    places = pc.index_in(samples.sample_ids.take(pa.array(rows)), value_set=triage["sample_id"]).to_numpy()
    known = np.isfinite(places)
    named = pc.index_in(triage["triage"], pa.array(TRIAGE_NAMES)).to_numpy()
    return np.where(known, named[np.where(known, places, 0).astype(np.int64)], codes).astype(np.int8)
