"""Configurations from a stranger: each attack is an error with file and line, in little time and memory, and runs nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config

TEXT = """\
run: {run}
seed: 0
dataset:
  source: {{kind: folders, images: {images}}}
filter: {{detector: {{kind: presence_head}}}}
policy: {{kind: default}}
train: {{recipe: seed}}
"""
LAUGHS = "".join(f"x{level}: &x{level} [{', '.join([f'*x{level - 1}'] * 9)}]\n" for level in range(1, 12))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(TEXT.format(run=tmp_path / "run", images=tmp_path / "images"))
    return path


@pytest.mark.parametrize(("old", "new", "line"), [
    ("seed: 0", "x0: &x0 [lol]\n" + LAUGHS + "seed: *x11", 2),
    ("seed: 0", "a: {<<: {k: 1}}", 2), ("seed: 0", "seed: &s [*s]", 2), ("seed: 0", "seed: *nothing", 2),
    ("seed: 0", "seed: " + "[" * 20_000, 2), ("seed: 0", "seed: " + "{a: " * 10_000, 2), ("seed: 0", "- " * 20_000, 2),
    ("seed: 0", "seed: 0\nseed: 1", 3), ("presence_head}", "presence_head, kind: presence_head}", 5),
    ("seed: 0", "seed: !!python/object/apply:os.system ['true']", 2), ("seed: 0", "seed: !!int 3", 2),
    ("seed: 0", "seed: !x 3", 2),
    ("seed: 0", "seed: 0\0", 2), ("seed: 0", "? [a, b]\n: 3", 2), ("seed: 0", "1: 3", 2), ("seed: 0", "{a: 1}: 3", 2),
    ("seed: 0", "seed: " + "9" * 20_000, 2), ("seed: 0", "seed: 2024-99-99", 2), ("seed: 0", "\tseed: 0", 2),
    ("seed: 0", "seed: 0\n---\nseed: 1", 3), ("seed: 0", "workers: 1000000", 2), ("seed: 0", "seed: .nan", 2),
    ("kind: default", "kind: default, max_change: .nan", 6), ("seed: 0", "seed: [", 4), ("seed: 0", "seed: true", 2),
])
def test_yaml_that_settings_do_not_need(old: str, new: str, line: int, file: Path) -> None:
    text = file.read_text().replace(old, new, 1)
    if new == "seed: true":
        text = text.replace("seed: true", "seed: 'true'")
    file.write_text(text)
    with pytest.raises(InputError) as caught:
        load_config(file)
    assert caught.value.where == f"{file}:{line}"


@pytest.mark.parametrize("data", [b"", b"- a", b"# \xe9\nrun: x", "run: x".encode("utf-16"), b"#" + b" " * 70_000, b"\x00" * 100])
def test_what_is_no_small_yaml_file(data: bytes, file: Path) -> None:
    file.write_bytes(data)
    with pytest.raises(InputError):
        load_config(file)


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert load_config(file).seed == 0


def test_pipes_and_devices_are_no_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(InputError, match="is not a file"):
            load_config(path)


@pytest.mark.parametrize("path", [
    "${UNSET_FOR_TEST}/run", "${A-b}/run", "x$HOME/run", "$(id)/run", '"a\\nb"', '"a\\e[31m"', "a" * 300, "a/" * 3000,
    "~nobody_has_this_name/run",
])
@pytest.mark.parametrize("key", ["run", "images"])
def test_paths_that_say_something_else_than_they_seem(path: str, key: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UNSET_FOR_TEST", raising=False)
    places = {"run": "run", "images": "images"} | {key: path}
    file.write_text(TEXT.format(**{name: place if place.startswith('"') else f"'{place}'" for name, place in places.items()}))
    with pytest.raises(InputError) as caught:
        load_config(file)
    assert caught.value.where == f"{file}:{1 if key == 'run' else 4}"


def test_the_home_folder_is_expanded_everywhere_alike(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    file.write_text(TEXT.format(run="~/run", images="~/images"))
    config = load_config(file, ("filter.detector={kind: boxes, file: ~/boxes.csv}",))
    home = tmp_path / "home"
    assert (config.run, config.dataset.source.images) == (home / "run", str(home / "images"))
    assert config.filter.detector.model_dump()["file"] == home / "boxes.csv"


@pytest.mark.parametrize("run", ["/", "{home}", "{home}/..", "{images}", "{images}/deep", "{project}", "{images}/../images",
                                 "{link}"])
def test_folders_that_are_no_run_folders(run: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, home, images = tmp_path / "project", tmp_path / "homes/me", tmp_path / "images"
    for folder in (project / ".git", home, images):
        folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(home)
    monkeypatch.setenv("HOME", str(home))
    place = run.format(home=home, images=images, project=project, link=tmp_path / "link")
    file.write_text(TEXT.format(run=place, images=images))
    with pytest.raises(InputError, match="setting 'run'") as caught:
        load_config(file)
    assert caught.value.where == f"{file}:1"


@pytest.mark.parametrize("value", ["[" * 50_000, "&a [*a]", "!!python/name:os.system ''", "{a: 1, a: 2}"])
def test_overrides_are_read_alike(value: str, file: Path) -> None:
    with pytest.raises(InputError, match="is not YAML"):
        load_config(file, (f"seed={value}",))


@pytest.mark.parametrize("override", ["seed=" + "[" * 50_000, "x" * 50_000, "seed.a=" + "9" * 50_000, "seed=" + "x" * 50_000])
def test_an_error_of_an_override_is_short(override: str, file: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_config(file, (override,))
    assert len(str(caught.value)) < 1_000
