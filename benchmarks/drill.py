"""Faults on purpose, with counts: kills inside every stage, a flipped byte in every file of a run, and mutated inputs.

Each stage of a small run, and the import of a review, is killed at points spread over all changes of files that it makes; from
each the run must end in the bytes of a run that nobody disturbed (see tests/pipeline/kill_drill.py). Every file of the finished
stage is then flipped in its middle, with its old time put back: it must be noticed, and, for one file a stage, made again the
same. Then come the scripts that mutate photos, models, tables and configurations.

    python benchmarks/drill.py                            # 10 points a stage; writes the tables of docs/reliability.md
    python benchmarks/drill.py --skip fuzz --stage verify --stage report   # these; other rows are an earlier drill's
    python benchmarks/drill.py --skip fuzz --stage verify --finished RUN CONFIG   # on a copy of a run that is there
    python benchmarks/drill.py --skip fuzz --stage policy --points 2 --print-only
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests/pipeline"), str(ROOT / "src")]
PAGE, RESULT = ROOT / "docs/reliability.md", ROOT / "benchmarks/results/drill.json"
REVIEW = "review import"
# Two processes work at once; threads of libraries would only wait for each other.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
FUZZERS = (("mutated_photos.py", "10000"), ("mutated_models.py", "2000"), ("mutated_tables.py", "5000"))

from kill_drill import Drill, Kills, contents, in_child, until, without  # noqa: E402


@dataclass(frozen=True)
class StageDrill:
    """What came of the faults in one stage."""

    kills: Kills
    flips: int
    noticed: int
    made_again: bool

    @property
    def is_sound(self) -> bool:
        """Nothing was lost and nothing let in."""
        return self.kills.same_bytes and self.noticed == self.flips and self.made_again


def drill_flips(config: Path, run: Path, stage: str, work: Path, rng: random.Random) -> tuple[int, int, bool]:
    """Flip a byte in each file of a finished stage: how many, how many were noticed, and whether one was made again the same."""
    sound, counted = contents(run), work / "noticed"
    names = [name for name in sound if name.startswith(f"{stage}/")]

    def flip_each() -> None:
        from tinysieve.pipeline.config.read import load_config
        from tinysieve.pipeline.engine.stages import Run, plan
        from tinysieve.pipeline.main_job import stages_until

        loaded, noticed = load_config(config, (f"run={run}",)), 0
        for name in names:
            undo = _flip(run / name)
            noticed += any(status.runs for status in plan(Run(loaded, run), stages_until(loaded, stage)))
            undo()
        counted.write_text(str(noticed))

    Drill.require(in_child(flip_each, work / "log"), f"{stage}: flips", work / "log")
    _flip(run / rng.choice(names))
    made_again = in_child(lambda: until(config, run, stage), work / "log") == 0 and contents(run) == sound
    return len(names), int(counted.read_text()), made_again


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


def import_everything(whole_network: bool) -> None:
    """What the stages import late, so that each fork starts at once; nothing of it is called here.

    The network is cut to five blocks, unless a run with all of them is there: the drill is about files, and each of some
    thirty trainings would take a minute.
    """
    import keras  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import tensorflow  # noqa: F401

    import tinysieve.pipeline.main_job
    import tinysieve.pipeline.review.queue  # noqa: F401
    from tinysieve.pipeline.report import markdown_cards, provenance, report_stage  # noqa: F401
    from tinysieve.quantize.passes import fit_model  # noqa: F401
    from tinysieve.quantize.verdict import verify  # noqa: F401
    from tinysieve.training import mcunet, mcunet_table

    if whole_network:
        return
    # Those that halve the image, so that it ends as small as the whole network's.
    mcunet.BLOCKS = (*(mcunet_table.BLOCKS[place] for place in (0, 1, 5, 9)),
                     replace(mcunet_table.BLOCKS[17], in_channels=mcunet_table.BLOCKS[9].out_channels))


def drill(work: Path, points: int, wanted: Sequence[str]) -> Iterator[StageDrill]:
    """Build the tiny run stage by stage, and disturb those that are wanted; behind the policy also the import of decisions.

    Nothing wanted is everything.
    """
    from tiny_run import make_images, write_config

    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.main_job import stages_until

    make_images(work / "images")
    # Five blocks cannot start from the weights of all of them.
    config = write_config(work / "config.yaml", work / "images", work / "run", recipe="seed")
    before, rng = work / "empty", random.Random(0)
    before.mkdir()
    names = [stage.name for stage in stages_until(load_config(config), "report")]
    if unknown := set(wanted) - {*names, REVIEW}:
        raise SystemExit(f"no stage {', '.join(sorted(unknown))}; there are {', '.join([*names, REVIEW])}")
    last = max((names.index("policy" if name == REVIEW else name) for name in wanted), default=len(names) - 1)
    for stage in names[: last + 1]:
        place = work / stage.replace("/", "-")
        place.mkdir()
        if wanted and stage not in wanted:
            after = place / "after"
            Drill(place, partial(until, config)).count(before, stage, after)
        else:
            kills, after = Drill(place, partial(until, config)).stage(before, stage, points, rng)
            yield StageDrill(kills, *drill_flips(config, after, stage, place, rng))
        if stage == "policy" and (not wanted or REVIEW in wanted):
            yield drill_review(config, after, work, points, rng)
        shutil.rmtree(before)
        before = after


def drill_finished(finished: Path, config: Path, work: Path, points: int, wanted: Sequence[str]) -> Iterator[StageDrill]:
    """Disturb stages of a run that is there; each begins from a copy without it and what comes behind it."""
    rng = random.Random(0)
    for stage in wanted:
        place = work / stage.replace("/", "-")
        place.mkdir()
        before = without(finished, stage, config, place / "before")
        kills, after = Drill(place, partial(until, config)).stage(before, stage, points, rng)
        yield StageDrill(kills, *drill_flips(config, after, stage, place, rng))


def drill_review(config: Path, run: Path, work: Path, points: int, rng: random.Random) -> StageDrill:
    """Kill the import of a person's decisions; an import that has been made is not made twice."""
    from tinysieve.pipeline.config.read import load_config
    from tinysieve.pipeline.engine.stages import Run
    from tinysieve.pipeline.review.queue import import_answers, read_file
    from tinysieve.pipeline.stages.ingest import samples_of

    (work / "review").mkdir()
    answers, loaded = work / "answers.csv", load_config(config)
    samples = samples_of(Run(loaded, run))
    rows = [row for row in samples.table.select(["sample_id", "split"]).to_pylist() if row["split"] == "train"][:8]
    lines = [f"{row['sample_id']},{('person', 'background', 'drop')[place % 3]},ann,2026-01-01T00:00:00+00:00"
             for place, row in enumerate(rows)]
    answers.write_text("\n".join(["sample_id,decision,reviewer,at", *lines]) + "\n", encoding="utf-8")

    def job(folder: Path, stage: str) -> None:
        current = Run(load_config(config, (f"run={folder}",)), folder)
        import_answers(current, read_file(current, answers, "ann"), False)

    kills, _ = Drill(work / "review", job).stage(run, REVIEW, points, rng)
    return StageDrill(kills, 0, 0, True)


def recorded() -> dict[str, StageDrill]:
    """Rows of an earlier drill, by stage."""
    rows = [StageDrill(Kills(**row.pop("kills")), **row) for row in json.loads(RESULT.read_text(encoding="utf-8"))]
    return {row.kills.stage: row for row in rows}


def page(rows: Sequence[StageDrill]) -> str:
    """The measured part of docs/reliability.md."""
    lines = ["| stage | changes of files | copies at a kill | of them different | kills on the way back | same bytes at the end "
             "| files flipped | noticed | made again | s |", "|---|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        kills = row.kills
        cells = (kills.stage, kills.steps, kills.copies, kills.distinct, kills.killed, "yes" if kills.same_bytes else "**no**",
                 row.flips, row.noticed, "yes" if row.made_again else "**no**", f"{kills.seconds:.0f}")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    counts = [sum(getattr(row.kills, name) for row in rows) for name in ("steps", "copies", "distinct", "killed", "same_bytes")]
    steps, copies, distinct, killed, same = counts
    last = ("all", steps, copies, distinct, killed, f"{same} of {len(rows)}", sum(row.flips for row in rows),
            sum(row.noticed for row in rows), f"{sum(row.made_again for row in rows)} of {len(rows)}",
            f"{sum(row.kills.seconds for row in rows):.0f}")
    return "\n".join([*lines, f"| {' | '.join(map(str, last))} |"])


def fuzz() -> tuple[str, bool]:
    """Run the scripts that mutate inputs: their last lines as a table, and whether all ended well."""
    lines, sound = ["| input | files | outcomes | crashes | s |", "|---|---|---|---|---|"], True
    for script, count in FUZZERS:
        began = time.monotonic()
        done = subprocess.run([sys.executable, ROOT / "benchmarks" / script, count], capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr[-2000:], flush=True)
        sound = sound and done.returncode == 0
        lines += [f"| {line.removeprefix('row: ')} | {time.monotonic() - began:.0f} |" for line in done.stdout.splitlines()
                  if line.startswith("row: ")]
    return "\n".join(lines), sound


def write_between(name: str, table: str) -> None:
    """Put a table between its marks on the page."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(f"<!-- {name} -->\n")
    tail = rest.partition(f"<!-- /{name} -->")[2]
    PAGE.write_text(f"{head}<!-- {name} -->\n{table}\n<!-- /{name} -->{tail}", encoding="utf-8")


def main() -> None:
    """Run the drill, and write its tables between the marks of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=10, help="copies a stage; every other is killed once more on the way back")
    parser.add_argument("--finished", type=Path, nargs=2, metavar=("RUN", "CONFIG"), help="drill on copies of this run")
    parser.add_argument("--print-only", action="store_true", help="leave the page and the recorded rows as they are")
    parser.add_argument("--stage", action="append", default=[], help=f"drill this one, or {REVIEW!r}; rows of others are kept")
    parser.add_argument("--skip", choices=("kills", "fuzz"), help="leave that half out")
    asked = parser.parse_args()
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"), TF_CPP_MIN_LOG_LEVEL="3")
    sound = True
    if asked.skip != "kills":
        import_everything(whole_network=asked.finished is not None)
        rows = recorded() if asked.stage else {}
        with tempfile.TemporaryDirectory(prefix="tinysieve-drill-") as work:
            done = (drill(Path(work), asked.points, asked.stage) if asked.finished is None
                    else drill_finished(*asked.finished, Path(work), asked.points, asked.stage))
            for row in done:
                rows[row.kills.stage] = row
                print(row, flush=True)
                if not asked.print_only:
                    RESULT.write_text(json.dumps([asdict(row) for row in rows.values()], indent=1) + "\n", encoding="utf-8")
        table, sound = page(list(rows.values())), all(row.is_sound for row in rows.values())
        print(table)
        if not asked.print_only:
            write_between("drill", table)
    if asked.skip != "fuzz":
        table, fuzzed = fuzz()
        write_between("fuzz", table)
        sound = sound and fuzzed
    sys.exit(not sound)


if __name__ == "__main__":
    main()
