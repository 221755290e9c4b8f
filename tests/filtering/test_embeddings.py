"""Features in parts and on disk: each row is its photo's, and the bytes are the same however often killed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from grey_photos import grey_of, grey_photos, spoil
from part_pass import PlannedPhotos

from tinysieve.filtering.evidence.embedding_parts import BATCH, EmbeddingParts, gather
from tinysieve.filtering.evidence.embeddings import ARRAY, read_embeddings
from tinysieve.ground.errors import InputError


class Grey:
    """A backbone small enough to know its answers: one, two and three times the grey of a photo."""

    name, fingerprint, dim, side = "grey", "1", 3, 8

    def __init__(self) -> None:
        self.seen: list[int] = []

    def embed(self, images: np.ndarray) -> np.ndarray:
        greys = [grey_of(image) for image in images]
        self.seen += greys
        return np.outer(greys, [1, 2, 3]).astype(np.float32)


def parts_of(photos: PlannedPhotos, backbone: Grey | None = None) -> EmbeddingParts:
    return EmbeddingParts(photos.work / "parts", lambda threads: backbone or Grey())


def test_rows_are_those_of_the_samples(tmp_path: Path) -> None:
    photos = grey_photos(tmp_path, range(10), 4)
    parts = parts_of(photos)
    photos.make(parts)
    shuffled = [7, 0, 9, 3, 1]
    gather(parts, photos.chunks, photos.samples(shuffled), tmp_path / ARRAY)
    rows = read_embeddings(tmp_path / ARRAY, 5)
    np.testing.assert_array_equal(rows, np.outer(shuffled, [1, 2, 3]))
    assert rows.dtype == np.float16
    assert not rows.flags.writeable


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_killed_pass_goes_on_and_ends_in_the_same_bytes(tmp_path: Path, killed_at: int) -> None:
    class Killed(Grey):
        def embed(self, images: np.ndarray) -> np.ndarray:
            if len(self.seen) == 4 * killed_at:
                raise KeyboardInterrupt
            return super().embed(images)

    whole, broken = (grey_photos(tmp_path / name, range(10), 4) for name in ("whole", "broken"))
    whole.make(parts_of(whole))
    with pytest.raises(KeyboardInterrupt):
        broken.make(parts_of(broken, Killed()))
    after = Grey()
    broken.make(parts_of(broken, after))
    assert sorted(after.seen) == list(range(4 * killed_at, 10))
    for photos in (whole, broken):
        gather(parts_of(photos), photos.chunks, photos.samples(range(10)), photos.work / ARRAY)
    assert (broken.work / ARRAY).read_bytes() == (whole.work / ARRAY).read_bytes()


def test_a_batch_never_goes_past_what_a_backbone_gets_at_once(tmp_path: Path) -> None:
    sizes = []

    class Counting(Grey):
        def embed(self, images: np.ndarray) -> np.ndarray:
            sizes.append(len(images))
            return super().embed(images)

    photos = grey_photos(tmp_path, [*range(250), *range(20)])
    photos.make(parts_of(photos, Counting()))
    assert sizes == [BATCH, 270 - BATCH]


def test_parts_of_other_photos_are_noticed(tmp_path: Path) -> None:
    photos = grey_photos(tmp_path, range(6), 3)
    parts = parts_of(photos)
    photos.make(parts)
    first, second = photos.chunks
    assert parts.is_of(first, photos.keys(first))
    grey_photos(tmp_path, [200])
    (photos.folder / "200.png").replace(photos.folder / "4.png")
    assert parts.is_of(first, photos.keys(first))
    assert not parts.is_of(second, photos.keys(second))


def test_a_photo_that_cannot_be_decoded_has_no_features(tmp_path: Path) -> None:
    photos = grey_photos(tmp_path, range(4))
    spoil(photos, 2)
    parts = parts_of(photos)
    photos.make(parts)
    keys, features = parts.read(photos.chunks[0])
    assert [key.partition("@")[2] for key in keys.astype(str)] == ["0", "1", "3"]
    np.testing.assert_array_equal(features[:, 0], [0, 1, 3])


def test_features_that_are_no_numbers_stop_the_pass(tmp_path: Path) -> None:
    class Broken(Grey):
        def embed(self, images: np.ndarray) -> np.ndarray:
            return super().embed(images) * np.float32(np.inf)

    photos = grey_photos(tmp_path, [1, 2])
    with pytest.raises(InputError, match="not finite"):
        photos.make(parts_of(photos, Broken()))
    assert not parts_of(photos).is_done(photos.chunks[0])


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
