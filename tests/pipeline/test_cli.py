"""The command as a user meets it: help, exit codes, versions, explanations."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from tiny_run import ROOT, TinyRun, make_images, write_config
from typer.main import get_command

from tests.command_here import tinysieve
from tinysieve.pipeline import cli
from tinysieve.pipeline.commands import versions
from tinysieve.pipeline.commands.command_group import HEADINGS, OTHER, summary


def started(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    return subprocess.run([sys.executable, "-m", "tinysieve", *arguments], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"})


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Exit code of the command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["tinysieve", *arguments])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    return stop.value.code


@pytest.fixture
def copy(tiny: TinyRun, tmp_path: Path) -> list[str]:
    """Arguments that point at a copy of the finished run."""
    shutil.copytree(tiny.run, tmp_path / "run")
    return ["-c", str(tiny.config), "-o", f"run={tmp_path / 'run'}"]


def test_help(snapshot: SnapshotAssertion) -> None:
    assert started("--help").stdout == snapshot


def commands_below(group: Any) -> Iterator[Any]:
    for command in group.commands.values():
        yield command
        if hasattr(command, "commands"):
            yield from commands_below(command)


def test_every_command_has_a_heading_and_a_sentence_that_fits_the_help() -> None:
    """80 columns, two of them margin, and the widest name with the gaps around it."""
    group: Any = get_command(cli.app)
    assert {command.rich_help_panel for command in group.commands.values()} == set(HEADINGS) - {OTHER}
    room = 80 - 2 - 4 - max(map(len, group.commands))
    assert [name for name, command in group.commands.items() if len(summary(command)) > room] == []
    assert [command.name for command in commands_below(group) if len(summary(command)) < 15] == []


def test_help_loads_nothing_heavy() -> None:
    code = ("import sys; from tinysieve.pipeline.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass\n"
            "print([name for name in ('rich', 'numpy', 'yaml', 'pydantic', 'cv2', 'tensorflow') if name in sys.modules])")
    seen = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.splitlines()[-1] == "[]"


def test_the_version_is_that_of_the_installed_package() -> None:
    assert started("--version").stdout == f"tinysieve {version('tinysieve')}\n"


@pytest.mark.parametrize(("words", "traced"), [
    (["--debug", "log"], True), (["log", "--debug"], True), (["review", "--debug"], True), (["review", "queue", "--debug"], True),
    (["log"], False), (["log", "-o", "--debug"], False),
])
def test_debug_is_an_option_before_and_after_the_command(
    words: list[str], traced: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is the value of another option it means nothing."""
    assert ended(monkeypatch, *words, "-c", str(tmp_path / "none.yaml")) == 2
    assert ("Traceback" in capsys.readouterr().err) == traced


def test_wrong_input_is_a_sentence_and_exit_code_2(tmp_path: Path) -> None:
    failed = started("filter", "-c", str(tmp_path / "none.yaml"))
    assert failed.returncode == 2
    assert failed.stderr.startswith("error: no configuration at")
    assert "Traceback" not in failed.stderr
    assert "Traceback" in tinysieve("filter", "-c", str(tmp_path / "none.yaml"), "--debug").stderr


@pytest.mark.parametrize(("run", "code", "words"), [
    ("/proc/x", 3, "error: No such file or directory: /proc/x\n  fix:   correct the path"),
    ("{0}", 2, "a file with that name exists\n  where: {0}"),
    ("{0}/x", 2, "a file with that name exists\n  where: {0}/x"),
])
def test_an_impossible_run_folder_is_a_sentence(
    run: str, code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, file = write_config(tmp_path / "c.yaml", tmp_path / "images", tmp_path / "run"), tmp_path / "a file"
    file.touch()
    assert ended(monkeypatch, "ingest", "-c", str(config), "-o", f"run={run.format(file)}") == code
    said = capsys.readouterr().err
    assert words.format(file) in said
    assert "Traceback" not in said


@pytest.mark.parametrize(("error", "code", "words"), [
    (OSError(errno.ENOSPC, "No space left", "a/b.npy"), 3, "error: No space left: a/b.npy\n  fix:   free disk space"),
    (OSError(errno.EFBIG, "File too large"), 3, "error: File too large\n  fix:   raise the limit"),
    (OSError("no number"), 3, "error: no number\n  fix:   run 'tinysieve doctor'"),
    (MemoryError("Unable to allocate 5 GiB"), 3, "error: not enough memory: Unable to allocate 5 GiB"),
    (ZeroDivisionError("of ours"), 4, "ZeroDivisionError: of ours\nerror: internal error in tinysieve"),
    (EOFError("of ours"), 4, "EOFError: of ours\nerror: internal error in tinysieve"),
    (KeyboardInterrupt(), 130, "interrupted; run the same command to resume\n"),
    (BrokenPipeError(errno.EPIPE, "Broken pipe"), 141, ""),
])
def test_exit_code_1_is_left_to_the_gates(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*given: object) -> None:
        raise error

    monkeypatch.setattr(versions, "open_run", fail)
    streams = sys.stdout, sys.stderr
    assert ended(monkeypatch, "log") == code
    # Typer wraps both for good where a reader has gone.
    sys.stdout, sys.stderr = streams
    said = capsys.readouterr().err
    assert words in said
    assert ("Traceback" in said) == (code == cli.InternalError.exit_code)


def test_ctrl_c_says_that_nothing_is_lost(tmp_path: Path) -> None:
    make_images(tmp_path / "images")
    config = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    # Whoever starts the tests in the background has them ignore the signal, and so would the command.
    code = ("import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
            "from tinysieve.pipeline.cli import main; main()")
    command = [sys.executable, "-c", code, "report", "-c", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert any("run  ingest: decodes" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 130
    assert said.endswith("interrupted; run the same command to resume\n")


def test_missing_weights_are_exit_code_3(copy: list[str], tmp_path: Path) -> None:
    failed = tinysieve("filter", *copy, "-o", "filter.detector={kind: ultralytics, weights: nowhere.pt}")
    assert failed.returncode == 3, failed.stderr
    for words in ("nowhere.pt", "https://github.com/ultralytics", "boxes"):
        assert words in failed.stderr


def test_a_missed_budget_is_exit_code_1(copy: list[str]) -> None:
    verdict = tinysieve("verify", *copy, "-o", "verify.flash=10kB")
    assert verdict.returncode == 1, verdict.stderr
    assert "flash" in verdict.stderr
    assert "Tflite model test accuracy: " in verdict.stdout


def test_finished_runs_have_nothing_to_do(copy: list[str]) -> None:
    statuses = json.loads(tinysieve("status", *copy, "--json").stdout)
    assert [one["stage"] for one in statuses if one["runs"]] == []


def test_touching_a_photo_ingests_again_and_changes_nothing_else(copy: list[str], tiny: TinyRun) -> None:
    before = json.loads(tinysieve("log", *copy, "--json").stdout)
    photo = next(tiny.images.glob("train/person/*"))
    as_it_was = photo.stat()
    photo.touch()
    told = tinysieve("train", *copy).stderr
    os.utime(photo, ns=(as_it_was.st_atime_ns, as_it_was.st_mtime_ns))
    assert "run  ingest: decodes photos, reads their labels (outside.source changed" in told
    assert "skip train-mended: up to date" in told
    assert json.loads(tinysieve("log", *copy, "--json").stdout) == before


def test_explain_names_the_setting(copy: list[str]) -> None:
    told = tinysieve("report", *copy, "-o", "policy.drop_confidence=0.95", "--dry-run", "--explain").stdout
    assert "would run  policy: settings.drop_confidence changed from 2.0 to 0.95" in told
    assert "up to date  detect" in told
    assert "would run  train-mended: policy would run first" in told


def test_versions_log_undo_checkout_diff(copy: list[str]) -> None:
    log = json.loads(tinysieve("log", *copy, "--json").stdout)
    newest, first = log[0], log[-1]
    assert newest["current"]
    assert first["parent"] is None
    changes = json.loads(tinysieve("diff", "0", "HEAD", *copy, "--json").stdout)
    assert len(changes) == newest["changes"] > 0
    assert tinysieve("undo", *copy).stdout == f"current version: {first['id']}\n"
    assert "outside.version changed" in tinysieve("train", *copy, "--dry-run", "--explain").stdout
    assert tinysieve("checkout", newest["id"][:8], *copy).stdout == f"current version: {newest['id']}\n"
    assert tinysieve("checkout", "zzz", *copy).returncode == 2


def test_a_persons_decision_comes_back_as_a_version(copy: list[str], tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    table = pq.read_table(tmp_path / "run/ingest/samples.parquet").to_pylist()
    train = next(row for row in table if row["split"] == "train" and row["label"] == "person")
    test = next(row for row in table if row["split"] == "test")
    file = tmp_path / "decisions.csv"
    tinysieve("checkout", "0", *copy)
    file.write_text(f"sample_id,decision\n{train['sample_id']},background\n")
    assert "(1 change)" in tinysieve("review", "import", str(file), *copy, "--reviewer", "ann").stdout
    assert json.loads(tinysieve("log", *copy, "--json").stdout)[0]["note"] == "reviewed by ann"
    opposite = "person" if test["label"] == "background" else "background"
    file.write_text(f"sample_id,decision\n{test['sample_id']},{opposite}\n")
    refused = tinysieve("review", "import", str(file), *copy)
    assert refused.returncode == 2
    assert "frozen" in refused.stderr


def test_config_show_fills_in_defaults(copy: list[str]) -> None:
    shown = tinysieve("config", "show", *copy).stdout
    assert "flash: 1048576" in shown
    assert "flip_votes: 2" in shown


def test_links_and_names_that_lead_nowhere_do_not_stop_the_ingest(tmp_path: Path) -> None:
    make_images(tmp_path / "images")
    (tmp_path / "images/train/person/nowhere.jpg").symlink_to("gone.jpg")
    config = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    done = tinysieve("ingest", "-c", str(config))
    assert done.returncode == 0, done.stderr
    assert "1 quarantined: see ingest/quarantine.csv" in done.stdout
    assert "train/person/nowhere.jpg" in (tmp_path / "run/ingest/quarantine.csv").read_text()
    again = tinysieve("ingest", "-c", str(config))
    assert "skip ingest" in again.stderr


def test_the_next_command_names_the_configuration(copy: list[str], tiny: TinyRun) -> None:
    said = tinysieve("review", "queue", *copy).stdout
    assert f"tinysieve review serve -c {tiny.config}" in said
    assert f"tinysieve review import FILE -c {tiny.config}" in said
    assert "--queue" not in said


def test_a_shortened_queue_is_the_one_that_the_next_command_shows(copy: list[str], tiny: TinyRun) -> None:
    said = tinysieve("review", "queue", "--looks", "1", *copy).stdout
    file = re.search(r"review queue: (.*)", said)
    assert file is not None
    assert len(Path(file[1]).read_text().splitlines()) <= 2
    assert f"tinysieve review serve -c {tiny.config} --queue {file[1]}\n" in said


def test_a_report_ends_with_the_verdict(copy: list[str]) -> None:
    said = tinysieve("report", *copy).stdout
    assert "Tflite model test accuracy: " in said
    assert "e+0" not in said
    assert said.splitlines()[-1].endswith("report.html")


@pytest.mark.parametrize("verb", ["run", "report"])
def test_the_verdict_is_there_for_programs(verb: str, copy: list[str], tmp_path: Path) -> None:
    said = tinysieve(verb, *copy, "--json").stdout
    assert json.loads(said) == json.loads((tmp_path / "run/verify/verify.json").read_text())
    assert said.endswith("}\n")


def test_a_deleted_queue_comes_back(copy: list[str], tmp_path: Path) -> None:
    queue = tmp_path / "run/policy/review_queue.csv"
    as_it_was = queue.read_bytes()
    queue.unlink()
    statuses = json.loads(tinysieve("status", *copy, "--json").stdout)
    assert next(one["reasons"] for one in statuses if one["runs"]) == ["review_queue.csv is missing"]
    said = tinysieve("review", "queue", *copy).stderr
    assert "run  policy: decides which labels to change (review_queue.csv is missing)" in said
    assert queue.read_bytes() == as_it_was
