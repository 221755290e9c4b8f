"""Faults on purpose: kill -9 inside every stage, and a flipped byte in every file of a finished run.

A kill falls on the k-th time that the process opens a file for writing, renames, removes, or makes a folder inside the run, so
that every step between "nothing" and "finished" is reached, not only those that take long. Each killed run is given again, killed
once more on the way back, and must then finish with the bytes of a run that nobody disturbed. Every file of the finished stage is
then flipped in its middle, with its old time put back: it must be noticed, and, for one file a stage, made again the same.

    python benchmarks/drill.py            # 220 kills; writes the table of docs/reliability.md
    python benchmarks/drill.py --kills 2  # a shorter one
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/pipeline"), str(ROOT / "src")]
# Times and orders of events; everything else must be the same to the last bit.
LOGS = (".log.jsonl", ".lock", ".tmp")
PAGE = ROOT / "docs/reliability.md"


@dataclass(frozen=True)
class StageDrill:
    """What came of the faults in one stage."""

    stage: str
    steps: int
    kills: int
    same_bytes: bool
    flips: int
    noticed: int
    mended: bool
    seconds: float


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file of a run but for logs and what was kept aside."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest() for path in files
            if not path.name.endswith(LOGS) and "tensorboard" not in path.parts and ".damaged-" not in str(path)}


def in_child(work: Callable[[], None]) -> int:
    """Run in a forked copy of this process, into which everything heavy is imported already; minus the signal that ended it."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def until(config: Path, stage: str) -> None:
    """Run the main job up to a stage."""
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.engine.stages import Run, run_stages
    from tinysieve.pipeline.main_job import stages_until

    loaded = load_config(config)
    run_stages(Run(loaded, loaded.run), stages_until(loaded, stage), lambda status: None)


def at_step(number: int, folder: Path, reached: Callable[[], None]) -> Callable[[], int]:
    """Call `reached` at the number-th change of a file below `folder`; gives a function that says how many there were."""
    seen = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if not (is_write or event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")):
            return
        if str(folder) in str(arguments[0]):
            seen += 1
            if seen == number:
                reached()

    sys.addaudithook(hook)
    return lambda: seen


def kill_at(number: int, config: Path, folder: Path, stage: str) -> bool:
    """Whether a run up to `stage` was killed at its number-th step; it may have finished before."""
    def work() -> None:
        at_step(number, folder, lambda: os.kill(os.getpid(), signal.SIGKILL))
        until(config, stage)

    code = in_child(work)
    if code not in (0, -signal.SIGKILL):
        raise SystemExit(f"{stage}: exit code {code} after a kill")
    return code == -signal.SIGKILL


def count_steps(config: Path, folder: Path, stage: str) -> int:
    """Changes of files that an undisturbed run of one stage makes."""
    reading, writing = os.pipe()

    def work() -> None:
        steps = at_step(0, folder, lambda: None)
        until(config, stage)
        os.write(writing, str(steps()).encode())

    if in_child(work):
        raise SystemExit(f"{stage}: an undisturbed run failed")
    os.close(writing)
    with os.fdopen(reading) as stream:
        return int(stream.read())


def drill_kills(config: Path, folder: Path, stage: str, kills: int, rng: random.Random) -> tuple[int, bool]:
    """Kill a stage at `kills` of its steps, spread over all of them; how many steps it has, and same bytes at the end."""
    before = folder.with_name("before")
    shutil.copytree(folder, before, symlinks=True)
    steps = count_steps(config, folder, stage)
    expected = contents(folder)
    points = sorted({1 + round(place * (steps - 1) / max(kills - 1, 1)) for place in range(kills)})
    points += [rng.randint(1, steps) for _ in range(kills - len(points))]
    same = True
    for point in points:
        _restore(before, folder)
        if not kill_at(point, config, folder, stage):
            raise SystemExit(f"{stage}: step {point} of {steps} was not reached")
        # A second kill on the way back, wherever it falls; then to the end.
        kill_at(rng.randint(1, steps), config, folder, stage)
        if in_child(lambda: until(config, stage)):
            raise SystemExit(f"{stage}: did not finish after a kill at step {point}")
        same = same and contents(folder) == expected
    shutil.rmtree(before)
    return steps, same


def drill_flips(config: Path, folder: Path, stage: str, rng: random.Random) -> tuple[int, int, bool]:
    """Flip a byte in each file of a finished stage: how many, how many were noticed, and whether one was made again the same."""
    sound, noticed = contents(folder), 0
    names = [name for name in sound if name.startswith(f"{stage}/")]
    for name in names:
        undo = _flip(folder / name)
        noticed += in_child(lambda: _require_noticed(config, stage)) == 0
        undo()
    _flip(folder / rng.choice(names))
    mended = in_child(lambda: until(config, stage)) == 0 and contents(folder) == sound
    return len(names), noticed, mended


def _flip(path: Path) -> Callable[[], None]:
    """Change a byte, and put the old time back, as a backup would; gives a function that undoes it."""
    data, status = path.read_bytes(), path.stat()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes([data[middle] ^ 0x15]) + data[middle + 1 :] if data else b"\0")

    def undo() -> None:
        path.write_bytes(data)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return undo


def _require_noticed(config: Path, stage: str) -> None:
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.engine.stages import Run, plan
    from tinysieve.pipeline.main_job import stages_until

    loaded = load_config(config)
    assert any(status.runs for status in plan(Run(loaded, loaded.run), stages_until(loaded, stage)))


def _restore(source: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(source, folder, symlinks=True)


def import_everything() -> None:
    """What the stages import late, so that each fork starts at once; nothing of it is called here."""
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import tensorflow  # noqa: F401

    import tinysieve.pipeline.main_job  # noqa: F401
    from tinysieve.pipeline.report import markdown_cards, provenance, report_data  # noqa: F401
    from tinysieve.quantize.passes import fit_model  # noqa: F401
    from tinysieve.quantize.verdict import verify  # noqa: F401


def drill(work: Path, kills: int, last: str) -> list[StageDrill]:
    """Build the tiny run stage by stage, and disturb each."""
    from tiny_run import make_images, write_config

    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.main_job import stages_until

    make_images(work / "images")
    folder, rng, rows = work / "run", random.Random(0), []
    folder.mkdir()
    config = write_config(work / "config.yaml", work / "images", folder)
    for stage in (stage.name for stage in stages_until(load_config(config), last)):
        began = time.monotonic()
        steps, same = drill_kills(config, folder, stage, kills, rng)
        files, noticed, mended = drill_flips(config, folder, stage, rng)
        rows.append(StageDrill(stage, steps, 2 * kills, same, files, noticed, mended, time.monotonic() - began))
        print(rows[-1], flush=True)
    return rows


def page(rows: Sequence[StageDrill]) -> str:
    """The measured part of docs/reliability.md."""
    lines = ["| stage | changes of files | kills | same bytes at the end | files flipped | noticed | made again | s |",
             "|---|---|---|---|---|---|---|---|"]
    lines += [f"| {row.stage} | {row.steps} | {row.kills} | {'yes' if row.same_bytes else '**no**'} | {row.flips} "
              f"| {row.noticed} | {'yes' if row.mended else '**no**'} | {row.seconds:.0f} |" for row in rows]
    kills, flips, noticed = (sum(getattr(row, name) for row in rows) for name in ("kills", "flips", "noticed"))
    same, mended = (sum(getattr(row, name) for row in rows) for name in ("same_bytes", "mended"))
    return "\n".join([*lines, f"| all | {sum(row.steps for row in rows)} | {kills} | {same} of {len(rows)} | {flips} | {noticed} "
                      f"| {mended} of {len(rows)} | {sum(row.seconds for row in rows):.0f} |"])


def main() -> None:
    """Run the drill, and write its table between the marks of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="points a stage; each is killed once more on the way back")
    parser.add_argument("--until", default="report", help="last stage")
    parser.add_argument("--write", type=Path, help="page to write; docs/reliability.md for a whole drill")
    asked = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import_everything()
    with tempfile.TemporaryDirectory(prefix="tinysieve-drill-") as work:
        rows = drill(Path(work), asked.kills, asked.until)
    table, target = page(rows), asked.write or PAGE
    print(table)
    if asked.until == "report" or asked.write:
        text = target.read_text(encoding="utf-8")
        head, _, rest = text.partition("<!-- drill -->\n")
        tail = rest.partition("<!-- /drill -->")[2]
        target.write_text(f"{head}<!-- drill -->\n{table}\n<!-- /drill -->{tail}", encoding="utf-8")
    sys.exit(not all(row.same_bytes and row.mended and row.noticed == row.flips for row in rows))


if __name__ == "__main__":
    main()
