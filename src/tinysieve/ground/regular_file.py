"""A path from outside before it is opened: a pipe would keep its reader waiting for ever, and a device may have no end."""

from __future__ import annotations

import stat
from pathlib import Path

from tinysieve.ground.errors import InputError


def require_file(path: Path, fix: str) -> int:
    """The size in bytes of a regular file, or of what a link to one leads to.

    Raises:
        InputError: there is nothing, a folder, or a pipe, a socket or a device.
    """
    try:
        status = path.stat()
    except FileNotFoundError as error:
        raise InputError("no such file", where=str(path), fix=fix) from error
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    if not stat.S_ISREG(status.st_mode):
        what = "a folder" if stat.S_ISDIR(status.st_mode) else "a device, a pipe or a socket"
        raise InputError(f"it is not a file but {what}", where=str(path), fix=fix)
    return status.st_size
