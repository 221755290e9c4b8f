"""What an image store holds before any image is opened: photos, what is none, what is refused, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tinysieve.dataset.sources.listing import SkippedRow

# In `rows`: the name of the photo, the folder that the configuration gave its file, the file, and the row's number in it.
PHOTO, UNDER, SHARD, RECORD = "_photo", "_under", "_shard", "_record"


@dataclass(frozen=True, eq=False)
class StoredImages:
    """The content of a store.

    Args:
        where: the store, for errors.
        photos: string [F], names with forward slashes, sorted; relative to the folder or inside the archive.
        litter: pictures that nobody took: previews, checkpoints, trash, names that begin with a dot.
        refused: photos that cannot be named or are not read, and why.
        notes: what was left out, for a person to read.
        unfollowed: links to folders that the settings do not allow to enter.
        rows: of files that hold columns beside the images: these and PHOTO, UNDER, SHARD, RECORD, a row a photo; None of others.
    """

    where: str
    photos: pa.Array
    litter: tuple[str, ...] = ()
    refused: tuple[SkippedRow, ...] = ()
    notes: tuple[str, ...] = ()
    unfollowed: tuple[str, ...] = ()
    rows: pa.Table | None = None
