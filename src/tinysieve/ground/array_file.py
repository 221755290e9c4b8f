"""Arrays on disk that are written piece by piece through a memory map."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import DTypeLike

from tinysieve.ground.atomic_files import replacing


def create_array(path: Path, dtype: DTypeLike, shape: tuple[int, ...], *, fortran_order: bool = False) -> np.memmap:
    """A `.npy` file of zeros, mapped for writing, whose room on the disk is taken.

    It is made under another name first: a kill between creation and full size must not look like an array.

    Raises:
        OSError: there is no room for it.
    """
    try:
        with replacing(path) as temporary:
            open_memmap(temporary, "w+", dtype, shape, fortran_order).flush()
            _take_room(temporary)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return open_memmap(path, "r+")


def _take_room(file: Path) -> None:
    """Take a sparse file's space on the disk: where there is none, writing to its memory map kills the process without words."""
    if not hasattr(os, "posix_fallocate"):
        return
    with file.open("r+b") as opened:
        try:
            os.posix_fallocate(opened.fileno(), 0, file.stat().st_size)
        except OSError as error:
            # What file systems answer that do not know of it.
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise
