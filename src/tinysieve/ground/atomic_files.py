"""Files that are either whole or not there, whatever kills the process."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tinysieve.ground.errors import InputError

_TEMPORARY_NAME = re.compile(r"\..+\.([0-9]{1,10})\.tmp")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; on success flush it to disk, rename it into place and flush the folder.

    Symbolic links stay: the file that they lead to is replaced.

    Raises:
        InputError: a folder, a device or a pipe is there, or no folder for it can be made.
    """
    target = _target(path)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, target, error) from error
    temporary = _temporary(target)
    try:
        yield temporary
        sync(temporary)
        temporary.replace(target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have a file's bytes, or a folder's list of names, on the disk: a rename alone survives a kill, but not a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # What some network file systems answer for a folder.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
            raise
    finally:
        os.close(descriptor)


def remove_left_behind(folder: Path) -> None:
    """Remove temporary files of `replacing` whose process has ended; a file that a live process writes stays."""
    for path in folder.glob(".*.tmp") if folder.is_dir() else ():
        match = _TEMPORARY_NAME.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink() and not _is_alive(int(match[1])):
            path.unlink(missing_ok=True)


def set_aside(path: Path, name: str = "") -> Path | None:
    """Rename what must not be lost to the first free `<name>-N` beside it; None where nothing is there.

    Args:
        path: file or folder.
        name: without the number; by default its own name and `.damaged`.
    """
    if not os.path.lexists(path):
        return None
    number, base = 1, name or f"{path.name}.damaged"
    while os.path.lexists(kept := path.with_name(f"{base}-{number}")):
        number += 1
    path.rename(kept)
    return kept


def write_text(path: Path, text: str) -> None:
    """Write text atomically."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_file(path: Path, reads: Iterable[Path] = ()) -> None:
    """Refuse a path that no file can be written to, before anything slow happens; leaves nothing behind.

    Args:
        path: of the file; folders that are missing above it will be made.
        reads: what the same command reads and must not replace.

    Raises:
        InputError: it is no regular file or one of `reads`, or it cannot be written there; says why.
    """
    target = _target(path)
    for read in reads:
        if target.exists() and read.exists() and target.samefile(read):
            raise InputError(f"{path} is both input and output", where=str(path), why="the input would be lost",
                             fix="choose another output file")
    try:
        _try_to_write(target)
    except OSError as error:
        raise _unwritable(path, target, error) from error


def check_folder(path: Path, names: Iterable[str]) -> None:
    """Refuse a folder that files of these names cannot be written into, before anything slow happens.

    Raises:
        InputError: see `check_file`.
    """
    for name in names:
        check_file(path / name)


def _target(path: Path) -> Path:
    """The absolute path behind symbolic links; refuses what is there and is no regular file."""
    target = Path(os.path.realpath(path))
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return target
    except OSError as error:
        raise _unwritable(path, target, error) from error
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device, a pipe or a socket"
        raise InputError(f"'{path}' is {what}, not a file", where=str(path), fix="give the path of a file")
    return target


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


def _try_to_write(target: Path) -> None:
    """Make and remove an empty file in the nearest folder that is there; names of folders to be made are measured."""
    folder = next(parent for parent in target.parents if parent.is_dir())
    if max(len(os.fsencode(name)) for name in target.parts) > os.pathconf(folder, "PC_NAME_MAX"):
        raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
    probe = folder / _temporary(target).name
    probe.touch()
    probe.unlink()


def _unwritable(path: Path, target: Path, error: OSError) -> InputError:
    blocking = [parent for parent in target.parents if os.path.exists(parent) and not os.path.isdir(parent)]
    why = f"{blocking[0]} is not a folder" if blocking else error.strerror or str(error)
    return InputError(f"cannot be written: {why}", where=str(path), fix="use a path in a folder that exists or can be created")
