"""Sources made of rows: Wake Vision's CSVs, or any table with columns of its own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK
from tinysieve.dataset.sources.dropped_rows import blank_dropped, dropped_cells, without_dropped
from tinysieve.dataset.sources.label_words import LabelWords, as_text
from tinysieve.dataset.sources.listing import BYTES_LEFT_OUT, Listing, draw_holdouts, make_listing
from tinysieve.dataset.sources.near_names import take_near_names
from tinysieve.dataset.sources.splits import SPLIT_NAMES
from tinysieve.dataset.table_file import AS_WRITTEN, TableFile, open_table, read_table
from tinysieve.dataset.table_text import TableForm
from tinysieve.ground.errors import InputError

__all__ = ["Columns", "list_table", "list_wake_vision", "read_table"]

WORDS = LabelWords.of(PERSON_TASK)


@dataclass(frozen=True)
class Columns:
    """Which columns of a table count: the path below the image folder, the label, and the split, or None to draw the splits."""

    filepath: str
    label: str
    split: str | None


def list_table(path: Path, columns: Columns, holdout: Mapping[str, float], rng: np.random.Generator,
               words: LabelWords = WORDS, form: TableForm = AS_WRITTEN, files: pa.Array | None = None) -> Listing:
    """A table with one row an image, or one an annotator, and columns of any name.

    Args:
        path: CSV, .xlsx or Parquet.
        columns: whose cells count; upper and lower case of their names are alike where only one fits.
        holdout: shares of labelled photos drawn as "validation" and "test" where the table has no row of that split.
        rng: draws the splits.
        words: what the label's cells mean.
        form: how a text table is written, where that is not to be read off it.
        files: string [F], the photos that are there; splits are drawn among them. None where all are.

    Raises:
        InputError: a column is missing, or a value means nothing.
    """
    file = open_table(path, form)
    name, label = file.column(columns.filepath), file.column(columns.label)
    split = None if columns.split is None else file.column(columns.split)
    dropped = dropped_cells(file.table[label])
    labels = words.read_column(blank_dropped(file.table[label], dropped), file.place, label)
    splits = pa.array(["train"] * len(labels), pa.string()) if split is None else _splits(file, split)
    kept, notes = _extras(file, [name] + ([split] if split else []))
    listing = make_listing(_paths(file, name), splits, labels, kept, file)
    listing = replace(listing, notes=(*listing.notes, *notes))
    if files is not None:
        listing = take_near_names(listing, files)
    return draw_holdouts(without_dropped(listing, dropped), holdout, rng, files)


def list_wake_vision(tables: Mapping[str, Sequence[Path]], words: LabelWords = WORDS, form: TableForm = AS_WRITTEN) -> Listing:
    """Wake Vision's CSVs by split; `filename` or `filepath` names the image, `person` is the label.

    Args:
        tables: split name -> CSV files; all other columns are kept.
        words: what the label's cells mean.
        form: how text tables are written, where that is not to be read off them.

    Raises:
        InputError: a column is missing, or a label means nothing.
    """
    parts, notes = [], []
    for split, paths in tables.items():
        for path in paths:
            file = open_table(path, form)
            name = file.column("filepath" if "filepath" in file.table.column_names else "filename")
            labels = words.read(file.table[file.column("person")], file.place)
            splits = pa.array([SPLIT_NAMES[split]] * len(labels), pa.string())
            kept, left = _extras(file, [name])
            part = make_listing(_paths(file, name), splits, labels, kept, file)
            parts.append(part.table)
            notes += [*part.notes, *left]
    return Listing(pa.concat_tables(parts, promote_options="permissive"), notes=tuple(notes))


def _paths(file: TableFile, name: str) -> pa.ChunkedArray:
    try:
        return pc.cast(file.table[name], pa.string())
    except pa.ArrowException as error:
        kind = file.table[name].type
        what = "embedded images" if pa.types.is_struct(kind) or pa.types.is_binary(kind) else f"values of type {kind}"
        raise InputError(f"column '{name}' holds {what}, and no paths", where=str(file.path),
                         why="a table names files below dataset.source.images",
                         fix="use kind: shards with this file under dataset.source.images, or name a column with paths in "
                             "dataset.source.filepath") from error


def _extras(file: TableFile, used: Sequence[str]) -> tuple[pa.Table, tuple[str, ...]]:
    """The other columns; not those of bytes, which would put every image into the sample table."""
    heavy = [field.name for field in file.table.schema if field.name not in used and _holds_bytes(field.type)]
    notes = (f"{file.path}: {BYTES_LEFT_OUT}: {', '.join(heavy)}",) if heavy else ()
    return file.table.drop_columns([*used, *heavy]), notes


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(kind.field(place).type) for place in range(kind.num_fields))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _holds_bytes(kind.value_type)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _splits(file: TableFile, name: str) -> pa.Array:
    text = pc.utf8_lower(pc.fill_null(as_text(file.table[name]), "")).combine_chunks()
    index = pc.index_in(text, pa.array(list(SPLIT_NAMES)))
    if index.null_count:
        row = int(np.flatnonzero(index.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(f"split {text[row].as_py()!r} is not known", where=file.place(row),
                         fix=f"use {', '.join(SPLIT_NAMES)}; or set dataset.source.split: null, which draws the splits")
    return pa.array(list(SPLIT_NAMES.values())).take(index)
