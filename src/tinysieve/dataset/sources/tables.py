"""Sources made of rows: Wake Vision's CSVs, or any CSV or Parquet with columns of its own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tinysieve.dataset.samples import SPLITS
from tinysieve.dataset.sources.listing import Listing, make_listing, parse_labels
from tinysieve.ground.errors import InputError

SPLIT_NAMES = {"val": "validation", "valid": "validation", "dev": "validation", "train_quality": "train",
               "train_large": "train", **{name: name for name in SPLITS}}


def read_table(path: Path) -> pa.Table:
    """Read Parquet, or CSV with every column as text so that nothing is guessed.

    Raises:
        InputError: missing or unreadable file, or a column that stands in it twice.
    """
    try:
        if path.suffix == ".parquet":
            if path.is_file():
                _refuse_doubled(pq.read_schema(path).names, path)
            return pq.read_table(path)
        with pacsv.open_csv(path) as header:
            names = header.schema.names
        _refuse_doubled(names, path)
        options = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
        return pacsv.read_csv(path, convert_options=options, parse_options=pacsv.ParseOptions(newlines_in_values=True))
    except FileNotFoundError as error:
        raise InputError(f"{path} does not exist", fix="correct the path") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="a table is UTF-8 CSV with a header, or Parquet") from error


def _refuse_doubled(names: Sequence[str], path: Path) -> None:
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f'{path} has the column "{doubled[0]}" twice', why="it is ambiguous", fix="remove one of them")


def list_table(
    path: Path, filepath: str, label: str, split: str | None, holdout: Mapping[str, float], rng: np.random.Generator
) -> Listing:
    """A table with one row an image and columns of any name.

    Args:
        path: CSV or Parquet.
        filepath: column with the path relative to the image folder.
        label: column with 1/0/-1/person/background/empty.
        split: column with train/val/validation/test/unlabeled; None to draw the splits.
        holdout: shares of labelled rows drawn as "validation" and "test" where there is no split column.
        rng: draws the splits.

    Raises:
        InputError: a column is missing, or a value means nothing.
    """
    table = read_table(path)
    for column in (filepath, label, *([split] if split else [])):
        _require(table, column, path)
    labels = parse_labels(table[label], str(path))
    splits = _drawn(labels, holdout, rng) if split is None else _named(table[split], path)
    extras = table.drop_columns([filepath] + ([split] if split else []))
    return make_listing(pc.cast(table[filepath], pa.string()), splits, labels, extras, str(path))


def list_wake_vision(tables: Mapping[str, Sequence[Path]]) -> Listing:
    """Wake Vision's CSVs by split; `filename` or `filepath` names the image, `person` is the label.

    Args:
        tables: split name -> CSV files; all other columns are kept.

    Raises:
        InputError: a column is missing, or a label means nothing.
    """
    parts = []
    for split, paths in tables.items():
        for path in paths:
            table = read_table(path)
            names = [name for name in ("filename", "filepath") if name in table.column_names]
            _require(table, names[0] if names else "filename", path)
            _require(table, "person", path)
            labels = parse_labels(table["person"], str(path))
            splits = pa.array([SPLIT_NAMES[split]] * table.num_rows, pa.string())
            extras = table.drop_columns([names[0]])
            parts.append(make_listing(pc.cast(table[names[0]], pa.string()), splits, labels, extras, str(path)).table)
    return Listing(pa.concat_tables(parts, promote_options="permissive"))


def _require(table: pa.Table, column: str, path: Path) -> None:
    if column not in table.column_names:
        raise InputError(f"no column '{column}'", where=f"{path}:1", fix="its columns: " + ", ".join(table.column_names))


def _named(values: pa.ChunkedArray, path: Path) -> pa.Array:
    text = pc.utf8_lower(pc.utf8_trim_whitespace(pc.cast(values, pa.string()))).combine_chunks()
    index = pc.index_in(text, pa.array(list(SPLIT_NAMES)))
    if index.null_count:
        line = int(np.flatnonzero(index.is_null().to_numpy(zero_copy_only=False))[0])
        raise InputError(f"split {text[line].as_py()!r} is not known", where=f"{path}:{line + 2}",
                         fix="use " + ", ".join(SPLIT_NAMES))
    return pa.array(list(SPLIT_NAMES.values())).take(index)


def _drawn(labels: pa.Array, holdout: Mapping[str, float], rng: np.random.Generator) -> pa.Array:
    labelled = np.flatnonzero(labels.is_valid().to_numpy(zero_copy_only=False))
    shuffled = rng.permutation(labelled)
    splits, start = np.full(len(labels), "train", dtype=object), 0
    for name in ("test", "validation"):
        count = round(holdout.get(name, 0.0) * len(labelled))
        splits[shuffled[start : start + count]] = name
        start += count
    return pa.array(splits, pa.string())
