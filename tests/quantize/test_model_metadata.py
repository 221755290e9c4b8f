"""Metadata in a copy of a model: it can be read back, it costs what is said, and the answers stay the same."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers.number_types import Float32Flags, UOffsetTFlags
from flatbuffers.table import Table
from quantize_models import reference_model
from tiny_tflite import packed, tiny_model

from tinysieve.ground.errors import InputError
from tinysieve.quantize.interpreters import TFLM, LiteRTReference
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.graph import load_model, read_graph
from tinysieve.quantize.tflite.io_contract import Stated
from tinysieve.quantize.tflite.model_metadata import ENTRY, About, with_metadata
from tinysieve.quantize.tflite.model_tree import PLAN_METADATA, metadata_name

ABOUT = About("labels 0d432add28c08909, seed 0", "Apache-2.0")


def pixels_in(tree: Any) -> None:
    """The tiny model's input takes 0..255: scale 1, zero point -128."""
    quantization = tree.subgraphs[0].tensors[0].quantization
    quantization.scale, quantization.zeroPoint = np.ones(1, np.float32), np.array([-128], np.int64)


@pytest.fixture(scope="module")
def model() -> bytes:
    return tiny_model(pixels_in, channels=3, wide=2)


def stored(model: bytes) -> bytes:
    tree = load_model(model)
    (entry,) = [one for one in tree.metadata if metadata_name(one) == ENTRY]
    return bytes(tree.buffers[entry.buffer].data)


def field(table: Table, slot: int) -> int:
    """Where the value of a slot lies; 0 where it is left out."""
    found = table.Offset(4 + 2 * slot)
    return found + table.Pos if found else 0


def child(table: Table, slot: int, place: int = 0, vector: bool = False) -> Table:
    at = field(table, slot)
    assert at, f"slot {slot} is empty"
    if vector:
        start = table.Vector(at - table.Pos)
        return Table(table.Bytes, table.Indirect(start + 4 * place))
    return Table(table.Bytes, table.Indirect(at))


def text(table: Table, slot: int) -> str:
    return table.String(field(table, slot)).decode()


def floats(table: Table, slot: int) -> list[float]:
    offset = field(table, slot) - table.Pos
    start = table.Vector(offset)
    return [table.Get(Float32Flags, start + 4 * place) for place in range(table.VectorLen(offset))]


def test_the_tables_hold_version_licence_normalization_and_labels(model: bytes) -> None:
    """Read by the slots of TFLite's metadata schema, independent of how they were written."""
    stated = Stated(pixel_mean=(127.5, 127.5, 127.5), pixel_std=(127.5, 127.5, 127.5))
    odd = tiny_model(lambda tree: setattr(tree.subgraphs[0].tensors[0].quantization, "scale", np.array([1 / 128], np.float32)),
                     channels=3, wide=2)
    for file, given, mean, lowest in ((model, Stated(), 0.0, 0.0), (odd, stated, 127.5, -1.0)):
        data = stored(with_metadata(file, ABOUT, given).model)
        assert flatbuffers.util.BufferHasIdentifier(bytearray(data), 0, b"M001")
        root = Table(bytearray(data), flatbuffers.encode.Get(UOffsetTFlags.packer_type, bytearray(data), 0))
        assert (text(root, 2), text(root, 5)) == (ABOUT.version, ABOUT.licence)
        graph = child(root, 3, vector=True)
        image, scores = child(graph, 2, vector=True), child(graph, 3, vector=True)
        normalization = child(child(image, 4, vector=True), 1)
        assert floats(normalization, 0) == [mean] * 3
        assert floats(child(image, 5), 1) == [lowest] * 3
        assert text(child(scores, 6, vector=True), 0) == "labels.txt"


def test_answers_stay_the_same_and_the_cost_is_the_file_s(model: bytes) -> None:
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    found = with_metadata(model, ABOUT)
    assert np.array_equal(LiteRTReference(found.model).raw_outputs(images), LiteRTReference(model).raw_outputs(images))
    assert len(found.model) == len(model) + found.repacked_bytes + found.metadata_bytes
    assert found.metadata_bytes > 0
    assert class_labels(found.model, 2) == ("background", "person")
    assert read_graph(found.model).operators == read_graph(model).operators


def test_twice_is_once(model: bytes) -> None:
    """The second writing replaces the first; only the hash of the model before differs, in place."""
    once = with_metadata(model, ABOUT).model
    twice = with_metadata(once, ABOUT)
    assert len(twice.model) == len(once)
    assert [metadata_name(one) for one in load_model(twice.model).metadata] == [ENTRY]
    assert with_metadata(model, ABOUT).model == once


def test_the_class_order_that_is_stated_is_written(model: bytes) -> None:
    found = with_metadata(model, ABOUT, Stated(class_order=("person", "background")))
    assert class_labels(found.model, 2) == ("person", "background")


def test_what_is_no_classifier_of_two_is_refused() -> None:
    with pytest.raises(InputError, match="8 scores, not 2"):
        with_metadata(tiny_model(pixels_in, channels=3, wide=8), ABOUT)
    with pytest.raises(InputError, match=r"not a \.tflite"):
        with_metadata(b"nothing at all", ABOUT)


def with_plan(tree: Any) -> None:
    """A memory plan for TFLM: version 1, subgraph 0, and for each tensor an offset of its own or -1 (TFLM's choice)."""
    pixels_in(tree)
    plan = np.array([1, 0, 6, 0, -1, -1, -1, -1, -1], np.int32).view(np.uint8)
    tree.buffers.append(schema.BufferT(data=plan))
    tree.metadata = [schema.MetadataT(name=PLAN_METADATA.encode(), buffer=len(tree.buffers) - 1)]


def test_a_memory_plan_is_kept() -> None:
    model = tiny_model(with_plan, channels=3, wide=2)
    tree = load_model(with_metadata(model, ABOUT).model)
    assert [metadata_name(one) for one in tree.metadata] == [PLAN_METADATA, ENTRY]
    plan = np.asarray(tree.buffers[tree.metadata[0].buffer].data, np.uint8).view(np.int32)
    assert plan.tolist() == [1, 0, 6, 0, -1, -1, -1, -1, -1]


def test_a_microcontroller_runs_it_all_the_same(model: bytes) -> None:
    pytest.importorskip("tflite_micro")
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    found = with_metadata(model, ABOUT).model
    assert np.array_equal(TFLM(found).raw_outputs(images), TFLM(model).raw_outputs(images))


def test_a_published_model_keeps_its_answers() -> None:
    model = reference_model("seed_submission.tflite")
    found = with_metadata(model, ABOUT)
    images = np.random.default_rng(0).integers(0, 256, (3, 144, 144, 3), dtype=np.uint8)
    assert np.array_equal(LiteRTReference(found.model).raw_outputs(images), LiteRTReference(model).raw_outputs(images))
    assert found.metadata_bytes < 2_000


def test_earlier_metadata_in_the_middle_is_emptied_not_shifted(model: bytes) -> None:
    """Another tool may have put its metadata's buffer before those of tensors; their numbers must not move."""
    tree = load_model(with_metadata(model, ABOUT).model)
    last = len(tree.buffers) - 1
    tree.buffers = [*tree.buffers, tree.buffers[1]]
    tree.subgraphs[0].tensors[1].buffer = last + 1
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    found = with_metadata(packed(tree), ABOUT).model
    assert np.array_equal(LiteRTReference(found).raw_outputs(images), LiteRTReference(model).raw_outputs(images))
