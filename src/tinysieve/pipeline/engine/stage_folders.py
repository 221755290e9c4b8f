"""Folders of stages: where unfinished work lies, and how a finished folder takes the place of an earlier one.

Only what carries our own record or key is ever removed or renamed. Anything else of that name is somebody's, and stops the run.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tinysieve.ground.atomic_files import remove_left_behind, set_aside, sync, write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.records import RECORD, output_names, read_record

# Written first into the folder of a stage at work, and gone once its record is there.
_KEY = ".key"
# What a process leaves that was killed while it wrote the key: all there is in such a folder.
_KEY_BEGUN = re.compile(r"\.\.key\.[0-9]+\.tmp")


def partial_key(final: Path) -> str:
    """Key of the unfinished work on a stage; "" where there is none."""
    partial = _beside(final, "partial")
    record = read_record(partial)
    if record is not None:
        return record.key
    path = partial / _KEY
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def begin(final: Path, key: str) -> Path:
    """The folder to work in: that of interrupted work with the same key, without half-written files, or an empty one.

    Raises:
        InputError: a folder of that name is there which is not ours.
    """
    partial = _beside(final, "partial")
    for folder in (final, partial, _beside(final, "outdated")):
        refuse_foreign(folder)
    if partial_key(final) != key:
        _remove(partial)
        partial.mkdir(parents=True)
        write_text(partial / _KEY, key)
    sweep(partial)
    return partial


def sweep(folder: Path) -> None:
    """Remove temporary files of dead processes in a folder and below it."""
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        remove_left_behind(path)


def finish(final: Path) -> Path | None:
    """Put the finished folder, whose record is written, in the place of the earlier one.

    Returns:
        Where the earlier folder was kept, if it held files that its stage had not made; else it is gone.
    """
    partial, outdated = _beside(final, "partial"), _beside(final, "outdated")
    (partial / _KEY).unlink(missing_ok=True)
    for folder in (partial, *(path for path in partial.rglob("*") if path.is_dir())):
        sync(folder)
    _remove(outdated)
    if final.exists():
        final.rename(outdated)
    partial.rename(final)
    sync(final.parent)
    if _holds_others_files(outdated):
        return set_aside(outdated, f"{final.name}.kept")
    _remove(outdated)
    return None


def refuse_foreign(folder: Path) -> None:
    """Stop before touching what does not carry our record or key; an empty folder carries nothing that could be lost.

    Raises:
        InputError: it is such a folder, a file, or a link.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    is_ours = folder.is_dir() and ((folder / RECORD).is_file() or (folder / _KEY).is_file()
                                   or all(_KEY_BEGUN.fullmatch(path.name) for path in folder.iterdir()))
    if folder.is_symlink() or not is_ours:
        raise InputError(f"'{folder.name}' in the run folder was not made by this program", where=str(folder),
                         why="a stage of that name would take its place, and only what carries our own record is replaced",
                         fix="move it elsewhere, or set another 'run' folder")


def _holds_others_files(folder: Path) -> bool:
    record = read_record(folder) if folder.is_dir() else None
    return record is not None and any(name not in record.files for name in output_names(folder))


def _remove(folder: Path) -> None:
    """Remove a folder of ours; what shows that it is ours goes last, so that whoever is killed here can go on."""
    if folder.exists():
        refuse_foreign(folder)
        for path in folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (RECORD, _KEY):
                path.unlink()
        shutil.rmtree(folder)


def _beside(final: Path, what: str) -> Path:
    return final.with_name(f"{final.name}.{what}")
