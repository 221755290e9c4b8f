"""Where images are read from after ingest: whoever opens one holds its bytes against the id that ingest gave it.

A photo that was replaced since, be it by one of the same size and time, must not be judged or shown under the old one's name.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tinysieve.dataset.images import Pixels, decode
from tinysieve.ground.errors import InputError

ID_BYTES = 16


class ChangedImage(InputError):
    """An image file is no longer the one that ingest saw."""


def content_id(data: bytes) -> str:
    """The id of an image: a hash of its file's bytes, 32 hex digits."""
    return hashlib.blake2b(data, digest_size=ID_BYTES).hexdigest()


def read_image(root: Path, filepath: str, sample_id: str) -> bytes:
    """The bytes of an image of the sample table.

    Args:
        root: image folder.
        filepath: relative to it.
        sample_id: of the sample; `-1`, `-2`, ... behind the hash count copies.

    Raises:
        ChangedImage: the file is gone, lies outside of `root`, or holds other bytes than ingest saw.
    """
    return read_checked(root / filepath, sample_id, root)


def read_checked(path: Path, sample_id: str, root: Path | None = None) -> bytes:
    """The same for a path; without a `root`, wherever it lies."""
    try:
        if root is not None and not Path(os.path.realpath(path)).is_relative_to(root.resolve()):
            raise _changed(path, "it lies outside of the image folder")
        if not path.is_file():
            raise _changed(path, "it is gone")
        data = path.read_bytes()
    except OSError as error:
        raise _changed(path, f"it cannot be read: {error.strerror}") from error
    if content_id(data) != sample_id.partition("-")[0]:
        raise _changed(path, "its bytes are others")
    return data


def decode_checked(path: Path, sample_id: str) -> Pixels:
    """Pixels uint8 [H, W, 3] of an image whose bytes are those that ingest saw.

    Raises:
        ChangedImage: see `read_image`.
        UndecodableImage: see `tinysieve.dataset.images.decode`.
    """
    return decode(read_checked(path, sample_id))


def _changed(path: Path, how: str) -> ChangedImage:
    return ChangedImage(f"the image is not the one that ingest saw: {how}", where=str(path),
                        why="what is found in it would be said of the other one",
                        fix="bring the file back, or touch it and run 'tinysieve ingest' again")
