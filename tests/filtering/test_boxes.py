"""Boxes keep "looked and saw nothing" apart from "never looked", through files and reordering."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.filtering.evidence.boxes import Boxes, align, concatenate, read_boxes, take, write_boxes
from tinysieve.ground.errors import InputError

BOX = [1.0, 2.0, 3.0, 4.0, 0.5, 0.0]


def boxes_with(counts: list[int]) -> Boxes:
    """Images i0, i1, ... whose boxes are all different: the first corner counts up."""
    total = sum(counts)
    flat = np.tile(BOX, (total, 1))
    flat[:, 0] = np.arange(total)
    rows = np.split(flat, np.cumsum(counts)[:-1]) if counts else []
    return Boxes.from_lists([f"i{k}" for k in range(len(counts))], rows)


def same(one: Boxes, other: Boxes) -> bool:
    """Equal in every column."""
    arrays = ("offsets", "xyxy", "confidence", "class_id")
    return one.sample_ids.equals(other.sample_ids) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in arrays
    )


@given(st.lists(st.integers(0, 4), max_size=20), st.randoms(use_true_random=False))
def test_align_is_undone_by_aligning_back(counts, random):
    boxes = boxes_with(counts)
    ids = boxes.sample_ids.to_pylist()
    shuffled = random.sample(ids, len(ids))
    examined, moved = align(boxes, shuffled)
    assert examined.all()
    assert same(align(moved, ids)[1], boxes)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=12), st.data())
def test_align_gives_each_row_the_boxes_of_its_id(counts, data):
    boxes = boxes_with(counts)
    wanted = data.draw(st.lists(st.sampled_from([*boxes.sample_ids.to_pylist(), "never seen"]), max_size=20))
    examined, moved = align(boxes, wanted)
    assert moved.sample_ids.to_pylist() == wanted
    for row, name in enumerate(wanted):
        got = moved.xyxy[moved.offsets[row] : moved.offsets[row + 1], 0].tolist()
        k = int(name[1:]) if name != "never seen" else None
        want = [] if k is None else list(range(boxes.offsets[k], boxes.offsets[k + 1]))
        assert (examined[row], got) == (k is not None, want)


def test_nothing_examined_aligns_to_nothing_seen():
    examined, moved = align(boxes_with([]), ["a", "b"])
    assert not examined.any()
    assert moved.counts.tolist() == [0, 0]


@given(st.lists(st.integers(0, 4), max_size=12))
def test_file_keeps_everything_also_across_row_groups(tmp_path_factory, counts):
    path = tmp_path_factory.mktemp("boxes") / "detections.parquet"
    boxes = boxes_with(counts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tinysieve.filtering.evidence.boxes.ROWS_A_GROUP", 3)
        write_boxes(boxes, path)
    assert same(read_boxes(path), boxes)


def test_same_boxes_same_bytes(tmp_path):
    for name in ("one.parquet", "two.parquet"):
        write_boxes(boxes_with([1, 0, 2]), tmp_path / name)
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_parts_concatenate_to_the_whole():
    whole = boxes_with([2, 0, 1, 3])
    assert same(concatenate([take(whole, np.array([0, 1])), take(whole, np.array([2, 3]))], whole.classes), whole)
    assert len(concatenate([], whole.classes)) == 0


def test_columns_that_do_not_fit_are_refused():
    sound = boxes_with([1, 1])
    with pytest.raises(InputError, match="do not fit together"):
        Boxes(sound.sample_ids, sound.offsets[:-1], sound.xyxy, sound.confidence, sound.class_id)
    with pytest.raises(InputError, match="do not fit together"):
        Boxes(sound.sample_ids, np.array([0, 3, 2]), sound.xyxy, sound.confidence, sound.class_id)


def test_hostile_files_are_refused(tmp_path):
    text = tmp_path / "text.parquet"
    text.write_text("no parquet")
    with pytest.raises(InputError, match="not a file of detections"):
        read_boxes(text)

    twice = boxes_with([1, 1])
    path = tmp_path / "twice.parquet"
    write_boxes(Boxes(pa.array(["a", "a"]), twice.offsets, twice.xyxy, twice.confidence, twice.class_id), path)
    with pytest.raises(InputError, match="stands twice"):
        read_boxes(path)

    table = pq.read_table(path).set_column(1, "x1", pa.array([[1.0, 2.0], []], pa.list_(pa.float32())))
    pq.write_table(table, path)
    with pytest.raises(InputError, match="differ in length"):
        read_boxes(path)
