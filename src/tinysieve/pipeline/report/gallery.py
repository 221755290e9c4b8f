"""Pictures of the report: small JPEGs inside the page, each with what happened to it and why."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.images import Pixels
from tinysieve.dataset.packed_pixels import PixelRows
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.filtering.evidence.boxes import Boxes

LONG_SIDE, SHORTEST_SIDE, JPEG_QUALITY = 144, 24, 72
SHOWN_OF_A_KIND = 24


@dataclass(frozen=True)
class Frame:
    """A detector's box on a picture: what it is of, its place in percent of width and height, its confidence in [0, 1]."""

    name: str
    left: float
    top: float
    width: float
    height: float
    confidence: float


@dataclass(frozen=True)
class Picture:
    """One thumbnail: `source` is a data URI, sides are in CSS pixels."""

    source: str
    width: int
    height: int
    name: str
    frames: tuple[Frame, ...]
    headline: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Gallery:
    """Pictures of one kind; `total` counts those that are not shown too."""

    title: str
    total: int
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, eq=False)
class Album:
    """What a picture is made of: the sample table, the packed pixels, the boxes aligned with the samples.

    Args:
        samples: N samples.
        pixels: uint8 [rows, 144, 144, 3], squashed to a square.
        boxes: of N images, in sample order.
        least: boxes under this confidence are not drawn, in [0, 1].
    """

    samples: SampleTable
    pixels: PixelRows
    boxes: Boxes
    least: float

    def picture(self, row: int, headline: str, details: tuple[str, ...] = ()) -> Picture:
        """The thumbnail of one sample, in its true proportions."""
        width, height = (int(self.samples.table[name][row].as_py()) for name in ("width", "height"))
        sides = shown_size(width, height)
        pixels = self.pixels[int(self.samples.table["pixel_row"][row].as_py())]
        name = str(self.samples.table["filepath"][row].as_py())
        return Picture(data_uri(pixels, sides), *sides, name, self._frames(row, width, height), headline, details)

    def _frames(self, row: int, width: int, height: int) -> tuple[Frame, ...]:
        inside = slice(int(self.boxes.offsets[row]), int(self.boxes.offsets[row + 1]))
        corners = np.clip(self.boxes.xyxy[inside] / np.array([width, height, width, height]) * 100, 0, 100).round(1)
        counted = self.boxes.classes.counted(self.boxes.class_id[inside])
        name = self.samples.classes.positive
        return tuple(Frame(name, float(x1), float(y1), round(float(x2 - x1), 1), round(float(y2 - y1), 1), float(sure))
                     for (x1, y1, x2, y2), sure, counts in zip(corners, self.boxes.confidence[inside], counted, strict=True)
                     if counts and sure >= self.least)


def shown_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the thumbnail of an image of this size, in pixels.

    >>> shown_size(500, 250), shown_size(10, 4000)
    ((144, 72), (24, 144))
    """
    scale = LONG_SIDE / max(width, height)
    return max(round(width * scale), SHORTEST_SIDE), max(round(height * scale), SHORTEST_SIDE)


def data_uri(pixels: Pixels, sides: tuple[int, int]) -> str:
    """JPEG of uint8 [H, W, 3], resized to (width, height), as a data URI; the same pixels give the same text."""
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels)).resize(sides, Image.Resampling.BILINEAR)
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def change_galleries(album: Album, chain: list[Version], shown: int = SHOWN_OF_A_KIND) -> tuple[Gallery, ...]:
    """What differs between the first and the last of a chain of versions, by kind, the surest decisions first."""
    before, after = chain[0].labels, chain[-1].labels
    entries, entry_of_row = _last_entries(album.samples, chain)
    galleries = []
    for (old, new), title in change_titles(album.samples.classes).items():
        rows = np.flatnonzero((before == old) & (after == new))
        if len(rows):
            scores = entries["score"].to_numpy()[entry_of_row[rows]]
            best = rows[np.lexsort((rows, -scores))][:shown]
            pictures = tuple(_changed(album, int(row), entries, int(entry_of_row[row]), old, new) for row in best)
            galleries.append(Gallery(title, len(rows), pictures))
    return tuple(galleries)


def review_gallery(album: Album, queue: pa.Table, labels: Codes, shown: int = SHOWN_OF_A_KIND) -> Gallery:
    """The head of the review queue: the samples that are most worth a look, with their labels int8 [N] as they are now."""
    head = queue.slice(0, shown)
    pictures = []
    for row, entry in zip(album.samples.rows_of(head["sample_id"].combine_chunks()), head.to_pylist(), strict=True):
        opinion = f"filters lean to {entry['proposed']}" if entry["proposed"] else "filters agree on no label"
        state = album.samples.classes.words[int(labels[row])]
        label = f"labelled {state}" if labels[row] >= 0 else state
        pictures.append(album.picture(int(row), label, (opinion, *_reasons(entry["reason"]))))
    return Gallery("Review queue", queue.num_rows, tuple(pictures))


def mistake_gallery(album: Album, rows: NDArray[np.int64], total: int) -> Gallery:
    """The model's most confident wrong answers on the test images, worst first."""
    labels, words = album.samples.labels, album.samples.classes.words
    pictures = []
    for row in rows:
        truth = int(labels[row])
        pictures.append(album.picture(int(row), f"is {words[truth]}", (f"model says {words[1 - truth]}",)))
    return Gallery("Worst mistakes", total, tuple(pictures))


def change_titles(classes: ClassNames) -> dict[tuple[int, int], str]:
    """What each kind of change is called, by (old, new) code, in the order of the page.

    >>> change_titles(ClassNames("cat", "no cat"))[POSITIVE, NEGATIVE]
    'Flipped: cat to no cat'
    """
    positive, negative = classes.positive, classes.negative
    return {
        (POSITIVE, NEGATIVE): f"Flipped: {positive} to {negative}", (NEGATIVE, POSITIVE): f"Flipped: {negative} to {positive}",
        (POSITIVE, DROPPED): f"Dropped: labelled {positive}", (NEGATIVE, DROPPED): f"Dropped: labelled {negative}",
        (UNLABELED, POSITIVE): f"Labelled: {positive}", (UNLABELED, NEGATIVE): f"Labelled: {negative}",
        (UNLABELED, DROPPED): "Dropped: had no label"}


def _last_entries(samples: SampleTable, chain: list[Version]) -> tuple[pa.Table, NDArray[np.int64]]:
    """All ledgers under each other, and for each sample the row of its latest entry (-1 where it has none)."""
    entries = pa.concat_tables([version.ledger for version in chain]).combine_chunks()
    latest = np.full(len(samples), -1, np.int64)
    # Later assignments win where a sample was decided twice.
    latest[samples.rows_of(entries["sample_id"].combine_chunks())] = np.arange(entries.num_rows)
    return entries.set_column(5, "score", pc.fill_null(entries["score"], 0)), latest


def _changed(album: Album, row: int, entries: pa.Table, entry: int, old: int, new: int) -> Picture:
    said = {name: entries[name][entry].as_py() for name in ("by", "score", "reason")}
    # The signal behind the colon stands in the reasons already.
    by = " + ".join(source.partition(":")[0] for source in said["by"].split(" + "))
    details = (*_reasons(said["reason"]), f"score {said['score']:.2f}, by {by}")
    words = album.samples.classes.words
    return album.picture(row, f"{words[old]} → {words[new]}", details)


def _reasons(text: str | None) -> tuple[str, ...]:
    """One line a signal; a reason that names its signal itself is not prefixed with it again."""
    parts = [part.strip() for part in (text or "").split(";") if part.strip()]
    split = [part.partition(": ") for part in parts]
    return tuple(rest if rest.startswith(signal) else part for part, (signal, _, rest) in zip(parts, split, strict=True))
