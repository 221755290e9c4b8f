"""Features on disk: resumed at the last finished chunk, the same bytes however often killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tinysieve.filtering.evidence.embeddings import ARRAY, RESUME, embed_all, read_embeddings
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent


class MeanColour:
    """A backbone small enough to know its answers: the mean of each colour."""

    name, fingerprint, dim, side = "mean colour", "1", 3, 8

    def __init__(self) -> None:
        self.seen = 0

    def embed(self, images: np.ndarray) -> np.ndarray:
        self.seen += len(images)
        return images.mean((1, 2)).astype(np.float32)


class Killed(Exception):
    """Stands for kill -9 between two chunks."""


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{grey}.png" for grey in range(10)]
    for grey, path in enumerate(paths):
        Image.new("RGB", (5 + grey, 9), (grey, 2 * grey, 3 * grey)).save(path)
    return paths


def ids(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_rows_are_those_of_the_samples(tmp_path: Path, photos: list[Path]) -> None:
    steps: list[tuple[int, int]] = []
    rows = embed_all(MeanColour(), photos, ids(photos), tmp_path / "out", 4, lambda *step: steps.append(step))
    np.testing.assert_array_equal(rows, np.outer(np.arange(10), [1, 2, 3]))
    assert rows.dtype == np.float16
    assert not rows.flags.writeable
    assert steps == [(4, 10), (8, 10), (10, 10)]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [ARRAY]


@pytest.mark.parametrize("kill_at", [4, 8])
def test_a_killed_run_goes_on_and_ends_in_the_same_bytes(tmp_path: Path, photos: list[Path], kill_at: int) -> None:
    embed_all(MeanColour(), photos, ids(photos), tmp_path / "whole", 4, silent)

    def kill(done: int, total: int) -> None:
        if done == kill_at:
            raise Killed

    with pytest.raises(Killed):
        embed_all(MeanColour(), photos, ids(photos), tmp_path / "broken", 4, kill)
    second = MeanColour()
    embed_all(second, photos, ids(photos), tmp_path / "broken", 4, silent)
    assert second.seen == 10 - kill_at
    assert (tmp_path / "broken" / ARRAY).read_bytes() == (tmp_path / "whole" / ARRAY).read_bytes()


@pytest.mark.parametrize("note", ['{"done": 8}', "{", "[]", '{"backbone": "2", "done": 8}'])
def test_another_question_starts_afresh(tmp_path: Path, photos: list[Path], note: str) -> None:
    (tmp_path / "out").mkdir()
    np.save(tmp_path / "out" / ARRAY, np.ones((10, 3), np.float16))
    (tmp_path / "out" / RESUME).write_text(note)
    rows = embed_all(MeanColour(), photos, ids(photos), tmp_path / "out", 4, silent)
    np.testing.assert_array_equal(rows[:, 0], np.arange(10))


def test_an_image_that_vanished_is_named(tmp_path: Path, photos: list[Path]) -> None:
    photos[6].unlink()
    with pytest.raises(InputError, match="cannot be read any more") as caught:
        embed_all(MeanColour(), photos, ids(photos), tmp_path / "out", 4, silent)
    assert caught.value.where.endswith("6.png")


def test_no_images_give_no_rows(tmp_path: Path) -> None:
    assert embed_all(MeanColour(), [], [], tmp_path, 4, silent).shape == (0, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((3, 4), np.float32), r"expected float \[2, D\]"),
        (np.zeros((2, 4), np.int64), "int64"),
        (np.zeros(2, np.float32), r"\[2\]"),
        (np.array([[1, 2], [3, np.nan]], np.float32), "row 1 of the features is not finite"),
        (np.array([[np.inf, 2], [3, 4]], np.float16), "row 0"),
    ],
)
def test_an_array_from_a_file_is_checked(tmp_path: Path, rows: np.ndarray, message: str) -> None:
    np.save(tmp_path / "given.npy", rows)
    with pytest.raises(InputError, match=message):
        read_embeddings(tmp_path / "given.npy", 2)


def test_a_file_that_is_no_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "pickled.npy", np.array([{}]), allow_pickle=True)
    (tmp_path / "text.npy").write_text("no")
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("pickled.npy", "text.npy", "empty.npy", "absent.npy"):
        with pytest.raises(InputError, match="cannot read features"):
            read_embeddings(tmp_path / name, 1)
