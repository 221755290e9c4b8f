"""Source `shards`: Parquet or TFRecord files that hold image and label in one row, as hubs publish data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pyarrow as pa

from tinysieve.dataset.sources.image_places import in_words
from tinysieve.dataset.sources.listing import ORIGIN, RECORD, Listing, draw_holdouts, make_listing
from tinysieve.dataset.sources.source import USUAL_HOLDOUT, Holdout, Source, SourceContext
from tinysieve.dataset.sources.splits import SPLIT_NAMES, UNLABELED_FOLDERS, split_words
from tinysieve.dataset.sources.stored_images import PHOTO, SHARD, UNDER
from tinysieve.dataset.sources.stored_images import RECORD as ROW
from tinysieve.ground.errors import InputError

_MEANING = {**SPLIT_NAMES, **dict.fromkeys(UNLABELED_FOLDERS, "unlabeled")}


@dataclass(frozen=True)
class ShardSource(Source):
    """Files whose rows hold image and label; `images: {train: ..., validation: ..., test: ...}` says the splits."""

    kind: Literal["shards"] = "shards"
    label: str = "person"
    split: str | None = None
    holdout: Holdout = USUAL_HOLDOUT

    @property
    def draws(self) -> bool:
        """Splits that have no files."""
        return True

    def listing(self, given: SourceContext) -> Listing:
        """A row an image, in the order of the files.

        Raises:
            InputError: the files hold no rows, a column is missing, or nothing says which split a file belongs to.
        """
        rows = given.images.rows
        if rows is None:
            raise InputError("these files hold images and no labels", where=in_words(self.images),
                             fix="give the labels as a table: dataset.source.kind: table or wake_vision")
        for name in (self.label, *([self.split] if self.split else [])):
            if name not in rows.column_names:
                raise InputError(f"no column '{name}'", where=in_words(self.images),
                                 fix="its columns: " + ", ".join(name for name in rows.column_names if not name.startswith("_")))
        shards, numbers = rows[SHARD].to_pylist(), rows[ROW].to_numpy()
        labels = given.words.read_column(rows[self.label], lambda row: f"{shards[row]}: record {numbers[row]}", self.label)
        splits, notes = self._splits(rows)
        extras = rows.drop_columns([PHOTO, UNDER, SHARD, ROW, *([self.split] if self.split else [])])
        listing = make_listing(rows[PHOTO].combine_chunks(), splits, labels, extras)
        table = _with_places(listing.table, rows)
        listing = draw_holdouts(replace(listing, table=table, notes=notes), self.holdout.shares(), given.rng)
        return listing

    def _splits(self, rows: pa.Table) -> tuple[pa.Array, tuple[str, ...]]:
        """Of each row: by its column, else by the name that the configuration gave its file, else by that of the file."""
        if self.split is not None:
            return _mapped(rows[self.split].cast(pa.string()), f"column '{self.split}'"), ()
        if any(rows[UNDER].to_pylist()):
            return _mapped(rows[UNDER], "dataset.source.images"), ()
        words = {shard: split_words(shard) for shard in set(rows[SHARD].to_pylist())}
        if not any(words.values()):
            return pa.array(["train"] * rows.num_rows, pa.string()), ()
        unclear = sorted(shard for shard, meaning in words.items() if len(meaning) != 1)
        if unclear:
            raise InputError(f"nothing says which split {unclear[0]} belongs to, as the names of other files do",
                             where="dataset.source.images", fix="write images: {train: ..., validation: ..., test: ...}")
        note = "splits are those in the names of the files: " + ", ".join(sorted(set().union(*words.values())))
        return pa.array([next(iter(words[shard])) for shard in rows[SHARD].to_pylist()], pa.string()), (note,)


def _mapped(values: pa.ChunkedArray, where: str) -> pa.Array:
    encoded = values.combine_chunks().dictionary_encode()
    names: Sequence[str] = encoded.dictionary.to_pylist()
    strange = [name for name in names if name.strip().lower() not in _MEANING]
    if strange or encoded.null_count:
        raise InputError(f"split {(strange or [''])[0]!r} is not known", where=where, fix="use " + ", ".join(_MEANING))
    return pa.array([_MEANING[name.strip().lower()] for name in names], pa.string()).take(encoded.indices)


def _with_places(table: pa.Table, rows: pa.Table) -> pa.Table:
    """The file and the row as the place of each, for errors and for skipped.csv."""
    shards = rows[SHARD].combine_chunks().dictionary_encode()
    files = pa.array([f"{name}: record " for name in shards.dictionary.to_pylist()], pa.string())
    origin = pa.DictionaryArray.from_arrays(shards.indices, files)
    table = table.set_column(table.column_names.index(ORIGIN), ORIGIN, origin)
    return table.set_column(table.column_names.index(RECORD), RECORD, pa.array(np.asarray(rows[ROW], np.int64)))
