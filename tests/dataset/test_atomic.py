"""Files that replace others: what may be replaced, and what is said of the rest before anything slow happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinysieve.ground.atomic_files import check_file, check_folder, replacing, write_text
from tinysieve.ground.errors import InputError


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_text(path, "one")

    def half() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        half()
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("link", ["file.txt", "later/file.txt"])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path, link: str) -> None:
    (tmp_path / "file.txt").write_text("old")
    (tmp_path / "link").symlink_to(link)
    check_file(tmp_path / "link")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / link).read_text() == "new"


def test_a_pipe_and_a_folder_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "to-the-pipe").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    for name, what in (("pipe", "a pipe"), ("to-the-pipe", "a pipe"), ("folder", "a folder")):
        for write in (check_file, lambda path: write_text(path, "text")):
            with pytest.raises(InputError, match=what) as caught:
                write(tmp_path / name)
            assert caught.value.where == str(tmp_path / name)
    assert (tmp_path / "pipe").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "to-the-pipe", "folder"}


@pytest.mark.parametrize(("path", "message"), [
    ("", "is a folder"),
    ("file/out.parquet", "file is not a folder"),
    ("file/deeper/out.parquet", "file is not a folder"),
    ("round/out.parquet", "symbolic links"),
    ("x" * 300, "File name too long"),
    ("missing/" + "x" * 300 + "/out.parquet", "File name too long"),
    ("x/" * 3000 + "x", "File name too long"),
    ("/proc/tinysieve/out.parquet", "No such file"),
])
def test_paths_that_no_file_can_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("round").symlink_to("round")
    with pytest.raises(InputError, match=message) as caught:
        check_file(Path(path))
    assert caught.value.fix
    if path:
        with pytest.raises(InputError):
            check_folder(Path(path).parent, (Path(path).name, "other"))
    assert {one.name for one in tmp_path.iterdir()} == {"file", "round"}


def test_replacing_says_the_same_where_nobody_looked_before(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file/out.csv", Path("/proc/tinysieve/out.csv")):
        with pytest.raises(InputError, match="cannot be written"):
            write_text(path, "")


def test_what_is_read_is_not_written_to(tmp_path: Path) -> None:
    source = tmp_path / "in.npz"
    source.touch()
    (tmp_path / "link.npz").symlink_to("in.npz")
    for out in (source, tmp_path / "link.npz", tmp_path / ".." / tmp_path.name / "in.npz"):
        with pytest.raises(InputError, match="both input and output"):
            check_file(out, reads=(tmp_path / "absent.csv", source))
    check_file(tmp_path / "out.parquet", reads=(source, tmp_path / "absent.csv"))


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    check_file(tmp_path / "new/folder/out.parquet")
    check_folder(tmp_path / "folder", ("a.csv", "b.json"))
    assert list(tmp_path.iterdir()) == []
