"""What a finished stage says of itself, and whether its files are still those that it made.

The record names every output by size and hash. Times are kept beside it: a file of the same size and time is taken as it is,
unless it is small enough that reading it costs nothing worth saving.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import sync, write_text
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import read_object

RECORD = "stage.json"
# Times differ between two runs of the same job, so they stand in a log.
TIMES = "times.log.jsonl"
# Models, weights, versions and tables: read in a few milliseconds, so their bytes are always compared.
ALWAYS_READ_BYTES = 16 * 1024**2
_ALWAYS_READ = (".tflite", ".npz", ".keras", ".onnx", "samples.parquet")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Output:
    """One file as it was when its stage had finished."""

    size: int
    blake2b: str


@dataclass(frozen=True)
class Record:
    """What `stage.json` says.

    Args:
        key: hash of `parts`.
        identity: of what was made; later stages depend on it.
        parts: everything that the key was made of.
        files: outputs by name, relative to the stage's folder.
        elsewhere: outputs by name, relative to the run's folder.
    """

    key: str
    identity: str
    parts: dict[str, Any]
    files: dict[str, Output]
    elsewhere: dict[str, Output]


def read_record(folder: Path) -> Record | None:
    """The record of a finished stage; None where there is none, or where it was changed."""
    try:
        said = read_object(folder / RECORD)
        files, elsewhere = ({name: Output(**output) for name, output in said[group].items()} for group in ("files", "elsewhere"))
        record = Record(str(said["key"]), str(said["identity"]), dict(said["parts"]), files, elsewhere)
        return record if (folder / RECORD).read_text(encoding="utf-8") == _text(record) else None
    except (InputError, KeyError, TypeError, AttributeError, ValueError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Write `stage.json`, last of all that a stage writes."""
    write_text(folder / RECORD, _text(record))


def measure(folder: Path) -> dict[str, Output]:
    """All outputs in a stage's folder, by name; each is on the disk when this returns, and its time is noted."""
    made = {name: _measured(folder / name) for name in sorted(output_names(folder))}
    _write_times(folder, made)
    return made


def measure_elsewhere(run_folder: Path, paths: tuple[Path, ...]) -> dict[str, Output]:
    """The same for files outside of the stage's folder."""
    return {str(path.relative_to(run_folder)): _measured(path) for path in paths}


def output_names(folder: Path) -> Iterator[str]:
    """Names of all files under a folder but for the record, hidden files, and logs, which nothing reads again."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        is_log = name.name.endswith(".log.jsonl") or "tensorboard" in name.parts
        if path.is_file() and not is_log and str(name) != RECORD and not any(part.startswith(".") for part in name.parts):
            yield str(name)


def differences(folder: Path, record: Record, run_folder: Path, every_byte: bool = False) -> Iterator[str]:
    """What is no longer as it was recorded, in words, a file a line."""
    times = _noted_times(folder)
    for name, output in record.files.items():
        yield from _difference(folder / name, name, output, times.get(name), every_byte)
    for name, output in record.elsewhere.items():
        yield from _difference(run_folder / name, name, output, None, True)


def note_times(folder: Path) -> None:
    """Keep the times of a stage's files, whose bytes were just found right, so that large ones need not be read again."""
    record = read_record(folder)
    if record is not None:
        _write_times(folder, record.files)


def require_recorded(folder: Path, name: str) -> Path:
    """The path of one output of a finished stage, which must be as its stage left it.

    A folder without a record is no stage's, and nothing is said of it.

    Raises:
        InputError: the file, or the record that names it, was changed.
    """
    if not (folder / RECORD).is_file():
        return folder / name
    record = read_record(folder)
    said = ["the record of its stage cannot be read"] if record is None else []
    if record is not None and name in record.files:
        said = list(_difference(folder / name, name, record.files[name], _noted_times(folder).get(name), False))
    elif record is not None and (folder / name).exists() and not name.endswith(".log.jsonl"):
        said = [f"{name} is no file that it made"]
    _refuse_changed(folder / name, said)
    return folder / name


def require_recorded_folder(folder: Path, name: str) -> None:
    """The same for all outputs in a folder below that of the stage.

    Raises:
        InputError: one of them, or the record that names them, was changed.
    """
    record = read_record(folder)
    if record is None:
        return
    times, inside = _noted_times(folder), f"{name}/"
    for file, output in record.files.items():
        if file.startswith(inside):
            _refuse_changed(folder / file, list(_difference(folder / file, file, output, times.get(file), False)))


def _refuse_changed(path: Path, said: list[str]) -> None:
    if said:
        raise InputError(f"not as its stage left it: {said[0]}", where=str(path),
                         why="no result can be told from a file that was changed",
                         fix="run 'tinysieve status' and 'tinysieve run': what differs is kept aside and made again")


def hash_of(path: Path) -> str:
    """blake2b of a file's bytes, 32 hex digits."""
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _measured(path: Path) -> Output:
    sync(path)
    return Output(path.stat().st_size, hash_of(path))


def _difference(path: Path, name: str, output: Output, time: int | None, every_byte: bool) -> Iterator[str]:
    try:
        if not path.is_file():
            yield f"{name} is missing"
            return
        stat = path.stat()
        small = stat.st_size <= ALWAYS_READ_BYTES or name.endswith(_ALWAYS_READ)
        if stat.st_size != output.size:
            yield f"{name} was changed: {stat.st_size:,} B, {output.size:,} B recorded"
        elif (every_byte or small or stat.st_mtime_ns != time) and hash_of(path) != output.blake2b:
            yield f"{name} was changed: its bytes are not those recorded"
    except OSError as error:
        yield f"{name} cannot be read: {error.strerror}"


def _noted_times(folder: Path) -> dict[str, Any]:
    try:
        return read_object(folder / TIMES)
    except InputError:
        return {}


def _write_times(folder: Path, files: Mapping[str, Output]) -> None:
    times = {name: (folder / name).stat().st_mtime_ns for name in files}
    if times != _noted_times(folder):
        write_text(folder / TIMES, json.dumps(times) + "\n")


def _text(record: Record) -> str:
    said = asdict(record)
    checksum = hashlib.blake2b(json.dumps(said, sort_keys=True).encode(), digest_size=8).hexdigest()
    return json.dumps({**said, "sum": checksum}, indent=1) + "\n"
