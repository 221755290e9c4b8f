"""Decisions as they are made: a file that is only ever appended to, and on disk before the page hears of it."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from filelock import FileLock, Timeout

from tinysieve.filtering.decisions.answers import UNDO_WORD
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.csv_text import csv_lines
from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import csv_text

COLUMNS = ("sample_id", "decision", "reviewer", "at")
UNDO = UNDO_WORD
DECISION_LOG = Path("review") / "decisions.csv"
_HEADER = ",".join(COLUMNS) + "\n"


def utc_now() -> str:
    """The time to the second, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class DecisionLog:
    """An open file of decisions by one reviewer among others; `opened` makes one.

    Args:
        file: descriptor, opened for appending.
        reviewer: whose decisions are written.
        standing: what this reviewer has decided and not taken back, sample_id -> word, in the order of deciding.
        now: gives the time of a decision.
    """

    file: int
    reviewer: str
    standing: dict[str, str]
    now: Callable[[], str] = utc_now
    _lock: Lock = field(default_factory=Lock)

    def write(self, sample_id: str, word: str) -> None:
        """Append a decision or "undo"; returns when it is on disk. Another word for the same sample takes back the first."""
        with self._lock:
            before = self.standing.get(sample_id)
            if before == word or (word == UNDO and before is None):
                return
            words = [UNDO] * (before is not None) + [word] * (word != UNDO)
            self._append([(sample_id, word, self.reviewer, self.now()) for word in words])
            self.standing.pop(sample_id, None)
            if word != UNDO:
                self.standing[sample_id] = word

    def _append(self, lines: list[tuple[str, ...]]) -> None:
        left = csv_lines(lines).encode("utf-8")
        while left:
            left = left[os.write(self.file, left) :]
        os.fsync(self.file)


@contextmanager
def opened(path: Path, reviewer: str, now: Callable[[], str] = utc_now) -> Iterator[DecisionLog]:
    """Open or begin a decision_log and hold it; half a line that a lost machine left behind is cut off.

    Raises:
        InputError: another process holds it, it is no such file, or the reviewer's name cannot stand in a line.
    """
    if not reviewer.strip() or not reviewer.isprintable():
        raise InputError(f"reviewer {reviewer!r} is no name", fix="give a name on one line")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_name(path.name + ".lock"), timeout=0):
            standing = _begin(path, reviewer)
            file = os.open(path, os.O_WRONLY | os.O_APPEND)
            try:
                yield DecisionLog(file, reviewer, standing, now)
            finally:
                os.close(file)
    except Timeout as error:
        raise InputError("another review is open on these decisions", where=str(path), fix="close it first") from error


def _begin(path: Path, reviewer: str) -> dict[str, str]:
    if not path.exists():
        write_text(path, _HEADER)
    data = path.read_bytes()
    if not data.startswith(_HEADER.encode()):
        raise InputError("not a file of decisions", where=f"{path}:1", fix=f"its first line is {_HEADER.strip()}; move it away")
    # Bytes, since half a line may end inside of a letter.
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(path, len(whole))
    standing: dict[str, str] = {}
    for sample_id, word, who, _ in _lines(path, whole[len(_HEADER) :]):
        if who == reviewer:
            standing.pop(sample_id, None)
            if word != UNDO:
                standing[sample_id] = word
    return standing


def _lines(path: Path, data: bytes) -> Iterator[tuple[str, str, str, str]]:
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8"), newline=""))
        for sample_id, word, who, at in reader:
            yield csv_text(sample_id), csv_text(word), csv_text(who), at
    # A cell too many or too few, bytes of another encoding, or what the csv module refuses.
    except (ValueError, csv.Error) as error:
        raise InputError(f"a line of decisions cannot be read: {error}", where=str(path),
                         why="decisions behind it would be lost", fix="mend the line, or move the file away") from error
