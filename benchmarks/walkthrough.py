"""Goes docs/walkthrough.md as it is written, in a scratch clone, and compares what is printed with what the page says.

Then the commands of docs/coming-from.md on the run that the walkthrough has made: each must end well. DataPerf's run in folders
of the shared data. Those that need what is not here (an App, a network, hours) are left to tests/pipeline/test_docs.py, which
knows every option.

    python benchmarks/walkthrough.py [FOLDER]

The clone of this repository's working tree is made in FOLDER (a temporary one without); some ten minutes on two cores. Every
`sh` block and every line after `$` is run; `...` stands for anything, a run of spaces or table lines for one space. The person
is played by this file: the keys that the page names decide the review. Skipped where the shared data are absent.
"""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from walkthrough_dataperf import lay_out, placed

ROOT = Path(__file__).parent.parent
PAGE, MAPPING = Path("docs/walkthrough.md"), Path("docs/coming-from.md")
# What stands for something in the mapping's commands, and what it is here.
MEANT = {" C": " -c runs/coco256.yaml", "NAME.yaml": "coco256.yaml", "RUN/": "runs/coco256/", "--csv FILE": "--csv issues.csv"}
NOT_HERE = ("explore", "review", "experiment", "dataperf download", "train", "ingest", "data-parameters --images")
WORDS = {"p": "person", "b": "background", "d": "drop", "s": "skip"}
QUEUE, DECISIONS = Path("runs/coco256/policy/review_queue.csv"), Path("decisions.csv")


@dataclass(frozen=True)
class Step:
    """Something to run, or to save, and what it should print."""

    command: str
    expected: tuple[str, ...] = ()
    file: str = ""


def steps(page: str) -> list[Step]:
    """What the page's blocks ask for, in order; a block without `$` is the output of the `sh` block before it."""
    found: list[Step] = []
    for language, body in re.findall(r"\n```(\w*)\n(.*?)\n```", page, re.DOTALL):
        lines = tuple(body.split("\n"))
        if language == "yaml":
            found.append(Step(body + "\n", file=re.findall(r"`(runs/[^`]+)`", page[:page.index(body)])[-1]))
        elif language == "sh":
            found.append(Step(body))
        elif lines[0].startswith("$ "):
            found += _session(lines)
        else:
            found[-1] = Step(found[-1].command, lines)
    return found


def _session(lines: tuple[str, ...]) -> Iterator[Step]:
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        yield Step(lines[start][2:], tuple(line for line in lines[start + 1:end] if line))


def plain(line: str) -> str:
    """Without the lines of a table and runs of spaces.

    >>> plain("│ none -> person         │ 39 │")
    'none -> person 39'
    """
    return " ".join(re.sub(r"[─-╿]", " ", line).split())


def missing(expected: tuple[str, ...], printed: list[str]) -> Iterator[str]:
    """Lines of the page that were not printed, in order."""
    place, printed = 0, [plain(line) for line in printed]
    for line in expected:
        if line.strip() == "...":
            continue
        pattern = re.compile(r".*".join(re.escape(part.strip()) for part in plain(line).split("...")))
        rest = [number for number, one in enumerate(printed[place:], place) if pattern.fullmatch(one)]
        if rest:
            place = rest[0] + 1
        else:
            yield line


def decide(folder: Path, page: str) -> None:
    """What the browser would hand out after the keys that the page names."""
    named = re.search(r"Here they were `([pbds ]+)`", page)
    assert named is not None
    with (folder / QUEUE).open(newline="") as file:
        asked = [row["sample_id"] for row in csv.DictReader(file)]
    with (folder / DECISIONS).open("w", newline="") as file:
        csv.writer(file).writerows([("sample_id", "decision"),
                                    *((one, WORDS[key]) for one, key in zip(asked, named[1].split(), strict=True))])


def mapped(page: str) -> list[str]:
    """The commands on the right of the mapping's tables.

    >>> mapped("| `there` | `tinysieve log`, then `tinysieve undo C` |")
    ['tinysieve log', 'tinysieve undo C']
    """
    rights = (line.split(" | ", 1)[1] for line in page.splitlines() if line.startswith("| ") and " | " in line)
    return [command for right in rights for command in re.findall(r"`(tinysieve [a-z][^`]*)`", right)]


def go_mapping(folder: Path, originals: Path) -> int:
    """Run the commands of the mapping, those of DataPerf in the folders of `walkthrough_dataperf.lay_out`; how many failed."""
    settings, wrong = settings_in(folder), 0
    for written in mapped((folder / MAPPING).read_text(encoding="utf-8")):
        command = written
        for word, meaning in MEANT.items():
            command = re.sub(re.escape(word) + r"(?![a-z])" * (word == " C"), meaning, command)
        asked = written.removeprefix("tinysieve ")
        if " " not in asked or asked.startswith(NOT_HERE):
            continue
        command, where = placed(command, originals) if asked.startswith("dataperf") else (command, folder)
        print(f"$ {command}", flush=True)
        done = subprocess.run(["bash", "-c", command], cwd=where, env=settings, capture_output=True, text=True)
        if done.returncode:
            wrong += 1
            print(f"  exit code {done.returncode}: {done.stderr[-600:]}")
    return wrong


def settings_in(folder: Path) -> dict[str, str]:
    """The environment in which a clone's own commands run."""
    return os.environ | {"PYTHONPATH": str(folder / "src"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def go(folder: Path) -> int:
    """Go the whole way in a folder that holds a clone; the number of lines that the page has wrong."""
    page, wrong = (folder / PAGE).read_text(encoding="utf-8"), 0
    settings = settings_in(folder)
    for step in steps(page):
        if step.file:
            (folder / step.file).write_text(step.command)
            continue
        if "review import decisions.csv" in step.command:
            decide(folder, page)
        print(f"$ {step.command.splitlines()[-1]}", flush=True)
        done = subprocess.run(["bash", "-c", step.command], cwd=folder, env=settings, capture_output=True, text=True)
        lines = done.stdout.splitlines() + (done.stderr.splitlines() if done.returncode else [])
        absent = list(missing(step.expected, lines))
        wrong += len(absent)
        for told, which in (("not printed", absent), ("but this", lines if absent else [])):
            print("".join(f"  {told}: {line}\n" for line in which), end="")
        if done.returncode and not any(line.startswith("error: ") or line.endswith("MISSED") for line in step.expected):
            wrong += 1
            print(f"  exit code {done.returncode}: {done.stderr[-600:]}")
    return wrong


def main(arguments: list[str]) -> int:
    """Make the clone, go, say how it went; 1 where the page is wrong."""
    shared = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared")).resolve()
    if not shared.is_dir():
        print("skipped: the shared data are not here")
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(arguments[0] if arguments else temporary).resolve()
        clone = base / "clone"
        listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True)
        paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
        names = [str(path.relative_to(ROOT)) for path in paths if path.is_file() or path.is_symlink()]
        clone.mkdir(parents=True)
        subprocess.run(["cp", "-P", "--parents", "-t", str(clone), *names], cwd=ROOT, check=True)
        if not (base / "shared").exists():
            (base / "shared").symlink_to(shared)
        wrong = go(clone)
        lay_out(shared, base / "dataperf")
        failed = go_mapping(clone, base / "dataperf")
    print(f"{PAGE}: lines that are not as printed: {wrong}" if wrong else f"{PAGE} works as written")
    print(f"{MAPPING}: commands that fail: {failed}" if failed else f"{MAPPING}: every command works")
    return int(wrong + failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
