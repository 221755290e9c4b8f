"""Which columns of a table name the photo, its label and its split: by their names, and by what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.sources.image_folder import SUFFIXES
from tinysieve.dataset.sources.label_words import as_text
from tinysieve.dataset.sources.splits import SPLIT_NAMES
from tinysieve.dataset.table_file import TableFile
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.first_look.class_words import Meaning, counted, meanings

_FILES = ("filename", "filepath", "file_name", "file_path", "file", "path", "image", "image_path", "img", "image_name", "name",
          "photo", "image_id", "imageid", "id", "url")
_LABELS = ("person", "label", "labels", "class", "class_name", "target", "category", "is_person", "has_person",
           "contains_person", "y")
_SPLITS = ("split", "subset", "set", "partition", "fold", "usage")
_BOXES = ({"x1", "y1", "x2", "y2"}, {"xmin", "ymin", "xmax", "ymax"}, {"bbox"}, {"x", "y", "w", "h"},
          {"xcenter", "ycenter"})
_SAYS_SPLIT = re.compile("|".join([*_SPLITS, "data_?set_?split", "(is|in)_?(train|val|valid|validation|test)", "train|val|test"]))
# Words that a label column may have; a column of more is a text or a measure.
_MOST_WORDS = 2_000


@dataclass(frozen=True)
class LabelReading:
    """One way to read labels; `label` is read as `meaning` says.

    Args:
        label, split: names of columns, `split` None where there is none.
        meaning: of the label's words.
        unread_split: a column that is called like one of splits, and whose words are none.
    """

    label: str
    split: str | None
    meaning: Meaning
    unread_split: str = ""

    @property
    def words(self) -> str:
        """What a person is asked to choose between."""
        said = f": {self.meaning.words}" if self.meaning.words else ""
        return f"column '{self.label}' is the label{said}"


@dataclass(frozen=True)
class ColumnReading:
    """One way to read a table.

    Args:
        filepath: name of the column.
        labels: how its labels are read.
        repeated: photos that several rows name.
    """

    filepath: str
    labels: LabelReading
    repeated: int


def label_readings(table: pa.Table, positive: str | None) -> list[LabelReading]:
    """All ways to read the columns that stand beside images, the likeliest first; names that begin with `_` are our own.

    Args:
        table: a row an image.
        positive: the word of what is to be detected, if a person said so.
    """
    texts = {name: column for name in table.column_names
             if not name.startswith("_") and (column := _text(table[name])) is not None}
    return _label_readings(texts, positive)


def _label_readings(texts: dict[str, pa.ChunkedArray], positive: str | None) -> list[LabelReading]:
    splits = [name for name in _preferred(texts, _SPLITS) if _is_split(texts[name])]
    words = {name: _words(texts[name]) for name in texts if name not in splits}
    unread = next((name for name in texts if _SAYS_SPLIT.fullmatch(name.strip().casefold())), "") if not splits else ""
    return [LabelReading(name, splits[0] if splits else None, meaning, unread)
            for name in _likely_labels(words) if name != unread for meaning in _meanings(name, words[name], positive)]


def column_readings(file: TableFile, positive: str | None) -> list[ColumnReading]:
    """All ways to read a table, the likeliest first; none where no column names photos, or none can be a label.

    Args:
        file: the table.
        positive: the word of what is to be detected, if a person said so.
    """
    table = file.table
    texts = {name: column for name in table.column_names if (column := _text(table[name])) is not None}
    files = [name for name in _preferred(texts, _FILES) if _names_photos(texts[name])]
    files = files or [name for name in _preferred(texts, _FILES) if name.lower() in _FILES]
    if not files:
        return []
    repeated = table.num_rows - pc.count_distinct(texts[files[0]]).as_py()
    others = {name: column for name, column in texts.items() if name != files[0]}
    return [ColumnReading(files[0], reading, repeated) for reading in _label_readings(others, positive)]


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """None for bytes and structures."""
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        return None
    try:
        return pc.fill_null(as_text(column), "")
    except InputError:
        return None


def _preferred(texts: dict[str, pa.ChunkedArray], order: Sequence[str]) -> list[str]:
    """Columns, those of usual names first."""
    rank = {name: place for place, name in enumerate(order)}
    return sorted(texts, key=lambda name: rank.get(name.strip().casefold(), len(order)))


def _names_photos(column: pa.ChunkedArray) -> bool:
    ending = "(" + "|".join(suffix.replace(".", r"\.") for suffix in SUFFIXES) + r")(\?.*)?$"
    return bool(len(column)) and bool(pc.mean(pc.match_substring_regex(pc.utf8_lower(column), ending)).as_py() > 0.9)


def _is_split(column: pa.ChunkedArray) -> bool:
    words = _words(column)
    return words is not None and len(words) > 0 and all(word.lower() in SPLIT_NAMES for word in words)


def _words(column: pa.ChunkedArray) -> list[str] | None:
    """The different cells, None where they are too many to be words."""
    different = pc.unique(column)
    return None if len(different) > _MOST_WORDS else different.to_pylist()


def _likely_labels(words: dict[str, list[str] | None]) -> list[str]:
    """Columns that may be the label: the ones of a usual name, else all that hold the usual words."""
    usual = [name for name in words if name.strip().casefold() in _LABELS and _meanings(name, words[name], None)]
    if usual:
        usual.sort(key=lambda name: _LABELS.index(name.strip().casefold()))
        return usual[:1] if usual[0].strip().casefold() == _LABELS[0] else usual
    return [name for name in words if any(not meaning.classes for meaning in _meanings(name, words[name], None))] or [
        name for name in words if _meanings(name, words[name], None)]


def _meanings(column: str, words: list[str] | None, positive: str | None) -> list[Meaning]:
    many = counted(column, words or ())
    if many is not None and positive is None:
        return [many]
    try:
        return [] if words is None else meanings(words, positive)
    except InputError:
        return []


def holds_boxes(file: TableFile) -> bool:
    """Whether its rows are boxes, and no labels of photos."""
    names = {name.strip().casefold() for name in file.table.column_names}
    return any(corners <= names for corners in _BOXES)


def photo_root(folder: Path, names: pa.Array, file: TableFile, filepath: str) -> tuple[Path, float]:
    """The folder that the table's paths start from, and the share of its paths that are there.

    Of the folders above the photos it is the one from which most are found.

    Args:
        folder: what was looked at.
        names: string [F], the photos below it.
        filepath: the column of the paths.
    """
    rows = pc.unique(pc.replace_substring_regex(as_text(file.table[filepath]).combine_chunks(), r"^(\./+)+", ""))
    folders = pc.unique(pc.replace_substring_regex(names, r"[^/]*$", "")).to_pylist()
    above = sorted({"/".join(parts[:depth]) for parts in (name.split("/") for name in folders) for depth in range(len(parts))},
                   key=lambda inner: (inner.count("/"), inner))[:200]
    counts = {inner: _present(rows, names, f"{inner}/" if inner else "") for inner in above}
    best = max(counts, key=lambda inner: counts[inner], default="")
    return (folder / best if counts.get(best) else folder), counts.get(best, 0) / max(len(rows), 1)


def _present(rows: pa.Array, names: pa.Array, inner: str) -> int:
    inside = pc.utf8_slice_codeunits(names.filter(pc.starts_with(names, inner)), len(inner)) if inner else names
    return int(pc.sum(pc.is_in(rows, inside)).as_py() or 0)
