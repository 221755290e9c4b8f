"""Names of photos in a file of boxes, brought together with the samples: as they are, or by the end of their path."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError


@dataclass(frozen=True, eq=False)
class MatchedImages:
    """Row of each name's sample, int64 [U], -1 where there is none, and how many were matched by the end of their path only."""

    rows: NDArray[np.int64]
    by_end: int


def match_images(names: pa.Array, filepaths: pa.Array) -> MatchedImages:
    """Match unique names to file paths.

    A name that is no path of a sample counts for the only sample whose path, without regard to case, Unicode form, folders
    above and a missing ending, is the end of it, or of which it is the end.

    Args:
        names: string [U].
        filepaths: string [N], relative to the image folder.

    Raises:
        InputError: a name could be several samples.
    """
    rows = np.asarray(pc.fill_null(pc.index_in(names, value_set=filepaths), -1).to_numpy(zero_copy_only=False), np.int64)
    left = np.flatnonzero(rows < 0)
    if not len(left):
        return MatchedImages(rows, 0)
    by_stem: dict[str, list[tuple[int, PurePosixPath]]] = defaultdict(list)
    for row, text in enumerate(filepaths.to_pylist()):
        path = _plain(text)
        by_stem[_stem(path)].append((row, path))
    for place in left.tolist():
        name = _plain(names[place].as_py())
        candidates = [row for row, path in by_stem.get(_stem(name), ()) if _same_end(name, path)]
        if len(candidates) > 1:
            shown = ", ".join(filepaths[row].as_py() for row in candidates[:3])
            raise InputError(f"'{names[place].as_py()}' could be any of {len(candidates)} photos: {shown}",
                             why="its boxes would be counted for another photo", fix="write the path from the image folder on")
        if candidates:
            rows[place] = candidates[0]
    return MatchedImages(rows, int((rows[left] >= 0).sum()))


def _plain(text: str) -> PurePosixPath:
    """A path in one spelling; addresses without their server.

    >>> _plain("C:\\\\Photos\\\\A.JPG"), _plain("https://x.org/a%20b.jpg")
    (PurePosixPath('c:/photos/a.jpg'), PurePosixPath('/a b.jpg'))
    """
    parts = urlsplit(text) if "://" in text else None
    path = text if parts is None else unquote(parts.path)
    return PurePosixPath(unicodedata.normalize("NFC", path.replace("\\", "/")).casefold())


_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".heic", ".avif", ".ppm"})


def _stem(path: PurePosixPath) -> str:
    """The name without the ending of an image; numbers without zeros before them, as ids have them."""
    stem = path.stem if path.suffix in _ENDINGS else path.name
    return str(int(stem)) if stem.isascii() and stem.isdecimal() else stem


def _same_end(name: PurePosixPath, path: PurePosixPath) -> bool:
    if name.suffix in _ENDINGS and name.suffix != path.suffix:
        return False
    shorter, longer = sorted((_folders(name), _folders(path)), key=len)
    return not shorter or longer[-len(shorter):] == shorter


def _folders(path: PurePosixPath) -> tuple[str, ...]:
    return tuple(part for part in path.parent.parts if part not in ("/", "."))
