"""In which ways what lies in a folder may be read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK
from tinysieve.dataset.sources.folder_layout import Parts
from tinysieve.dataset.sources.label_words import as_text
from tinysieve.dataset.sources.splits import SPLIT_NAMES, UNLABELED_FOLDERS, split_key
from tinysieve.dataset.table_file import TableFile, open_table
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.first_look.class_words import Meaning, meanings
from tinysieve.pipeline.first_look.sight import Sight
from tinysieve.pipeline.first_look.table_columns import column_readings, holds_boxes, label_readings, photo_root

_OPEN_IMAGES = ("ImageID", "LabelName", "Confidence")
_PERSON_LABELS = ("/m/01g317", "Person", "person")
_HELD_OUT_FIRST = ("test", "validation", "train")


@dataclass(frozen=True)
class Reading:
    """One way to read what is there.

    Args:
        words: the same for a person, as a line of a list.
        source: the settings of `dataset.source`, in the order in which they are written.
        meaning: of the words for the classes.
        repeated: rows beyond one a photo: several annotators, or copies.
        unread_split: a column that is called like one of splits, and is not read as one.
    """

    words: str
    source: Mapping[str, object]
    meaning: Meaning
    repeated: int = 0
    unread_split: str = ""


def readings(sight: Sight, positive: str | None, only: Path | None = None) -> list[Reading]:
    """All ways to read it, the likeliest first: a table that names photos, tables a split, then folders.

    Args:
        sight: what was seen.
        positive: the word of what is to be detected, if a person said so.
        only: the table that counts, if a person named it.

    Raises:
        InputError: a table that was named cannot be read.
    """
    files = [open_table(only)] if only is not None else [file for file in _readable(sight.tables) if not holds_boxes(file)]
    if sight.images.rows is not None:
        return list(_shards(sight, sight.images.rows, positive))
    listed = [*_open_images(sight, files), *_split_tables(sight, files, positive)]
    listed = listed or _tables(sight, files, positive)
    return listed if only is not None else [*listed, *_folders(sight, positive)]


def _readable(tables: Sequence[Path]) -> Iterator[TableFile]:
    for path in tables:
        try:
            yield open_table(path)
        except (InputError, MissingRequirement):
            continue


def box_tables(sight: Sight) -> tuple[Path, ...]:
    """Tables with a row a box."""
    return tuple(file.path for file in _readable(sight.tables) if holds_boxes(file))


def _tables(sight: Sight, files: Sequence[TableFile], positive: str | None) -> list[Reading]:
    """Those first whose rows are found; of tables alike the first by name."""
    ways = [(share, reading) for file in files for share, reading in _table(sight, file, positive)]
    return [reading for _, reading in sorted(ways, key=lambda way: -way[0])]


def _table(sight: Sight, file: TableFile, positive: str | None) -> Iterator[tuple[float, Reading]]:
    """Each way to read it, with the share of its rows whose photo is there under the very name."""
    for columns in column_readings(file, positive):
        root, share = photo_root(sight.root, sight.images.photos, file, columns.filepath)
        # Paths inside an archive need not start from its top: ingest finds them by their ends.
        root = sight.root if sight.packed else root
        source: dict[str, object] = {"kind": "table", "images": root, "table": file.path, "filepath": columns.filepath,
                                     "label": columns.labels.label, "split": columns.labels.split}
        shown = file.path.relative_to(sight.root.parent if sight.packed else sight.root)
        labels = columns.labels
        yield share, Reading(f"table {shown}, {labels.words}", source, labels.meaning, columns.repeated, labels.unread_split)


def _shards(sight: Sight, rows: pa.Table, positive: str | None) -> Iterator[Reading]:
    """Images with columns beside them."""
    for columns in label_readings(rows, positive):
        source: dict[str, object] = {"kind": "shards", "images": sight.root, "label": columns.label, "split": columns.split}
        yield Reading(f"shards {sight.root}, {columns.words}", source, columns.meaning, 0, columns.unread_split)


def _by_split(files: Sequence[TableFile]) -> dict[str, list[TableFile]]:
    """Tables whose name, or folder, is that of a split; the folder of Roboflow's `_classes.csv` for one."""
    by_split: dict[str, list[TableFile]] = {}
    for file in files:
        parts = [*re.split(r"[^a-z]+", file.path.stem.lower()), file.path.parent.name.lower()]
        splits = {SPLIT_NAMES[part] for part in parts if part in SPLIT_NAMES}
        if len(splits) == 1:
            by_split.setdefault(splits.pop(), []).append(file)
    return {split: by_split[split] for split in _HELD_OUT_FIRST if split in by_split}


def _open_images(sight: Sight, files: Sequence[TableFile]) -> Iterator[Reading]:
    split = _by_split([file for file in files if set(_OPEN_IMAGES) <= set(file.table.column_names)])
    if "train" in split:
        labels = [set(pc.unique(as_text(file.table["LabelName"])).to_pylist()) for group in split.values() for file in group]
        named = [name for name in sorted(set.union(*labels)) if name in _PERSON_LABELS]
        for label in named[:1] or sorted(set.union(*labels))[:10]:
            yield Reading(f"Open Images' tables, {label} is the label", {
                "kind": "open_images", "images": sight.root, **_paths(split), "label_names": [label]}, Meaning())


def _split_tables(sight: Sight, files: Sequence[TableFile], positive: str | None) -> Iterator[Reading]:
    """Wake Vision's tables, and others with a column `person`, one or more a split."""
    usable = [file for file in files if {"person"} & set(file.table.column_names)
              and {"filename", "filepath"} & set(file.table.column_names)]
    split = _by_split(usable)
    if _complete_or_alone(split, usable):
        used = [file for group in split.values() for file in group]
        words = {word or "" for file in used for word in pc.unique(as_text(file.table["person"])).to_pylist()}
        root = _common_root(sight, used)
        for meaning in meanings(words, positive):
            yield Reading("a table for each split, column 'person' is the label",
                          {"kind": "wake_vision", "images": root, **_paths(split)}, meaning)


def _complete_or_alone(split: Mapping[str, Sequence[TableFile]], usable: Sequence[TableFile]) -> bool:
    """Tables of all splits; or of train and one more, where every table is of some split: the last split is drawn."""
    return set(split) == set(_HELD_OUT_FIRST) or (
        "train" in split and len(split) > 1 and sum(map(len, split.values())) == len(usable))


def _common_root(sight: Sight, files: Sequence[TableFile]) -> Path:
    """Where the paths of all tables start from; the folder itself where each table has its own."""
    columns = ["filepath" if "filepath" in file.table.column_names else "filename" for file in files]
    roots = {photo_root(sight.root, sight.images.photos, file, name)[0] for file, name in zip(files, columns, strict=True)}
    return roots.pop() if len(roots) == 1 else sight.root


def _paths(split: Mapping[str, Sequence[TableFile]]) -> dict[str, object]:
    return {name: [file.path for file in split[name]] for name in reversed(_HELD_OUT_FIRST) if name in split}


def _folders(sight: Sight, positive: str | None) -> Iterator[Reading]:
    """Folders that name classes, below, above or without folders that name splits."""
    parts = Parts(sight.images.photos)
    free = pc.fill_null(pc.is_in(pc.utf8_lower(parts.at(0)), pa.array(UNLABELED_FOLDERS)), False)
    levels = [(names, meant) for names in _class_levels(parts, free) if (meant := _meanings_of(names, positive))]
    # Folders of other things may stand above or beside: a level that speaks of persons is meant, else the one below splits.
    levels.sort(key=lambda level: not is_person(level[1][0]))
    for names, meant in levels[:1]:
        shown = ", ".join(sorted(names)[:4]) + (", ..." if len(names) > 4 else "")
        for meaning in meant:
            said = f": {meaning.words}" if meaning.words else ""
            yield Reading(f"class folders {shown}{said}", {"kind": "folders", "images": sight.root}, meaning)


def _class_levels(parts: Parts, free: pa.Array) -> list[set[str]]:
    """The names of each level that is no level of splits and has more than one name: those below splits first."""
    levels: list[tuple[bool, set[str]]] = []
    below = False
    for depth in range(5):
        names = set(pc.unique(parts.at(depth).filter(pc.invert(free))).drop_null().to_pylist())
        classes = {name for name in names if split_key(name) not in SPLIT_NAMES}
        if len(classes) > 1:
            levels.append((not below, classes))
        below = below or len(classes) < len(names)
    return [classes for _, classes in sorted(levels, key=lambda level: level[0])]


def _meanings_of(names: set[str], positive: str | None) -> list[Meaning]:
    try:
        return meanings(names, positive)
    except InputError:
        return []


def is_person(meaning: Meaning) -> bool:
    """Whether the task is the one that the program comes with."""
    return meaning.names == PERSON_TASK
