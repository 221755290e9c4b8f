"""A .tflite file named on the command line: read if it can be, and named in every error about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tinysieve.ground.errors import InputError, TinysieveError
from tinysieve.pipeline.engine.records import require_recorded
from tinysieve.pipeline.stages.quantize import LABELS

LARGEST_FILE_BYTES = 2**31 - 1
_LONGEST_LABELS_BYTES = 2**16


def read_model(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: there is no such file, it cannot be read, it is larger than a flatbuffer can be (2 GiB), or it lies in the
            folder of a stage that left another one.
    """
    try:
        if not path.is_file():
            raise InputError("there is no such file" if not path.exists() else "it is not a file", where=str(path),
                             fix="give a .tflite file")
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise InputError(f"{path.stat().st_size:,} bytes are more than a .tflite file can have", where=str(path),
                             why="a flatbuffer ends at 2 GiB", fix="give a .tflite file")
        return require_recorded(path.parent, path.name).read_bytes()
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", where=str(path), fix="check its permissions") from error


def labels_beside(model: Path, classes: int) -> tuple[str, ...] | None:
    """Names of the scores from a `labels.txt` in the model's folder, or None where there is none that fits.

    Args:
        model: the file; it need not name its classes itself.
        classes: scores that it gives, which is how many lines the list must have.
    """
    file = model.parent / LABELS
    if not file.is_file() or file.stat().st_size > _LONGEST_LABELS_BYTES:
        return None
    lines = [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return tuple(lines) if len(lines) == classes else None


def check_output(output: Path, model: Path, force: bool) -> None:
    """Refuse to write where something is, unless it may be replaced; never onto the model itself.

    Raises:
        InputError: ``output`` exists (with ``force`` only where it is the model), or has no folder.
    """
    if output.exists() and (not force or output.samefile(model)):
        raise InputError(f"{output} exists", why="nothing is overwritten unasked, and the input never",
                         fix="give another name" if output.samefile(model) else "give another name, or --force")
    if not output.parent.is_dir():
        raise InputError(f"{output.parent} is not a folder", fix="make it, or give another name")


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Errors inside name the file, if they name nothing else."""
    try:
        yield
    except TinysieveError as error:
        error.where = error.where or str(path)
        raise
