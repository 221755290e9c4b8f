"""A file from outside may say anything: the answer is a valid read or our error, in bounded time and memory."""

import io
import struct
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from quantize_models import reference_model
from tiny_tflite import packed, tiny_model, tiny_tree

from tinysieve.ground.child_process import Companion
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.firmware.bundle_words import require_codes
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.graph import load_model, read_graph
from tinysieve.quantize.tflm.arena_process import measure_arena

sys.path.insert(0, str(Path(__file__).parents[2]))
from benchmarks.loader_mutations import KINDS, judge, mutation


def graph(change):
    return lambda tree: change(tree.subgraphs[0])


def set_shape(*shape):
    return graph(lambda one: setattr(one.tensors[3], "shape", np.array(shape, np.int32)))


def set_indices(part, role, *indices):
    return graph(lambda one: setattr(part(one), role, np.array(indices, np.int32)))


def circle(one):
    one.operators[0].inputs = np.array([5, 1, 2], np.int32)


def external(tree):
    tree.buffers[1].offset, tree.buffers[1].size, tree.buffers[1].data = 4096, 32, None


def signed(tree):
    signature = schema.SignatureDefT()
    signature.subgraphIndex, entry = 0, schema.TensorMapT()
    entry.tensorIndex, entry.name, signature.inputs = 77, b"x", [entry]
    tree.signatureDefs = [signature]


def metadata(buffer, name=b"x"):
    return lambda tree: setattr(tree, "metadata", [schema.MetadataT(name=name, buffer=buffer)])


HOSTILE = {
    "operator 0 of subgraph 0 slides over its input and has no strides": graph(
        lambda one: setattr(one.operators[0], "builtinOptions", None)),
    "slides over its input": graph(lambda one: setattr(one.operators[0].builtinOptions, "strideW", 0)),
    "would take 536,870,912 bytes of memory": set_shape(1, 2**15, 2**14, 1),
    "metadata 0 uses buffer 4000 of 4": metadata(4000),
    "its memory plan is no list": metadata(0, b"OfflineMemoryAllocation"),
    "its weights lie in other files": lambda tree: setattr(tree, "externalBuffers", [schema.ExternalBufferT()]),
    "has the shape": set_shape(1, -8, 8, 8),
    "would take 9,223,372,028,264,841,217 bytes": set_shape(1, 2**31 - 1, 2**31 - 1, 2**0 + 1),
    "axes": set_shape(*[2**31 - 1] * 5000),
    "uses buffer 900 of 4": graph(lambda one: setattr(one.tensors[1], "buffer", 900)),
    "its buffer holds 32": graph(lambda one: setattr(one.tensors[1], "shape", np.array([8, 9, 9, 4], np.int32))),
    "unknown type": graph(lambda one: setattr(one.tensors[0], "type", 99)),
    "inputs of operator 0 of subgraph 0 name tensor 6": set_indices(lambda g: g.operators[0], "inputs", 0, 1, 6),
    "inputs of operator 0 of subgraph 0 name tensor -2": set_indices(lambda g: g.operators[0], "inputs", 0, 1, -2),
    "outputs of operator 0 of subgraph 0 name tensor -1": set_indices(lambda g: g.operators[0], "outputs", -1),
    "inputs of subgraph 0 name tensor 1000000": set_indices(lambda g: g, "inputs", 10**6),
    "has the kind 3 of 2": graph(lambda one: setattr(one.operators[1], "opcodeIndex", 3)),
    "a CONV_2D has filters of shape": set_indices(lambda g: g.operators[0], "inputs", 0),
    "reads tensor 5 before anything writes it": graph(circle),
    "lies outside the flatbuffer": external,
    "inputs of signature 0 name tensor 77 of 6": signed,
    "no tensors": graph(lambda one: setattr(one, "tensors", [])),
    "no outputs": graph(lambda one: setattr(one, "outputs", None)),
    "no subgraph": lambda tree: setattr(tree, "subgraphs", []),
}


@pytest.mark.parametrize("said", HOSTILE)
def test_each_number_is_compared_with_what_is_there(said):
    change = HOSTILE[said]
    if said.startswith("would take"):
        change, said = set_shape(1, 2**31 - 1, 2**31 - 1, 2), f"would take {2 * (2**31 - 1) ** 2:,} bytes"
    with pytest.raises(InputError, match=said):
        read_graph(tiny_model(change))


def with_vector_length(model: bytes, entries: int, claimed: int) -> bytes:
    """The first vector of ``entries`` tables claims to have ``claimed``."""
    words = np.frombuffer(model[:len(model) // 4 * 4], "<u4").copy()
    (place,) = np.flatnonzero(words == entries)[:1]
    words[place] = claimed
    return words.tobytes()


@pytest.mark.parametrize("claimed", [2**32 - 1, 2**31, 10**6])
def test_a_vector_longer_than_the_file_is_refused_before_it_is_read(claimed):
    model = tiny_model(graph(lambda one: one.tensors.extend(tiny_tree().subgraphs[0].tensors[:1] * 71)))
    hostile = with_vector_length(model, 77, claimed)
    tracemalloc.start()
    with pytest.raises(InputError, match="parts, more than"):
        read_graph(hostile)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < len(hostile) + 2**20


def shared_children(model: bytes, vector_entries: int, child: int) -> bytes:
    """Every entry of the vector of tables points at its child number ``child``: many parents, one text."""
    words = np.frombuffer(model[:len(model) // 4 * 4], "<u4").copy()
    (place,) = np.flatnonzero(words == vector_entries)[:1]
    target = 4 * (place + 1 + child) + int(words[place + 1 + child])
    for entry in range(vector_entries):
        words[place + 1 + entry] = target - 4 * (place + 1 + entry)
    return words.tobytes()


def test_one_long_name_shared_by_many_tensors_is_refused():
    def change(one):
        one.tensors += [tiny_tree().subgraphs[0].tensors[0] for _ in range(2001 - len(one.tensors))]
        one.tensors[2000].name = b"n" * 100_000

    model = shared_children(tiny_model(graph(change)), 2001, 2000)
    with pytest.raises(InputError, match="strings are together longer"):
        load_model(model)


def test_one_long_list_shared_by_many_operators_is_refused():
    def change(one):
        one.operators += [tiny_tree().subgraphs[0].operators[0] for _ in range(1001 - len(one.operators))]
        one.operators[1000].inputs = np.zeros(50_000, np.int32)

    with pytest.raises(InputError, match=r"have .* entries"):
        load_model(shared_children(tiny_model(graph(change)), 1001, 1000))


def test_more_tensors_than_a_plan_can_take_are_refused():
    with pytest.raises(InputError, match="10,001 tensors"):
        load_model(tiny_model(graph(lambda one: one.tensors.extend([one.tensors[0]] * (10_001 - len(one.tensors))))))


def test_a_file_without_names_inputs_and_signatures_is_fine():
    def bare(tree):
        tree.description = tree.signatureDefs = tree.subgraphs[0].name = None
        tree.subgraphs[0].operators, tree.subgraphs[0].inputs = None, None
        for one in tree.subgraphs[0].tensors:
            one.name = one.quantization = None

    found = inspect_model(tiny_model(bare), unmeasured)
    assert (found.operators, found.peak_operator, found.inputs, found.parts.names) == ({}, None, (), 0)


def unmeasured(model: bytes):
    raise MissingRequirement("not measured here")


@pytest.mark.parametrize("number", range(0, 60 * len(KINDS), len(KINDS)))
def test_damage_is_read_or_refused(number):
    models = [tiny_model(), reference_model("mlperftiny_vww_96_int8.tflite")]
    outcomes = {judge(mutation(models, 11, one)) for one in range(number, number + len(KINDS))}
    assert outcomes <= {"read", "refused"}


def test_the_damage_is_not_all_of_one_outcome():
    model = tiny_model()
    outcomes = [judge(mutation([model], 12, number)) for number in range(120)]
    assert 10 < outcomes.count("read") < 110
    assert judge(model) == "read"


def test_native_code_that_crashes_is_an_error_of_the_file():
    pytest.importorskip("tflite_micro")

    def crash(tree):  # four channels in the filters, 400,000 in the image
        tree.subgraphs[0].tensors[0].shape = np.array([1, 8, 8, 400_000], np.int32)

    with pytest.raises(InputError, match="TFLM gave no arena: native code crashed"):
        measure_arena(tiny_model(crash))
    found = inspect_model(tiny_model(crash))
    assert found.arena_bytes is None
    assert "native code crashed" in found.arena_missing


def test_a_child_that_takes_too_long_or_fails_is_an_error():
    with pytest.raises(InputError, match="no answer within"):
        Companion("tinysieve.quantize.tflm.arena_process", 0.01).ask(tiny_model())
    with pytest.raises(InputError, match="exit code 1"):
        Companion("tinysieve.quantize.no_such_module", 20).ask(b"")


def archived(model: bytes, name: str, text: bytes, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a", method) as archive:
        archive.writestr(name, text)
    return file.getvalue()


def test_class_order_comes_from_a_label_list_in_the_file():
    model = tiny_model(wide=2)
    assert class_labels(model, 2) is None
    assert class_labels(archived(model, "labels.txt", b"background\nperson\n"), 2) == ("background", "person")
    assert inspect_model(archived(model, "labels.txt", b"a\nb\n"), unmeasured).class_order == ("a", "b")
    for bad in (archived(model, "labels.txt", b"one\ntwo\nthree\n"), archived(model, "labels.json", b"a\nb\n"),
                archived(model, "labels.txt", b"\xff\xfe\n\xff"), archived(model, "labels.txt", b"\n" * 10**7),
                archived(model, "labels.txt", b"a\nb", zipfile.ZIP_LZMA), archived(model, "labels.txt", b"a\nb")[:-30]):
        assert class_labels(bad, 2) is None
    broken = bytearray(archived(model, "labels.txt", b"background\nperson\n"))
    for place in range(len(model), len(broken)):
        broken[place] ^= 0xFF
        class_labels(bytes(broken), 2)
        broken[place] ^= 0xFF


def test_packing_the_tree_again_is_still_read():
    model = tiny_model()
    assert read_graph(packed(load_model(model))) == read_graph(model)
    assert struct.unpack_from("<4s", model, 4) == (b"TFL3",)


@pytest.mark.parametrize("scale", [float("nan"), float("inf"), 0.0, -1.0])
@pytest.mark.parametrize("role", ["inputs", "outputs"])
def test_codes_without_a_usable_scale_are_refused(scale, role):
    def change(one):
        one.tensors[getattr(one, role)[0]].quantization.scale = np.array([scale], np.float32)

    with pytest.raises(InputError, match="the scale of what the model"):
        require_codes(read_graph(tiny_model(graph(change))))
