"""Stages: each runs when its content key has changed, resumes where it was killed, and appears whole or not at all.

A stage writes to `<name>.partial/` and is renamed to `<name>/` when complete. Its key is made of its code version,
its settings, the versions of the libraries that can change its result, the fingerprints of files outside the run, and the
identities of the stages it needs. Its record holds size and hash of every file that it made: what differs from it is kept
aside as `<name>.damaged-N` and made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tinysieve.dataset.reading import Parts
from tinysieve.ground.atomic_files import remove_left_behind, set_aside
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.records import (
    RECORD,
    Record,
    differences,
    measure,
    measure_elsewhere,
    note_times,
    read_record,
    write_record,
)
from tinysieve.pipeline.engine.stage_folders import begin, finish, partial_key, refuse_foreign, sweep
from tinysieve.pipeline.engine.stage_keys import changes, key_of, library_versions

FIRST_RUN = "first run"


@dataclass(frozen=True)
class Run:
    """A run folder and the configuration it follows.

    Args:
        config: read.
        folder: of the run.
        following: stages that run after the one at work, in the same call, and have nothing yet.
    """

    config: Config
    folder: Path
    following: tuple[Stage, ...] = ()

    def at(self, stage: str) -> Path:
        """Folder of a finished stage."""
        return self.folder / stage


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    Args:
        name: also the name of its folder; "filters/neighbors" lies in a folder "filters".
        code_version: raised by hand whenever the same inputs would give other bytes.
        needs: stages whose outputs it reads.
        settings: the part of the configuration it depends on.
        work: does it, into the given folder; returns the identity of what it made, or "" to use its key.
        fingerprints: digests, by name, of what it reads from outside the run.
        libraries: distributions whose version can change its result; "a|b" is whichever of them is installed.
        elsewhere: files that it made outside its folder but inside the run, such as a version of the labels.
        image_parts: what it makes of every image; an earlier stage that decodes the image anyway can make it too.
    """

    name: str
    code_version: int
    needs: tuple[str, ...]
    settings: Callable[[Config], object]
    work: Callable[[Run, Path], str]
    fingerprints: Callable[[Run], Mapping[str, str]] = field(default=lambda run: {})
    libraries: tuple[str, ...] = ()
    elsewhere: Callable[[Run], tuple[Path, ...]] = field(default=lambda run: ())
    image_parts: Callable[[Run], Parts | None] = field(default=lambda run: None)


@dataclass(frozen=True)
class StageStatus:
    """Whether a stage would run, and why."""

    stage: str
    runs: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class _Judgement:
    """Why a stage would run.

    Args:
        reasons: none where it is up to date.
        damaged: what was made differs from what was recorded, so it is kept aside.
    """

    reasons: tuple[str, ...]
    damaged: bool


def run_stages(run: Run, stages: Sequence[Stage], announce: Callable[[StageStatus], None], every_byte: bool = False) -> None:
    """Run what is not up to date, in the given order.

    Args:
        run: folder and configuration.
        stages: in the order of their needs.
        announce: told of each stage as it is reached, and of what was kept aside.
        every_byte: compare the bytes of large files too whose size and time are as recorded.

    Raises:
        InputError: another process works in the run folder, or a folder of a stage's name is not ours.
    """
    with locked(run.folder):
        for number, stage in enumerate(stages):
            parts = _parts(run, stage)
            judgement = _judge(run, stage, parts, every_byte)
            kept = _keep_damaged(run, stage, key_of(parts)) if judgement.damaged else ()
            announce(_status(run, stage, parts, judgement, kept))
            if judgement.reasons:
                following = tuple(later for later in stages[number + 1 :] if _is_new(run, later))
                _work(replace(run, following=following), stage, parts, announce)
            else:
                note_times(run.at(stage.name))


def plan(run: Run, stages: Sequence[Stage], every_byte: bool = False) -> list[StageStatus]:
    """What `run_stages` would do, without doing it."""
    statuses: list[StageStatus] = []
    for stage in stages:
        behind = [status.stage for status in statuses if status.runs and status.stage in stage.needs]
        parts = _parts(run, stage)
        judgement = _judge(run, stage, parts, every_byte)
        if behind and not judgement.damaged:
            statuses.append(StageStatus(stage.name, True, tuple(f"{name} would run first" for name in behind)))
        else:
            statuses.append(_status(run, stage, parts, judgement, ()))
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
            for place in (folder, folder / "versions"):
                remove_left_behind(place)
            yield
    except Timeout as error:
        raise InputError("another process holds this run folder", where=str(folder),
                         fix="wait for it, or set another 'run' folder") from error


def identity(run: Run, name: str) -> str:
    """What a finished stage made; "" where it has not finished."""
    record = read_record(run.at(name))
    return record.identity if record else ""


def _parts(run: Run, stage: Stage) -> dict[str, Any]:
    settings = json.loads(json.dumps(stage.settings(run.config), default=str, sort_keys=True))
    return {"code": stage.code_version, "settings": settings, "outside": dict(stage.fingerprints(run)),
            "needs": {name: identity(run, name) for name in stage.needs}, "libraries": library_versions(stage.libraries)}


def ahead_of(run: Run) -> tuple[Parts, ...]:
    """What the stages that follow make of every image."""
    made = (stage.image_parts(run) for stage in run.following)
    return tuple(parts for parts in made if parts is not None)


def _is_new(run: Run, stage: Stage) -> bool:
    """Whether a stage has nothing that could stay: where it has, its earlier stages may turn out the same."""
    return read_record(run.at(stage.name)) is None


def _judge(run: Run, stage: Stage, parts: dict[str, Any], every_byte: bool) -> _Judgement:
    folder = run.at(stage.name)
    record = read_record(folder)
    if record is None:
        refuse_foreign(folder)
        damaged = (folder / RECORD).exists()
        return _Judgement(("its record is unreadable" if damaged else FIRST_RUN,), damaged)
    changed = tuple(differences(folder, record, run.folder, every_byte))
    # What is gone needs no keeping.
    damaged = not all(line.endswith(" is missing") for line in changed)
    if record.key == key_of(parts):
        return _Judgement(changed, damaged)
    return _Judgement(tuple(changes(record.parts, parts)) + changed, damaged)


def _status(run: Run, stage: Stage, parts: dict[str, Any], judgement: _Judgement, kept: tuple[Path, ...]) -> StageStatus:
    if not judgement.reasons:
        return StageStatus(stage.name, False, ("up to date",))
    if not judgement.damaged and partial_key(run.at(stage.name)) == key_of(parts):
        return StageStatus(stage.name, True, ("was interrupted, resumes",))
    where = f"; kept as {', '.join(path.name for path in kept)}" if kept else ""
    return StageStatus(stage.name, True, (judgement.reasons[0] + where, *judgement.reasons[1:]))


def _keep_damaged(run: Run, stage: Stage, key: str) -> tuple[Path, ...]:
    """Rename the folder of a stage, and what it made elsewhere, as far as they differ from the record.

    Raises:
        InputError: what it made elsewhere, which must never change, could not be made again the same.
    """
    folder = run.at(stage.name)
    record = read_record(folder)
    empty = Record("", "", {}, {}, {})
    inside = record is None or any(differences(folder, replace(record, elsewhere={}), run.folder, True))
    outside = [name for name, output in (record or empty).elsewhere.items()
               if any(differences(folder, replace(empty, elsewhere={name: output}), run.folder))]
    if outside and record is not None and record.key != key:
        raise InputError(f"{outside[0]} was changed, and so was what it was made from", where=str(run.folder / outside[0]),
                         why="made again it would be another one",
                         fix="bring the file back from a copy, or set another 'run' folder")
    paths = [folder] * inside + [run.folder / name for name in outside]
    return tuple(kept for kept in map(set_aside, paths) if kept is not None)


def _work(run: Run, stage: Stage, parts: dict[str, Any], announce: Callable[[StageStatus], None]) -> None:
    final, key = run.at(stage.name), key_of(parts)
    partial = begin(final, key)
    made = stage.work(run, partial) or key
    sweep(partial)
    elsewhere = measure_elsewhere(run.folder, stage.elsewhere(run))
    write_record(partial, Record(key, made, parts, measure(partial), elsewhere))
    kept = finish(final)
    if kept is not None:
        announce(StageStatus(stage.name, False, (f"files that it had not made were in its earlier folder: kept as {kept.name}",)))
