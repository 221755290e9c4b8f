"""Stages: each runs when its content key has changed, resumes where it was killed, and appears whole or not at all.

A stage writes to `<name>.partial/` and is renamed to `<name>/` when complete. Its key is made of its code version,
its settings, the fingerprints of files outside the run, and the identities of the stages it needs. Its record names the
files that it made: it runs again when one of them is gone.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config

_RECORD = "stage.json"


@dataclass(frozen=True)
class Run:
    """A run folder and the configuration it follows."""

    config: Config
    folder: Path

    def at(self, stage: str) -> Path:
        """Folder of a finished stage."""
        return self.folder / stage


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    Args:
        name: also the name of its folder.
        code_version: raised by hand whenever the same inputs would give other bytes.
        needs: stages whose outputs it reads.
        settings: the part of the configuration it depends on.
        work: does it, into the given folder; returns the identity of what it made, or "" to use its key.
        fingerprints: digests, by name, of what it reads from outside the run.
    """

    name: str
    code_version: int
    needs: tuple[str, ...]
    settings: Callable[[Config], object]
    work: Callable[[Run, Path], str]
    fingerprints: Callable[[Run], Mapping[str, str]] = field(default=lambda run: {})


@dataclass(frozen=True)
class StageRecord:
    """What a finished stage says of itself.

    Args:
        key: digest of `parts`.
        identity: of what it made.
        parts: `code`, `settings`, `outside` (digests of what it read from outside the run) and `needs` (identities of stages).
        files: names of the files that it made; older records name none.
    """

    key: str
    identity: str
    parts: dict[str, Any]
    files: tuple[str, ...]


@dataclass(frozen=True)
class StageStatus:
    """Whether a stage would run, and why."""

    stage: str
    runs: bool
    reasons: tuple[str, ...]


def run_stages(run: Run, stages: Sequence[Stage], announce: Callable[[StageStatus], None]) -> None:
    """Run what is not up to date, in the given order.

    Raises:
        InputError: another process works in the run folder.
    """
    with locked(run.folder):
        for stage in stages:
            parts = _parts(run, stage)
            status = _judge(run, stage, parts)
            announce(status)
            if status.runs:
                _work(run, stage, parts)


def plan(run: Run, stages: Sequence[Stage]) -> list[StageStatus]:
    """What `run_stages` would do, without doing it."""
    statuses: list[StageStatus] = []
    for stage in stages:
        behind = [one.stage for one in statuses if one.runs and one.stage in stage.needs]
        if behind:
            statuses.append(StageStatus(stage.name, True, tuple(f"{name} would run first" for name in behind)))
        else:
            statuses.append(_judge(run, stage, _parts(run, stage)))
    return statuses


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the run folder; the lock goes with the process, however it ends.

    Raises:
        InputError: another process holds it, or it can be no folder.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise InputError("the run folder cannot be created: a file with that name exists", where=str(folder),
                         fix="set another 'run' folder") from error
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise InputError("another process holds this run folder", where=str(folder),
                         fix="wait for it, or set another 'run' folder") from error


def identity(run: Run, name: str) -> str:
    """What a finished stage made; "" where it has not finished."""
    record = read_record(run.at(name))
    return record.identity if record else ""


def read_record(folder: Path) -> StageRecord | None:
    """The record in a stage's folder; None where the stage has not finished or its record is damaged."""
    path = folder / _RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return StageRecord(str(record["key"]), str(record["identity"]), dict(record["parts"]), tuple(record.get("files", ())))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parts(run: Run, stage: Stage) -> dict[str, Any]:
    settings = json.loads(json.dumps(stage.settings(run.config), default=str, sort_keys=True))
    return {"code": stage.code_version, "settings": settings, "outside": dict(stage.fingerprints(run)),
            "needs": {name: identity(run, name) for name in stage.needs}}


def _key(parts: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=8).hexdigest()


def _judge(run: Run, stage: Stage, parts: dict[str, Any]) -> StageStatus:
    reasons = tuple(_reasons(run.at(stage.name), parts))
    if not reasons:
        return StageStatus(stage.name, False, ("up to date",))
    resumes = _partial_key(run, stage.name) == _key(parts)
    return StageStatus(stage.name, True, ("was interrupted, resumes",) if resumes else reasons)


def _reasons(folder: Path, parts: dict[str, Any]) -> Iterator[str]:
    """Why a stage is not up to date."""
    record = read_record(folder)
    if record is None:
        yield "its record is unreadable" if (folder / _RECORD).exists() else "has not run yet"
    elif record.key != _key(parts):
        yield from _differences(record.parts, parts)
    else:
        yield from (f"{name} is missing" for name in record.files if not (folder / name).exists())


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name in sorted(set(old) | set(new)):
        before, after, label = old.get(name), new.get(name), f"{path}{name}"
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _differences(before, after, f"{label}.")
        elif before != after:
            yield f"{label} changed from {before} to {after}"


def _partial_key(run: Run, name: str) -> str:
    path = run.folder / f"{name}.partial" / ".key"
    return path.read_text() if path.exists() else ""


def _work(run: Run, stage: Stage, parts: dict[str, Any]) -> None:
    partial, final = run.folder / f"{stage.name}.partial", run.at(stage.name)
    if _partial_key(run, stage.name) != _key(parts):
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write_text(partial / ".key", _key(parts))
    made = stage.work(run, partial) or _key(parts)
    record = {"key": _key(parts), "identity": made, "parts": parts, "files": _made(partial)}
    write_text(partial / _RECORD, json.dumps(record, indent=1) + "\n")
    outdated = run.folder / f"{stage.name}.outdated"
    shutil.rmtree(outdated, ignore_errors=True)
    if final.exists():
        final.rename(outdated)
    partial.rename(final)
    shutil.rmtree(outdated, ignore_errors=True)


def _made(folder: Path) -> list[str]:
    """Names of the files of a stage but for its logs, which nothing reads again."""
    return sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != _RECORD
                  and not path.name.startswith(".") and not path.name.endswith(".log.jsonl"))
