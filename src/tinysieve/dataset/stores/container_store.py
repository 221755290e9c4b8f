"""Store: archives and shards, each of which holds many images."""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.sources.image_folder import is_litter, litter_note
from tinysieve.dataset.sources.listing import SkippedRow
from tinysieve.dataset.sources.stored_images import PHOTO, RECORD, SHARD, UNDER, StoredImages
from tinysieve.dataset.stores.container import TWICE, Container, Members, Place
from tinysieve.dataset.stores.container_index import members_of
from tinysieve.dataset.stores.ranged_file import RangedFile
from tinysieve.dataset.stores.store import ImageStore

# Each may hold what it read last.
_OPEN = 4


@dataclass(frozen=True, eq=False)
class StoredFile:
    """One archive or shard.

    Args:
        file: its bytes.
        kind: name of its format.
        open: reads it.
        under: the folder that its images appear in, "" for none.
    """

    file: RangedFile
    kind: str
    open: Callable[[RangedFile], Container]
    under: str


class ContainerStore(ImageStore):
    """Images inside of files; what lies where is looked up in an index that is made once.

    Args:
        files: in the order in which they are named.
        where: for errors.
        index: folder of the indexes.
        settings: what besides a file's bytes decides on its index.
        keep: names that are no litter.
    """

    def __init__(self, files: Sequence[StoredFile], where: str, index: Path, settings: str, keep: Collection[str] = ()) -> None:
        self.where = where
        self._files, self._folder, self._settings = tuple(files), index, settings
        self._keep = frozenset(name.casefold() for name in keep)
        self._containers: OrderedDict[int, Container] = OrderedDict()
        self._lock = threading.Lock()

    def scan(self) -> StoredImages:
        names, twice = self._all.names, self._all.twice
        litter = pa.array([self._is_litter(name) for name in names.to_pylist()], pa.bool_())
        left = names.filter(litter).to_pylist()
        refused = tuple(SkippedRow(self._under(number, name), self._files[number].file.name, reason)
                        for number, members in enumerate(self._members) for name, reason in members.refused)
        return StoredImages(self.where, names.filter(pc.invert(litter)), tuple(left), refused + twice,
                            (self._counted(), *litter_note(left)), rows=self._rows())

    def read(self, name: str) -> bytes:
        file, place = self._find(name)
        return self._container(file).read(place)

    def fingerprint(self) -> bytes:
        """Of name, size and time of every file."""
        digest = hashlib.blake2b(self._settings.encode(), digest_size=16)
        for stored in self._files:
            digest.update(f"{stored.file.name.rpartition('/')[2]}\0{stored.file.stamp}\0{stored.under}\n".encode())
        return digest.digest()

    def place(self, name: str) -> str:
        try:
            return f"{self._files[self._find(name)[0]].file.name}: {name}"
        except FileNotFoundError:
            return super().place(name)

    def reading_order(self, names: pa.Array) -> NDArray[np.int64]:
        """File by file, in each as its images lie."""
        rows = pc.fill_null(pc.index_in(names, self._all.names), 0).to_numpy(zero_copy_only=False)
        return np.lexsort((self._all.places["at"].to_numpy()[rows], self._all.files[rows])).astype(np.int64)

    def shards(self, names: pa.Array) -> NDArray[np.int32]:
        return self._all.files[pc.fill_null(pc.index_in(names, self._all.names), 0).to_numpy(zero_copy_only=False)]

    def shard(self, number: int) -> ContainerStore:
        return ContainerStore(self._files[number : number + 1], self.where, self._folder, self._settings, self._keep)

    def _find(self, name: str) -> tuple[int, Place]:
        names = self._all.names
        row = bisect_left(range(len(names)), name, key=lambda place: names[place].as_py())
        if row == len(names) or names[row].as_py() != name:
            raise FileNotFoundError(2, "no such image in the archives", name)
        places = self._all.places
        return int(self._all.files[row]), {column: places[column][row].as_py() for column in places.column_names}

    def _container(self, number: int) -> Container:
        with self._lock:
            if number not in self._containers:
                stored = self._files[number]
                self._containers[number] = stored.open(stored.file)
                if len(self._containers) > _OPEN:
                    self._containers.popitem(last=False)
            self._containers.move_to_end(number)
            return self._containers[number]

    @cached_property
    def _members(self) -> tuple[Members, ...]:
        return tuple(members_of(stored.open(stored.file), self._folder, self._settings) for stored in self._files)

    @cached_property
    def _all(self) -> _Names:
        return _together([pa.array([self._under(number, name) for name in members.names.to_pylist()], pa.string())
                          for number, members in enumerate(self._members)],
                         [members.places for members in self._members], [stored.file.name for stored in self._files])

    def _under(self, number: int, name: str) -> str:
        under = self._files[number].under
        return f"{under}/{name}" if under else name

    def _is_litter(self, name: str) -> bool:
        return any(is_litter(part, self._keep) for part in name.split("/"))

    def _rows(self) -> pa.Table | None:
        parts = list(self._row_parts())
        if not parts:
            return None
        rows = pa.concat_tables(parts, promote_options="permissive")
        return rows.filter(pc.is_in(rows[PHOTO], self._all.names))

    def _row_parts(self) -> Iterator[pa.Table]:
        for number, members in enumerate(self._members):
            if members.rows is not None:
                names = pa.array([self._under(number, name) for name in members.names.to_pylist()], pa.string())
                beside = {UNDER: self._files[number].under, SHARD: self._files[number].file.name}
                rows = members.rows.append_column(PHOTO, names)
                for column, text in beside.items():
                    rows = rows.append_column(column, pa.array([text] * len(names), pa.string()))
                yield rows.append_column(RECORD, pa.array(np.arange(1, len(names) + 1)))

    def _counted(self) -> str:
        kinds = " and ".join(sorted({stored.kind for stored in self._files}))
        files = f"{len(self._files):,} {kinds} file{'s' if len(self._files) > 1 else ''}"
        return f"{len(self._all.names):,} images in {files}, read where they lie"


@dataclass(frozen=True, eq=False)
class _Names:
    """Every name once, sorted, with its file's number and its place there; and what stands in several files."""

    names: pa.Array
    files: NDArray[np.int32]
    places: pa.Table
    twice: tuple[SkippedRow, ...]


def _together(names: Sequence[pa.Array], places: Sequence[pa.Table], paths: Sequence[str]) -> _Names:
    every = pa.concat_arrays([pa.array([], pa.string()), *names])
    number = np.repeat(np.arange(len(names), dtype=np.int32), [len(part) for part in names])
    where = pa.concat_tables(places, promote_options="default") if places else pa.table({"at": pa.array([], pa.int64())})
    codes = every.dictionary_encode().indices.to_numpy()
    alone = np.bincount(codes, minlength=1)[codes] == 1
    twice = tuple(SkippedRow(every[row].as_py(), paths[number[row]], TWICE) for row in np.flatnonzero(~alone)[:1000])
    kept = np.flatnonzero(alone)
    kept = kept[pc.sort_indices(every.take(pa.array(kept))).to_numpy()]
    filled = pa.table({name: pc.fill_null(where[name], 0) for name in where.column_names})
    return _Names(every.take(pa.array(kept)), number[kept], filled.take(pa.array(kept)).combine_chunks(), twice)
