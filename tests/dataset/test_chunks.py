"""Chunks, the local executor and the reading pass: planned from the listing, each finished when its part is there."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored_photos import Photo, photos, write_folder, write_tar

from tinysieve.dataset.chunks import Chunk, Plan, cut, write_plan
from tinysieve.dataset.executors.executor import HOPELESS, ChunkFailed, Step, Work
from tinysieve.dataset.executors.local import LocalExecutor
from tinysieve.dataset.packed_pixels import PackedPixels
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import StoreSettings
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 4))
def test_chunks_hold_every_image_once_in_order_and_never_cross_a_shard(sizes: list[int], limit: int) -> None:
    shards = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
    chunks = cut(shards, limit)
    assert [row for chunk in chunks for row in range(chunk.start, chunk.stop)] == list(range(len(shards)))
    assert [chunk.number for chunk in chunks] == list(range(len(chunks)))
    assert all(len(chunk) <= limit and set(shards[chunk.start : chunk.stop]) == {chunk.shard} for chunk in chunks)
    assert len(chunks) == sum(-(-size // limit) for size in sizes)


def test_a_plan_is_read_back_and_depends_on_the_listing_alone(tmp_path: Path) -> None:
    names, shards = pa.array([f"{n}.jpg" for n in range(7)]), np.array([0, 0, 0, 1, 1, 1, 1], np.int32)
    for name in ("a", "b"):
        write_plan(tmp_path / name, names, shards, cut(shards, 2))
    plan = Plan(tmp_path / "a")
    assert plan.chunks == cut(shards, 2)
    assert [plan.names(chunk).to_pylist() for chunk in plan.chunks] == [
        ["0.jpg", "1.jpg"], ["2.jpg"], ["3.jpg", "4.jpg"], ["5.jpg", "6.jpg"]]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_plan_of_nothing_has_no_chunks(tmp_path: Path) -> None:
    write_plan(tmp_path / "plan", pa.array([], pa.string()), np.zeros(0, np.int32), ())
    assert Plan(tmp_path / "plan").chunks == ()


@dataclass
class Worker:
    """Work that fails as it is told; counts how often each chunk was tried."""

    fails: Callable[[Chunk, int], Exception | None]
    tried: dict[int, int] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    opened: int = 0

    @contextmanager
    def __call__(self, threads: int) -> Iterator[Work]:
        self.opened += 1

        def work(chunk: Chunk, step: Step) -> None:
            step(1)
            self.tried[chunk.number] = self.tried.get(chunk.number, 0) + 1
            error = self.fails(chunk, self.tried[chunk.number])
            if error is not None:
                raise error
            self.done.add(chunk.number)

        yield work

    def is_done(self, chunk: Chunk) -> bool:
        return chunk.number in self.done


CHUNKS = cut(np.zeros(40, np.int32), 2)


def test_a_chunk_that_fails_three_times_is_named_and_the_others_are_done() -> None:
    worker = Worker(lambda chunk, attempt: RuntimeError("no") if chunk.number in (3, 7) else None)
    with pytest.raises(ChunkFailed, match="2 of 20 chunks failed 3 times: 3, 7") as caught:
        LocalExecutor(1).run(worker, CHUNKS, worker.is_done, silent)
    assert caught.value.where == "chunk 3, images 6 to 7 of plan.arrow: RuntimeError: no"
    assert worker.done == set(range(20)) - {3, 7}
    assert worker.tried == {number: 3 if number in (3, 7) else 1 for number in range(20)}


def test_what_fails_twice_is_done_the_third_time() -> None:
    worker, heard = Worker(lambda chunk, attempt: OSError("busy") if attempt < 3 else None), []
    LocalExecutor(1).run(worker, CHUNKS, worker.is_done, lambda done, total: heard.append((done, total)))
    # Of each chunk of two images the first is told at each of three attempts, then the whole.
    assert heard == [(done, 40) for before in range(0, 40, 2) for done in (*[before + 1] * 3, before + 2)]


def test_an_error_that_a_person_must_act_on_is_raised_as_it_is_and_not_tried_again() -> None:
    worker = Worker(lambda chunk, attempt: InputError("its bytes are others") if chunk.number == 5 else None)
    with pytest.raises(InputError, match="its bytes are others"):
        LocalExecutor(1).run(worker, CHUNKS, worker.is_done, silent)
    assert worker.tried[5] == 1
    assert len(worker.done) == 19


def test_where_everything_fails_not_everything_is_tried() -> None:
    worker = Worker(lambda chunk, attempt: RuntimeError("no"))
    with pytest.raises(ChunkFailed):
        LocalExecutor(1).run(worker, CHUNKS, worker.is_done, silent)
    assert len(worker.tried) == HOPELESS


def test_finished_chunks_open_nothing() -> None:
    worker = Worker(lambda chunk, attempt: None, done=set(range(20)))
    LocalExecutor(1).run(worker, CHUNKS, worker.is_done, silent)
    assert worker.opened == 0


@pytest.mark.parametrize("sizes", [[12], [5, 1, 6], [0, 4, 8]])
def test_pixels_in_parts_are_read_like_one_array(sizes: list[int], tmp_path: Path) -> None:
    whole = np.random.default_rng(0).integers(0, 256, (12, 144, 144, 3), dtype=np.uint8)
    paths = [tmp_path / f"{number}.npy" for number in range(len(sizes))]
    for path, part in zip(paths, np.split(whole, np.cumsum(sizes)[:-1]), strict=True):
        np.save(path, part)
    parts = PackedPixels(paths, sizes)
    assert (parts.shape, len(parts), parts.dtype) == (whole.shape, 12, np.uint8)
    for rows in ([11, 0, 5, 5, 4], [], list(range(12))):
        assert np.array_equal(parts[np.array(rows, np.int64)], whole[np.array(rows, np.int64)])
    assert all(np.array_equal(parts[row], whole[row]) for row in range(12))
    with pytest.raises(IndexError):
        parts[12]


def test_a_part_of_another_shape_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.zeros((3, 144, 144, 3), np.uint8))
    with pytest.raises(InputError, match=r"\[3, 144, 144, 3\], expected uint8 \[2, 144, 144, 3\]"):
        PackedPixels([tmp_path / "0.npy"], [2])[0]


@pytest.mark.parametrize("kind", ["folder", "archives"])
def test_a_store_travels_and_each_of_its_shards_reads_the_same_images(kind: str, tmp_path: Path) -> None:
    rows: list[Photo] = photos(2)
    if kind == "folder":
        images: object = write_folder(tmp_path / "photos", rows)
    else:
        images = [str(write_tar(tmp_path / "a.tar", rows[:5])), str(write_tar(tmp_path / "b.tar.gz", rows[5:], "gz"))]
    store = open_store(images, StoreSettings(), tmp_path / "cache")  # type: ignore[arg-type]
    travelled = pickle.loads(pickle.dumps(store))
    names = pa.array([photo.filename for photo in rows])
    shards = store.shards(names)
    assert len(set(shards.tolist())) == (1 if kind == "folder" else 2)
    for photo, shard in zip(rows, shards, strict=True):
        assert store.read(photo.filename) == photo.data
        assert travelled.shard(int(shard)).read(photo.filename) == photo.data
    assert (np.diff(shards[store.reading_order(names)]) >= 0).all()
