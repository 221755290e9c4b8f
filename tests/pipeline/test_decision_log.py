"""Decisions on disk: appended only, whole after any kill, one writer at a time."""

from __future__ import annotations

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from tiny_run import ROOT

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.review.decision_log import opened

HEADER = "sample_id,decision,reviewer,at\n"


def test_another_word_takes_back_the_first_and_nothing_is_ever_rewritten(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    seen = []
    with opened(file, "ann", lambda: "noon") as decision_log:
        for sample, word in (("a", "person"), ("b", "skip"), ("a", "drop"), ("a", "drop"), ("b", "undo"), ("c", "undo")):
            decision_log.write(sample, word)
            seen.append(file.read_text())
        assert decision_log.standing == {"a": "drop"}
    assert all(later.startswith(earlier) for earlier, later in pairwise(seen))
    assert seen[-1] == HEADER + "".join(f"{line},ann,noon\n" for line in ("a,person", "b,skip", "a,undo", "a,drop", "b,undo"))


def test_a_later_session_goes_on_and_minds_only_its_own_reviewer(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    with opened(file, "ann") as decision_log:
        decision_log.write("a", "person")
    with opened(file, 'Ben "B", jr') as decision_log:
        assert decision_log.standing == {}
        decision_log.write("a", "drop")
    with opened(file, 'Ben "B", jr') as decision_log:
        assert decision_log.standing == {"a": "drop"}
    with opened(file, "ann") as decision_log:
        assert decision_log.standing == {"a": "person"}


def test_half_a_line_is_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text(HEADER + "a,person,ann,noon\nb,per")
    with opened(file, "ann") as decision_log:
        assert decision_log.standing == {"a": "person"}
    assert file.read_text() == HEADER + "a,person,ann,noon\n"


@pytest.mark.parametrize("reviewer", ["", "  ", "two\nlines"])
def test_a_name_that_breaks_lines_is_refused(tmp_path: Path, reviewer: str) -> None:
    with pytest.raises(InputError, match="no name"), opened(tmp_path / "d.csv", reviewer):
        pass


def test_another_file_is_not_appended_to(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    file.write_text("something else\n")
    with pytest.raises(InputError, match="not a file of decisions"), opened(file, "ann"):
        pass
    assert file.read_text() == "something else\n"


def test_two_reviews_do_not_share_it(tmp_path: Path) -> None:
    with opened(tmp_path / "d.csv", "ann"):
        with pytest.raises(InputError, match="another review"), opened(tmp_path / "d.csv", "ben"):
            pass


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    file = tmp_path / "d.csv"
    code = ("import sys; from pathlib import Path; from tinysieve.pipeline.review.decision_log import opened\n"
            "with opened(Path(sys.argv[1]), 'ann') as decision_log:\n"
            "    for number in range(1_000_000):\n"
            "        decision_log.write(str(number), 'person'); print(number, flush=True)\n")
    writer = subprocess.Popen([sys.executable, "-c", code, str(file)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as told:
        acknowledged = [told.readline() for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += told.readlines()
    assert writer.wait() == -signal.SIGKILL
    whole = [line for line in acknowledged if line.endswith("\n")]
    with opened(file, "ann") as decision_log:
        assert list(decision_log.standing)[: len(whole)] == [line.strip() for line in whole]
