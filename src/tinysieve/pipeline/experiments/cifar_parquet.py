"""CIFAR-10 from Parquet with JPEG images: what came from outside, so each picture and label is checked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tinysieve.dataset.images import UndecodableImage, decode
from tinysieve.ground.errors import InputError
from tinysieve.ground.regular_file import require_file

SIDE = 32
PICTURES, LABELS = "jpeg", "clean_label"


def read_cifar_parquet(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Pictures uint8 [N, 32, 32, 3] of column 'jpeg' and labels int64 [N] of column 'clean_label'.

    Raises:
        InputError: no such table, or a picture that is none or of another size; names its row.
    """
    table = _table(path)
    images = np.empty((table.num_rows, SIDE, SIDE, 3), np.uint8)
    for row, data in enumerate(table[PICTURES].to_pylist()):
        images[row] = _pixels(data, f"{path}, row {row}")
    return images, np.asarray(table[LABELS].to_numpy(), np.int64)


def _table(path: Path) -> pa.Table:
    require_file(path, "name a Parquet file")
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"cannot be read as Parquet: {error}", where=str(path), fix="download it again") from error
    for name in (PICTURES, LABELS):
        if table.column_names.count(name) != 1:
            raise InputError(f"no columns '{PICTURES}' and '{LABELS}', one each", where=str(path),
                             fix=f"its columns: {', '.join(table.column_names)}")
    bytes_of, number = table.schema.field(PICTURES).type, table.schema.field(LABELS).type
    if not (pa.types.is_binary(bytes_of) or pa.types.is_large_binary(bytes_of)):
        raise InputError(f"column '{PICTURES}' is {bytes_of}, expected binary", where=str(path), fix="store the file contents")
    if not pa.types.is_integer(number) or table[LABELS].null_count:
        raise InputError(f"column '{LABELS}' is {number} with {table[LABELS].null_count:,} nulls, expected integers",
                         where=str(path), fix="use labels 0..9, and leave out pictures without a label")
    return table


def _pixels(data: bytes | None, where: str) -> NDArray[np.uint8]:
    try:
        pixels = decode(data or b"")
    except UndecodableImage as error:
        raise InputError(f"the picture is not a JPEG: {error}", where=where, fix="download the file again") from error
    if pixels.shape != (SIDE, SIDE, 3):
        height, width = pixels.shape[:2]
        raise InputError(f"the picture is {width} x {height} pixels, not {SIDE} x {SIDE}", where=where,
                         fix="use CIFAR's pictures unchanged")
    return pixels
