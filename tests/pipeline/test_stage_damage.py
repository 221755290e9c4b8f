"""Outputs that were changed, folders that are not ours, libraries that moved on: noticed, named, and nothing of it lost."""

from __future__ import annotations

import json
import os
from importlib import metadata
from pathlib import Path

import pytest
from test_stages import make_run, statuses_of

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine import records, stage_folders
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.stages import Run, Stage, plan

BIG = "big.bin"


def stage(name: str = "a", **more: object) -> Stage:
    def work(run: Run, folder: Path) -> str:
        (folder / "deep").mkdir(exist_ok=True)
        for file in ("model.tflite", "x.json", BIG, "deep/y.csv"):
            (folder / file).write_bytes(file.encode() * 50)
        (run.folder / "frozen.bin").write_bytes(b"frozen")
        return ""

    return Stage(name, 1, (), lambda config: {"seed": config.seed}, work, elsewhere=lambda run: (run.folder / "frozen.bin",),
                 **more)  # type: ignore[arg-type]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            and ".damaged" not in str(path) and not path.name.endswith((".lock", ".log.jsonl"))}


def damage(path: Path, how: str) -> None:
    data = path.read_bytes()
    path.write_bytes({"flip": data[:-1] + bytes([data[-1] ^ 1]), "cut": data[:-1], "longer": data + b"\0", "empty": b""}[how])


@pytest.mark.parametrize("how", ["flip", "cut", "longer", "empty"])
def test_any_file_changed_in_any_way_is_named_kept_aside_and_made_again(how: str, tmp_path: Path) -> None:
    statuses_of(make_run(tmp_path), stage())
    before = contents(tmp_path)
    for name in before:
        times = os.stat(tmp_path / name)
        damage(tmp_path / name, how)
        # As `rsync -t` and a backup do.
        os.utime(tmp_path / name, ns=(times.st_atime_ns, times.st_mtime_ns))
        changed = (tmp_path / name).read_bytes()
        reason = plan(make_run(tmp_path), (stage(),))[0].reasons[0]
        assert reason == "its record is unreadable" if name == "a/stage.json" else reason.startswith(name.removeprefix("a/"))
        said = statuses_of(make_run(tmp_path), stage())[0].reasons[0]
        assert "; kept as " in said
        assert contents(tmp_path) == before
        assert changed in [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and ".damaged-" in str(path)]
    assert not plan(make_run(tmp_path), (stage(),))[0].runs


def test_large_files_are_taken_by_size_and_time_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "ALWAYS_READ_BYTES", 10)
    statuses_of(make_run(tmp_path), stage())
    for name, noticed in ((BIG, False), ("model.tflite", True)):
        file = tmp_path / "a" / name
        times, data = os.stat(file), file.read_bytes()
        damage(file, "flip")
        assert plan(make_run(tmp_path), (stage(),))[0].runs
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert plan(make_run(tmp_path), (stage(),))[0].runs is noticed
        assert plan(make_run(tmp_path), (stage(),), every_byte=True)[0].runs
        file.write_bytes(data)


def test_a_copied_run_is_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other times, same bytes: read once, then taken by time again."""
    monkeypatch.setattr(records, "ALWAYS_READ_BYTES", 10)
    statuses_of(make_run(tmp_path), stage())
    os.utime(tmp_path / "a" / BIG, ns=(1, 1))
    assert not statuses_of(make_run(tmp_path), stage())[0].runs
    assert json.loads((tmp_path / "a" / records.TIMES).read_text())[BIG] == 1


def test_whoever_opens_a_changed_file_is_stopped(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    statuses_of(run, stage())
    artifact = Artifact("a", "x.json", Path.read_text)
    assert artifact.of(run).startswith("x.json")
    damage(tmp_path / "a/x.json", "flip")
    with pytest.raises(InputError, match=r"not as its stage left it: x\.json was changed"):
        artifact.of(run)


def test_a_file_that_its_stage_did_not_make_is_not_opened(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    statuses_of(run, stage())
    (tmp_path / "a/planted.json").touch()
    with pytest.raises(InputError, match="planted"):
        Artifact("a", "planted.json", Path.read_text).of(run)


@pytest.mark.parametrize("folder", ["a", "a.partial"])
@pytest.mark.parametrize("kind", ["folder", "link", "file"])
def test_what_is_not_ours_stops_the_run_and_stays(folder: str, kind: str, tmp_path: Path) -> None:
    theirs = tmp_path / "run" / folder
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/diary.txt").write_text("mine")
    theirs.parent.mkdir()
    if kind == "folder":
        (tmp_path / "elsewhere").rename(theirs)
    elif kind == "link":
        theirs.symlink_to(tmp_path / "elsewhere")
    else:
        theirs.write_text("mine")
    with pytest.raises(InputError, match="was not made by this program"):
        statuses_of(make_run(tmp_path / "run"), stage())
    assert (theirs.read_text() if kind == "file" else (theirs / "diary.txt").read_text()) == "mine"


def test_a_persons_file_in_a_folder_of_ours_is_kept(tmp_path: Path) -> None:
    statuses_of(make_run(tmp_path), stage())
    (tmp_path / "a/notes.txt").write_text("mine")
    said = statuses_of(make_run(tmp_path, seed=1), stage())
    assert [path.read_text() for path in tmp_path.glob("a.kept-1/notes.txt")] == ["mine"]
    assert any("a.kept-1" in one.reasons[0] for one in said)


def test_stages_may_lie_in_folders(tmp_path: Path) -> None:
    nested = stage("filters/neighbors")
    statuses_of(make_run(tmp_path), nested)
    assert (tmp_path / "filters/neighbors/stage.json").exists()
    assert not plan(make_run(tmp_path), (nested,))[0].runs
    statuses_of(make_run(tmp_path, seed=1), nested)
    assert sorted(path.name for path in (tmp_path / "filters").iterdir()) == ["neighbors"]


def test_a_library_that_changed_is_named_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"numpy": "2.4"}

    def version(name: str) -> str:
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    both = stage(libraries=("nothing|numpy", "scipy"))
    statuses_of(make_run(tmp_path), both)
    versions["numpy"] = "2.5"
    assert plan(make_run(tmp_path), (both,))[0].reasons == ("nothing changed from 2.4 to 2.5",)
    versions |= {"numpy": "2.4", "scipy": "1.0"}
    assert plan(make_run(tmp_path), (both,))[0].reasons == ("scipy changed from not installed to 1.0",)


def test_what_cannot_be_made_again_the_same_is_an_error(tmp_path: Path) -> None:
    """A frozen file is damaged, and what it was made from has changed: a new one would be another."""
    statuses_of(make_run(tmp_path), stage())
    damage(tmp_path / "frozen.bin", "flip")
    with pytest.raises(InputError, match=r"frozen\.bin"):
        statuses_of(make_run(tmp_path, seed=1), stage())
    assert (tmp_path / "frozen.bin").exists()


def test_half_written_files_of_dead_processes_go(tmp_path: Path) -> None:
    statuses_of(make_run(tmp_path), stage())
    dead = 2**22 + 1
    for place in (tmp_path, tmp_path / "versions"):
        place.mkdir(exist_ok=True)
        (place / f".x.json.{dead}.tmp").touch()
    (tmp_path / f".y.json.{os.getpid()}.tmp").touch()
    (tmp_path / ".notes.tmp").touch()
    statuses_of(make_run(tmp_path), stage())
    assert sorted(path.name for path in tmp_path.rglob("*.tmp")) == [".notes.tmp", f".y.json.{os.getpid()}.tmp"]


def test_a_folder_whose_key_was_being_written_is_ours(tmp_path: Path) -> None:
    (tmp_path / "a.partial").mkdir()
    (tmp_path / "a.partial/..key.12345.tmp").write_text("ha")
    assert stage_folders.begin(tmp_path / "a", "key") == tmp_path / "a.partial"
    assert [path.name for path in (tmp_path / "a.partial").iterdir()] == [".key"]
    (tmp_path / "b.partial").mkdir()
    (tmp_path / "b.partial/..key.12345.tmp.txt").write_text("a person's")
    with pytest.raises(InputError, match="was not made by this program"):
        stage_folders.begin(tmp_path / "b", "key")


@pytest.mark.parametrize("removed", range(6))
def test_killed_while_it_removes_a_folder_it_goes_on(removed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the removal of outdated work stops, the rest is still known as ours."""
    partial = stage_folders.begin(tmp_path / "a", "old key")
    (partial / "deep").mkdir()
    for name in ("a.bin", "b.bin", "deep/c.bin", "z.bin", records.RECORD):
        (partial / name).write_text("made before")
    gone, unlink = [], os.unlink

    def stop(path: object, **more: object) -> None:
        if len(gone) == removed:
            raise KeyboardInterrupt
        gone.append(path)
        unlink(path, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "unlink", stop)
    with pytest.raises(KeyboardInterrupt):
        stage_folders.begin(tmp_path / "a", "new key")
    monkeypatch.setattr(os, "unlink", unlink)
    assert [path.name for path in stage_folders.begin(tmp_path / "a", "new key").iterdir()] == [".key"]
