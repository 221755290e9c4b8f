"""The demo's images: what is planted is there, what is true is true, and a seed gives the same bytes."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
from collections import Counter
from pathlib import Path

import pytest

from tinysieve.dataset.images import UndecodableImage, decode
from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.demo import demo_photos
from tinysieve.pipeline.demo.demo_photos import COUNTS, CROP_SIDE, DUPLICATES, PLANTED_SHARE, DemoImage, build_demo, label_of
from tinysieve.pipeline.demo.scenes import SCENES, Scene

pytestmark = pytest.mark.skipif(importlib.util.find_spec("skimage") is None, reason="needs scikit-image's photos")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[DemoImage]]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, build_demo(folder, 0)


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes(demo: tuple[Path, list[DemoImage]], tmp_path: Path) -> None:
    build_demo(tmp_path, 1)
    assert contents(tmp_path) != contents(demo[0])
    # Over an earlier demo, too.
    build_demo(tmp_path, 0)
    assert contents(tmp_path) == contents(demo[0])


def test_every_kind_of_trouble_is_planted(demo: tuple[Path, list[DemoImage]]) -> None:
    folder, made = demo
    notes = Counter("duplicate" if one.note.startswith("duplicate") else one.note for one in made)
    assert notes["wrong label"] == 2 * round(PLANTED_SHARE * COUNTS["train"])
    assert notes["unlabeled"] == 2 * COUNTS["unlabeled"]
    assert notes["duplicate"] == DUPLICATES + 1
    assert notes["truncated"] == 1
    assert len(made) == 2 * sum(COUNTS.values()) + DUPLICATES + 1 + 1 == len(list((folder / "images").iterdir()))
    by_name = {one.filename: one for one in made}
    twins = [(one, by_name[one.note.removeprefix("duplicate of ")]) for one in made if one.note.startswith("dup")]
    assert all(copy.data == source.data for copy, source in twins)
    assert Counter(source.split for _, source in twins) == {"train": DUPLICATES, "test": 1}


def test_all_files_but_the_truncated_one_decode(demo: tuple[Path, list[DemoImage]]) -> None:
    folder, made = demo
    for one in made:
        path = folder / "images" / one.filename
        if one.note == "truncated":
            with pytest.raises(UndecodableImage):
                decode(path)
        else:
            assert decode(path).shape == (CROP_SIDE, CROP_SIDE, 3)


def test_what_the_job_sees_and_what_is_true(demo: tuple[Path, list[DemoImage]]) -> None:
    folder, made = demo
    seen, true = rows(folder / "labels.csv"), rows(folder / "truth.csv")
    assert len(seen) == len(made) - 2 * COUNTS["unlabeled"]
    assert len(true) == len(made)
    truth = {row["filename"]: row for row in true}
    wrong = {row["filename"] for row in seen if row["person"] != truth[row["filename"]]["person"]}
    assert wrong == {one.filename for one in made if one.note == "wrong label"}
    assert {truth[name]["split"] for name in wrong} == {"train"}
    assert not any("note" in row for row in seen)


def test_no_photo_is_on_both_sides_and_each_side_has_both_classes() -> None:
    splits: dict[str, set[str]] = {}
    for scene in SCENES:
        splits.setdefault(scene.path, set()).add(scene.split)
    assert all(len(sides) == 1 for sides in splits.values())
    for split in ("train", "validation", "test"):
        mandatory = [scene for scene in SCENES if scene.split == split and scene.package != "ultralytics"]
        assert any(scene.heads for scene in mandatory)
        assert any(not scene.occupied for scene in mandatory)


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene.heads], ids=lambda scene: scene.path)
def test_heads_lie_where_persons_are(scene: Scene) -> None:
    assert all(label_of(Scene("", "", "", occupied=scene.occupied), head) is None for head in scene.heads)
    assert all(label_of(scene, head) == 1 for head in scene.heads)


def test_it_does_without_ultralytics_but_not_without_scikit_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ultralytics" else find(name))
    assert len(build_demo(tmp_path, 0)) == 2 * sum(COUNTS.values()) + DUPLICATES + 2
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "skimage" else find(name))
    with pytest.raises(MissingRequirement, match=r"skimage/data/astronaut\.png"):
        build_demo(tmp_path, 0)


def test_a_photo_without_room_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_photos, "SMALLEST_SPREAD", 1e9)
    monkeypatch.setattr(demo_photos, "TRIES", 3)
    with pytest.raises(AssertionError, match="gives no crop of class 0"):
        build_demo(Path("unused"), 0)
