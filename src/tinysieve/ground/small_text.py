"""A text file that a stranger may have written: a file and nothing else, of a size that people write, in UTF-8."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from tinysieve.ground.errors import InputError


def read_small_text(path: Path, largest_bytes: int, kind: str, fix: str) -> str:
    """The text of a file, without its byte order mark.

    Args:
        largest_bytes: more than this is not read.
        kind: what the file should be, for errors, such as "YAML".
        fix: what to do otherwise.

    Raises:
        OSError: it is not there, a folder, or may not be read.
        InputError: a pipe or a device, more than `largest_bytes`, or not UTF-8.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    # A pipe would keep the reader waiting, and a device has no end.
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{path} is not a file", where=str(path), why=f"{kind} is read from files only", fix=fix)
    if status.st_size > largest_bytes:
        raise InputError(f"{status.st_size:,} B of {kind} are more than {largest_bytes:,} B", where=str(path),
                         why="what people write is smaller", fix=fix)
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"{path} is not {kind}: {error}", where=f"{path}:{line}", why="it is not UTF-8",
                         fix="save it as UTF-8") from error
