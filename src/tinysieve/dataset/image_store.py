"""Where images are read from after ingest: whoever opens one holds its bytes against the id that ingest gave it.

A photo that was replaced since, be it by one of the same size and time, must not be judged or shown under the old one's name.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from tinysieve.dataset.images import Pixels, UndecodableImage, decode
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.ground.errors import InputError

ID_BYTES = 16
CONTENT_DIGITS = 2 * ID_BYTES


class ChangedImage(InputError):
    """An image file is no longer the one that ingest saw."""


def content_id(data: bytes) -> str:
    """The id of an image: a hash of its file's bytes, 32 hex digits."""
    return hashlib.blake2b(data, digest_size=ID_BYTES).hexdigest()


def read_checked(store: ImageStore, name: str, sample_id: str) -> bytes:
    """The bytes of an image of the sample table.

    Args:
        store: where images lie.
        name: of the image, as in the column `filepath`.
        sample_id: of the sample; `-1`, `-2`, ... behind the hash count copies.

    Raises:
        ChangedImage: the image is gone, lies outside of the store, or has other bytes than ingest saw.
        DamagedFile, Unreachable: the store itself cannot be read.
    """
    try:
        data = store.read(name)
    except FileNotFoundError as error:
        raise _changed(store.place(name), "it is gone") from error
    except UndecodableImage as error:
        raise _changed(store.place(name), str(error)) from error
    except OSError as error:
        raise _changed(store.place(name), f"it cannot be read: {error.strerror}") from error
    if content_id(data) != sample_id.partition("-")[0]:
        raise _changed(store.place(name), "its bytes are others")
    return data


def decode_checked(store: ImageStore, name: str, sample_id: str) -> Pixels:
    """Pixels uint8 [H, W, 3] of an image whose bytes are those that ingest saw.

    Raises:
        ChangedImage: see `read_checked`.
        UndecodableImage: see `tinysieve.dataset.images.decode`.
    """
    return decode(read_checked(store, name, sample_id))


class Reading:
    """All images of a sample table in the order in which their store gives them at the least cost.

    Attributes:
        names: of the N images, in that order.
        sample_ids: theirs.
        rows: int64 [N], their rows in the sample table.
    """

    def __init__(self, store: ImageStore, samples: SampleTable) -> None:
        names = samples.table["filepath"].combine_chunks()
        self.rows = store.reading_order(names)
        self.names: list[str] = names.take(pa.array(self.rows)).to_pylist()
        self.sample_ids: list[str] = samples.sample_ids.take(pa.array(self.rows)).to_pylist()
        self._store = store

    def decode(self, name: str, sample_id: str) -> Pixels:
        """See `decode_checked`."""
        return decode_checked(self._store, name, sample_id)


def _changed(where: str, how: str) -> ChangedImage:
    return ChangedImage(f"the image is not the one that ingest saw: {how}", where=where,
                        why="what is found in it would be said of the other one",
                        fix="bring the file back, or touch it and run 'tinysieve ingest' again")
