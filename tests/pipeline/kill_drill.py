"""kill -9 inside a stage, at a second a kill: what a run folder looks like then, and whether the run ends in the same bytes.

A stage runs once. At chosen changes of files the process stands still and a copy of the run folder is taken: what a `kill -9` at
that moment leaves on the disk is in the copy, and what is lost with the process is not. From each copy the run goes on to the end
of the stage; every other one meets a real `kill -9` on the way. Processes are forked from one that has imported everything, so
that none of them waits for TensorFlow.

    python tests/pipeline/kill_drill.py FINISHED_RUN CONFIG --points 5 --stage ingest --stage policy
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import random
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

# Times and orders of events; everything else must be the same to the last bit.
LOGS = (".log.jsonl", ".lock", ".tmp")
_EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
AT_ONCE = 2
# filelock puts its locks in order at a fork, and refuses another one meanwhile.
_FORKING = threading.Lock()
# Of every copy, since the report's title is the name of the run folder.
RUN = "run"


@dataclass(frozen=True)
class Kills:
    """What came of a stage: changes of files that it makes, copies taken, different ones of them, real kills, same bytes."""

    stage: str
    steps: int
    copies: int
    distinct: int
    killed: int
    same_bytes: bool
    seconds: float


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file of a run but for logs and what was kept aside."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest() for path in files
            if not path.name.endswith(LOGS) and "tensorboard" not in path.parts and ".damaged-" not in str(path)}


def in_child(work: Callable[[], None], log: Path) -> int:
    """Run in a forked copy of this process; its exit code, or minus the signal that ended it. What it says goes into `log`."""
    with _FORKING:
        process = os.fork()
    if process == 0:
        code = 1
        try:
            written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(written, 1)
            os.dup2(written, 2)
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def until(config: Path, run: Path, stage: str) -> None:
    """The job of a stage: run the main job up to it, in this run folder."""
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.engine.stages import Run, run_stages
    from tinysieve.pipeline.main_job import stages_until

    loaded = load_config(config, (f"run={run}",))
    run_stages(Run(loaded, loaded.run), stages_until(loaded, stage), lambda status: None)


def at_changes(folder: Path, reached: Callable[[int], None]) -> Callable[[], int]:
    """Call `reached` with its number before each change of a file below `folder`; gives a function that says how many came.

    Locks are no change: nothing is in them, and a process must not fork while it takes one.
    """
    seen = 0
    below = f"{folder}/"

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        changes = (writes or event in _EVENTS) and str(arguments[0]).startswith(below)
        if changes and not str(arguments[0]).endswith(".lock"):
            seen += 1
            reached(seen)

    sys.addaudithook(hook)
    return lambda: seen


def copy_now(folder: Path, to: Path) -> None:
    """Copy a run folder while this process stands still: a fork copies, and no thread of Python goes on meanwhile."""
    process = os.fork()
    if process == 0:
        try:
            shutil.copytree(folder, to, symlinks=True)
        except shutil.Error:
            os._exit(1)
        os._exit(0)
    # PyDLL keeps the interpreter's lock while it waits, os.waitpid would not.
    status = ctypes.c_int()
    ctypes.PyDLL(None).waitpid(process, ctypes.byref(status), 0)
    if status.value:
        raise SystemExit(f"no copy of {folder} could be made")


def points_of(steps: int, count: int, rng: random.Random) -> list[int]:
    """Numbers of changes, spread over all of them; random ones where that gives the same twice."""
    points = {1 + round(place * (steps - 1) / max(count - 1, 1)) for place in range(min(count, steps))}
    while len(points) < min(count, steps):
        points.add(rng.randint(1, steps))
    return sorted(points)


@dataclass(frozen=True)
class Drill:
    """A place to work in, and what is done in a run folder, such as `until`."""

    work: Path
    job: Callable[[Path, str], None]

    def count(self, before: Path, stage: str, run: Path) -> int:
        """Let a stage finish in a copy of `before`; how many changes of files it makes."""
        shutil.copytree(before, run, symlinks=True)
        counted = self.work / "steps"

        def work() -> None:
            steps = at_changes(run, lambda number: None)
            self.job(run, stage)
            counted.write_text(str(steps()))

        self.require(in_child(work, self.work / "log"), f"{stage}: an undisturbed run", self.work / "log")
        return int(counted.read_text())

    def copies(self, before: Path, stage: str, points: Sequence[int]) -> list[Path]:
        """The run folder as it is just before each of these changes."""
        run = self.work / "copied" / RUN
        shutil.copytree(before, run, symlinks=True)
        wanted = set(points)

        def work() -> None:
            at_changes(run, lambda number: copy_now(run, self.work / f"state{number}" / RUN) if number in wanted else None)
            self.job(run, stage)

        self.require(in_child(work, self.work / "log"), f"{stage}: a run that was copied", self.work / "log")
        shutil.rmtree(run)
        return [state for state in (self.work / f"state{point}" / RUN for point in points) if state.exists()]

    def goes_on(self, state: Path, stage: str, kill_at: int, expected: dict[str, str]) -> tuple[bool, bool]:
        """Whether a real kill hit, and whether the run ended in the expected bytes; 0 kills nowhere."""
        log, killed = state.parent.with_suffix(".log"), False

        def work() -> None:
            at_changes(state, lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == kill_at else None)
            self.job(state, stage)

        if kill_at:
            code = in_child(work, log)
            killed = code == -signal.SIGKILL
            self.require(0 if killed else code, f"{stage}: {state.parent.name} with a second kill", log)
        self.require(in_child(lambda: self.job(state, stage), log), f"{stage}: {state.parent.name}", log)
        same = contents(state) == expected
        if same:
            shutil.rmtree(state)
        return killed, same

    @staticmethod
    def require(code: int, what: str, log: Path) -> None:
        """Stop the drill where a process failed, with what it said."""
        if code:
            raise SystemExit(f"{what} ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")

    def stage(self, before: Path, stage: str, count: int, rng: random.Random) -> tuple[Kills, Path]:
        """Drill one stage on a run folder in which it has not run yet; the folder in which it has."""
        began, after = time.monotonic(), self.work / f"after-{stage.replace('/', '-')}" / RUN
        steps = self.count(before, stage, after)
        expected = contents(after)
        states = self.copies(before, stage, points_of(steps, count, rng))
        distinct: dict[str, Path] = {}
        for state in states:
            if distinct.setdefault(_tree(state), state) is not state:
                shutil.rmtree(state)
        kills = [rng.randint(1, max(steps // 2, 1)) if place % 2 else 0 for place in range(len(distinct))]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            results = list(pool.map(lambda pair: self.goes_on(pair[0], stage, pair[1], expected),
                                    zip(distinct.values(), kills, strict=True)))
        return Kills(stage, steps, len(states), len(distinct), sum(killed for killed, _ in results),
                     all(same for _, same in results), time.monotonic() - began), after


def _tree(folder: Path) -> str:
    """Names and bytes of everything below a folder, logs and hidden files included."""
    digest = hashlib.blake2b()
    for path in sorted(folder.rglob("*")):
        digest.update(f"{path.relative_to(folder)}\0".encode() + (path.read_bytes() if path.is_file() else b""))
    return digest.hexdigest()


def without(finished: Path, stage: str, config: Path, to: Path) -> Path:
    """A copy of a finished run without a stage and all that come behind it."""
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.main_job import stages_until

    shutil.copytree(finished, to, symlinks=True)
    names = [part.name for part in stages_until(load_config(config), "report")]
    for name in names[names.index(stage):]:
        shutil.rmtree(to / name, ignore_errors=True)
    return to


def main() -> None:
    """Drill some stages of a finished run; ends with 1 where the bytes differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("finished", type=Path)
    parser.add_argument("config", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--stage", action="append", required=True)
    parser.add_argument("--points", type=int, default=5)
    asked = parser.parse_args()
    rng, rows = random.Random(0), []
    for stage in asked.stage:
        work = asked.work / stage.replace("/", "-")
        work.mkdir(parents=True)
        drill = Drill(work, partial(until, asked.config))
        row, _ = drill.stage(without(asked.finished, stage, asked.config, work / "before"), stage, asked.points, rng)
        rows.append(row)
        print(row, flush=True)
    print(f"{sum(row.copies for row in rows)} moments, {sum(row.killed for row in rows)} kills")
    sys.exit(not all(row.same_bytes for row in rows))


if __name__ == "__main__":
    main()
