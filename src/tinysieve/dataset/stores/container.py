"""A file that holds many images: what each format must say and do, and which names are taken from it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pyarrow as pa

from tinysieve.dataset.image_formats import HEAD_BYTES, is_picture
from tinysieve.dataset.images import MAX_FILE_BYTES
from tinysieve.dataset.sources.image_folder import NO_PHOTO, SUFFIXES
from tinysieve.dataset.stores.ranged_file import RangedFile

# What a hostile file may make us keep.
MAX_NAME_BYTES, MAX_MEMBERS, MAX_REFUSED = 1_000, 50_000_000, 1_000

LEAVES = "its name leaves the archive"
TWICE = "its name stands several times: nothing says which is meant"
_ODD = re.compile(r"[\x00-\x1f\x7f]")

Place = Mapping[str, int]
"""Where an image lies in its file, as its format says it; `at` grows in the order in which the file is read."""


@dataclass(frozen=True, eq=False)
class Members:
    """What one file holds.

    Args:
        names: of the images, in the file's order.
        places: int64 columns, among them `at`: where each lies.
        refused: names and reasons; bounded, the last says how many more.
        rows: columns beside the images, a row an image; None of archives.
    """

    names: pa.Array
    places: pa.Table
    refused: tuple[tuple[str, str], ...] = ()
    rows: pa.Table | None = None


class Container(ABC):
    """An archive or shard; subclasses are listed in `registry.py`."""

    kind: ClassVar[str]
    version: ClassVar[int] = 1
    """Rises whenever `scan` gives something else for the same bytes."""

    def __init__(self, file: RangedFile) -> None:
        self.file = file

    @staticmethod
    @abstractmethod
    def begins(head: bytes, name: str) -> bool:
        """Whether a file that begins so is of this format."""

    @abstractmethod
    def scan(self) -> Members:
        """Every image in it.

        Raises:
            DamagedFile: it is not what the format demands.
        """

    @abstractmethod
    def read(self, place: Place) -> bytes:
        """The bytes of one image.

        Raises:
            UndecodableImage: they are damaged, or too many.
            DamagedFile: so is the file.
        """


@dataclass
class Collected:
    """Members of an archive as they come by; bounded."""

    names: list[str] = field(default_factory=list)
    places: list[tuple[int, ...]] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0

    def refuse(self, name: str, reason: str) -> None:
        """Leave a member out, by name."""
        self.refused_count += 1
        if len(self.refused) < MAX_REFUSED:
            self.refused.append((_ODD.sub("?", name[:MAX_NAME_BYTES]).encode("utf-8", "replace").decode(), reason))

    def add(self, name: str, place: tuple[int, ...], size: int) -> None:
        """Take a member, if its name and size allow it."""
        reason = name_objection(name) or size_objection(size)
        if reason:
            self.refuse(name, reason)
        else:
            self.names.append(clean(name))
            self.places.append(place)

    def members(self, columns: Sequence[str]) -> Members:
        """All that was taken, without names that stand several times."""
        counts = Counter(self.names)
        kept = [row for row, name in enumerate(self.names) if counts[name] == 1]
        for name, count in counts.items():
            if count > 1:
                self.refuse(name, TWICE)
        places = np.array(self.places, np.int64).reshape(-1, len(columns))[kept]
        table = pa.table({column: places[:, number] for number, column in enumerate(columns)})
        return Members(pa.array([self.names[row] for row in kept], pa.string()), table, self.bounded())

    def bounded(self) -> tuple[tuple[str, str], ...]:
        """What was refused, by name as far as there is room."""
        more = self.refused_count - len(self.refused)
        return (*self.refused, *(((f"and {more:,} more", "not listed"),) if more else ()))


def name_objection(name: str) -> str:
    """Why nothing is read under this name; "" where it is.

    >>> name_objection("../a.jpg"), name_objection("C:/a.jpg"), name_objection("b/a.jpg")
    ('its name leaves the archive', 'its name leaves the archive', '')
    """
    if name.startswith(("/", "\\")) or re.match(r"[A-Za-z]:", name) or ".." in re.split(r"[/\\]", name):
        return LEAVES
    if _ODD.search(name) or any("\ud800" <= sign <= "\udfff" for sign in name):
        return "its name has control characters or is not UTF-8"
    return "its name is too long" if len(name.encode()) > MAX_NAME_BYTES else ""


def size_objection(size: int) -> str:
    """Why an image of so many bytes is not read; "" where it is."""
    if size < 0:
        return "its size is less than nothing"
    return f"too large: a file of {size:,} bytes" if size > MAX_FILE_BYTES else ""


def clean(name: str) -> str:
    """A name without `./` and doubled slashes.

    >>> clean("./a//b.jpg")
    'a/b.jpg'
    """
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def may_be_photo(name: str) -> bool | None:
    """By its ending: a photo, none, or None where the first bytes must say."""
    lower = name.lower()
    return True if lower.endswith(SUFFIXES) else False if lower.endswith(NO_PHOTO) else None


def begins_as_photo(head: bytes) -> bool:
    """By its first bytes."""
    return is_picture(head[:HEAD_BYTES])
