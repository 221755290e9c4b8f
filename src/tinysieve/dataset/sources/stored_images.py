"""What an image store holds before any image is opened: photos, what is none, what is refused, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from tinysieve.dataset.sources.listing import SkippedRow

# In `rows`: the name of the photo, and the folder that the configuration gave its file.
PHOTO, UNDER = "_photo", "_under"


@dataclass(frozen=True, eq=False)
class StoredImages:
    """The content of a store.

    Args:
        where: the store, for errors.
        photos: string [F], names with forward slashes, sorted; relative to the folder or inside the archive.
        litter: pictures that nobody took: previews, checkpoints, trash, names that begin with a dot.
        refused: photos that cannot be named or are not read, and why.
        notes: what was left out, for a person to read.
        rows: of files that hold columns beside the images: PHOTO, UNDER and the columns, a row a photo; None of other stores.
    """

    where: str
    photos: pa.Array
    litter: tuple[str, ...] = ()
    refused: tuple[SkippedRow, ...] = ()
    notes: tuple[str, ...] = ()
    rows: pa.Table | None = None
