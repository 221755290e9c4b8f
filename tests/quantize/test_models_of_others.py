"""Files that others made: exact, or refused with the true reason; never a crash, never our traceback."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tiny_tflite import INT8, code, operator, tensor, tiny_model

from tinysieve.ground.child_process import Companion
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent
from tinysieve.pipeline.model_files.fitting import fit_file
from tinysieve.quantize.firmware.bundle_words import is_picture, kind_words, preprocessing, require_codes
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.emulate import emulate
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.tflm_operators import _METHODS, resolver_calls
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.passes.equality import check_inputs, require_equal
from tinysieve.quantize.passes.fit_model import Target, fit_model
from tinysieve.quantize.passes.float_border import strip_float_border
from tinysieve.quantize.passes.squeeze import squeeze
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.macs import operator_macs
from tinysieve.quantize.tflm.interpreter_child import LITERT, outputs_apart
from tinysieve.quantize.tflm.unsupported_models import require_supported

FLOAT32, FLOAT16, UINT8 = schema.TensorType.FLOAT32, schema.TensorType.FLOAT16, schema.TensorType.UINT8


@pytest.fixture
def case(shared: Path) -> Callable[[str], bytes]:
    def read(name: str) -> bytes:
        path = shared / "cases" / "models" / f"{name}.tflite"
        if not path.is_file():
            pytest.skip(f"needs {path.name} of the shared cases")
        return path.read_bytes()

    return read


def custom(name: bytes, scratch: bool = True) -> bytes:
    """An operator of an accelerator that reads the image and memory that nobody writes."""
    def change(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.operators = [operator(0, [0, 3] if scratch else [0], [5], 0, None)]
        tree.operatorCodes = [code(schema.BuiltinOperator.CUSTOM)]
        tree.operatorCodes[0].customCode = name
    return tiny_model(change)


def retyped(*changes: tuple[int, int]) -> bytes:
    """The tiny model with other types of some tensors, given as index and type."""
    def change(tree: Any) -> None:
        for index, dtype in changes:
            one = tree.subgraphs[0].tensors[index]
            one.type, one.quantization = dtype, one.quantization if dtype in (INT8, UINT8) else None
            buffer = tree.buffers[one.buffer]
            if buffer.data is not None:
                buffer.data = np.zeros(4 * len(buffer.data), np.uint8)
    return tiny_model(change)


@pytest.mark.parametrize(("model", "message"), [
    (custom(b"ethos-u"), r"CUSTOM:ethos-u #0: compiled by Vela for an Arm Ethos-U, scratch 512 B \(conv\)"),
    (custom(b"edgetpu-custom-op", scratch=False), "CUSTOM:edgetpu-custom-op #0: compiled for a Coral Edge TPU"),
    (custom(b"mine"), "custom operators: CUSTOM:mine"),
    (retyped((0, FLOAT32), (3, FLOAT32)), r"hybrid models: CONV_2D #0 has int8 weights and float32 activations"),
    (retyped((0, UINT8), (3, UINT8)), "older uint8 models: CONV_2D #0 has uint8 activations"),
    (retyped((1, FLOAT16)), "float16 models: CONV_2D #0 reads float16")])
def test_what_tflm_cannot_run_is_named(model: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message) as raised:
        require_supported(read_graph(model))
    assert raised.value.exit_code == 2
    assert "pip" not in str(raised.value)
    with pytest.raises(InputError, match=message):
        require_codes(read_graph(model))
    described = inspect_model(model)
    assert described.arena_bytes is None
    assert "TFLM cannot run" in described.arena_missing


def test_memory_that_nobody_writes_belongs_to_custom_operators_only() -> None:
    def change(tree: Any) -> None:
        tree.subgraphs[0].operators = tree.subgraphs[0].operators[1:]
    with pytest.raises(InputError, match="before anything writes it"):
        read_graph(tiny_model(change))
    described = inspect_model(custom(b"ethos-u"))
    assert described.lower_bound_bytes == 8 * 8 * 4 + 8 * 8 * 8 + 8  # image, scratch, output
    assert any("Ethos-U" in note for note in described.notes)


def test_a_model_for_an_accelerator_is_not_fitted() -> None:
    with pytest.raises(InputError, match="cannot be fitted: CUSTOM:ethos-u") as raised:
        fit_model(custom(b"ethos-u"), Target(), 0, silent)
    assert "do not fit it" in raised.value.fix


def test_nobody_says_met_of_an_arena_that_tflm_refuses(case: Callable[[str], bytes], tmp_path: Path) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(case("mlc_toycar_hybrid"))
    result = fit_model(model.read_bytes(), Target(), 0, silent)
    assert (result.ram_met, result.met, result.tflm_refuses) == (None, False, True)
    with pytest.raises(InputError, match="TFLM cannot run hybrid models") as raised:
        fit_file(model, tmp_path / "out.tflite", Target(), 0, False, False, False, True)
    assert "pip" not in str(raised.value)


@pytest.mark.parametrize(("name", "file_bytes"), [
    ("mlc_resnet8_int8", 84_800), ("mlc_ad01_int8", 273_680), ("tflm_hello_world_int8", 1_712)])
def test_squeezed_files_of_others_stay_exact(name: str, file_bytes: int, case: Callable[[str], bytes]) -> None:
    pytest.importorskip("tflite_micro")
    model = case(name)
    result = fit_model(model, Target(), 0, silent)
    assert "squeeze" in [gain.name for gain in result.passes]
    assert len(result.model) <= file_bytes
    assert result.equality.checked_with == ("LiteRT reference kernels", "TFLM")


def test_a_model_that_writes_past_its_memory_harms_nobody(case: Callable[[str], bytes]) -> None:
    """What it hits differs from child to child: it crashes, which is said, or it answers; who comes next is served alike."""
    model, tiny, codes = case("tflm_keyword_scrambled_8bit"), tiny_model(), [np.zeros((2, 8, 8, 4), np.int8)]
    untouched = outputs_apart(LITERT, tiny, codes, child=7)[0]
    for _ in range(4):
        assert said_of(model) in ("shape (1, 2)", "LiteRT reference kernels: native code crashed with a signal")
        assert np.array_equal(outputs_apart(LITERT, tiny, codes)[0], untouched)


def said_of(model: bytes) -> str:
    """The shape of the answer, or what the error says first."""
    try:
        return f"shape {outputs_apart(LITERT, model, [np.zeros((1, 96), np.int16)])[0].shape}"
    except InputError as error:
        return re.sub(r"SIG[A-Z]+$", "a signal", error.what)


@pytest.fixture
def companion_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Companion]:
    """A companion whose module answers as this source's `answer` does."""
    def of(source: str) -> Companion:
        (tmp_path / "answering_module.py").write_text(
            f"import os, signal, time\nfrom tinysieve.ground.child_process import serve\n{source}\nserve(answer, 2**32)\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        return Companion("answering_module", 20)

    return of


def test_a_companion_that_crashes_is_named_with_its_signal(companion_of: Callable[[str], Companion]) -> None:
    companion = companion_of("def answer(question):\n"
                             "    return os.kill(os.getpid(), signal.SIGSEGV) if question == b'crash' else question")
    assert companion.ask(b"fine") == b"fine"
    with pytest.raises(InputError, match="SIGSEGV"):
        companion.ask(b"crash")
    assert companion.ask(b"fine") == b"fine"


def test_who_comes_after_a_question_that_did_damage_is_asked_of_a_fresh_companion(
    companion_of: Callable[[str], Companion]
) -> None:
    companion = companion_of("damaged = []\n"
                             "def answer(question):\n"
                             "    if damaged: os.kill(os.getpid(), signal.SIGABRT)\n"
                             "    if question == b'damage': damaged.append(1)\n"
                             "    return question")
    assert [companion.ask(question) for question in (b"damage", b"fine", b"fine")] == [b"damage", b"fine", b"fine"]


def test_a_companion_that_takes_too_long_is_ended(companion_of: Callable[[str], Companion]) -> None:
    companion = companion_of("def answer(question):\n    return time.sleep(float(question)) or b'done'")
    assert companion.ask(b"0") == b"done"
    companion._timeout_s = 0.2
    with pytest.raises(InputError, match=r"no answer within 0.2 s"):
        companion.ask(b"600")
    companion._timeout_s = 20
    with pytest.raises(InputError, match="ValueError: could not convert"):
        companion.ask(b"what?")
    assert companion.ask(b"0") == b"done"
    companion.close()


def test_a_bias_keeps_the_scale_that_its_kernel_compares() -> None:
    def dense(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors = [tensor("x", (1, 4), INT8, 0), tensor("w", (8, 4), INT8, 1),
                         tensor("b", (8,), schema.TensorType.INT32, 2), tensor("y", (1, 8), INT8, 0)]
        graph.tensors[2].quantization = schema.QuantizationParametersT()
        bias = graph.tensors[2].quantization
        bias.scale, bias.zeroPoint = np.array([0.25], np.float32), np.zeros(1, np.int64)
        graph.inputs, graph.outputs = np.array([0], np.int32), np.array([3], np.int32)
        graph.operators = [operator(0, [0, 1, 2], [3], schema.BuiltinOptions.FullyConnectedOptions,
                                    schema.FullyConnectedOptionsT())]
        tree.operatorCodes = [code(schema.BuiltinOperator.FULLY_CONNECTED)]
        tree.operatorCodes[0].version = 4

    model = tiny_model(dense)
    squeezed = squeeze(model).model
    assert read_graph(squeezed).tensors[2].scale == 0.25
    assert require_equal(model, squeezed, np.random.default_rng(0)).inputs == 64


def test_two_inputs_are_checked_and_named() -> None:
    def both(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.tensors.append(tensor("second", (1, 8, 8, 8), INT8, 0))
        graph.tensors.append(tensor("sum", (1, 8, 8, 8), INT8, 0))
        graph.inputs = np.array([0, 6], np.int32)
        graph.operators.insert(1, operator(2, [3, 6], [7], schema.BuiltinOptions.AddOptions, schema.AddOptionsT()))
        graph.operators[2].inputs = np.array([7, 4], np.int32)
        tree.operatorCodes.append(code(schema.BuiltinOperator.ADD))
    model = tiny_model(both)
    assert require_equal(model, model, np.random.default_rng(0)).checked_with[0] == LITERT
    with pytest.raises(InputError, match="2 inputs and 1 outputs"):
        require_codes(read_graph(model))


def test_a_model_without_multiply_accumulates_loses_none() -> None:
    def only_mean(tree: Any) -> None:
        graph = tree.subgraphs[0]
        graph.operators = graph.operators[1:]
        graph.operators[0].inputs = np.array([0, 4], np.int32)
        graph.tensors[5].shape = np.array([1, 4], np.int32)
    result = fit_model(tiny_model(only_mean), Target(), 0, silent)
    assert (result.before.macs, result.after.macs, result.extra_macs) == (0, 0, 0.0)


def test_a_refusal_for_every_tensor_is_said_once(case: Callable[[str], bytes]) -> None:
    with pytest.raises(InputError) as raised:
        outputs_apart(LITERT, case("tflm_person_detect"), [np.zeros((1, 96, 96, 1), np.int8)])
    assert "quantized_dimension must be in range" in raised.value.what
    assert len(raised.value.what) < 250
    assert raised.value.what.endswith(" ...")


def test_many_channels_are_no_hindrance_to_check_inputs(case: Callable[[str], bytes]) -> None:
    graph = read_graph(case("nchw640"))
    assert check_inputs(graph.inputs[0], np.random.default_rng(0)).shape == (64, 3, 640, 640)


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_inputs_of_any_rank_are_noise_smooth_fields_and_extremes(dtype: str) -> None:
    info = read_graph(tiny_model()).inputs[0]
    for shape in ((), (5,), (3, 4), (6, 6, 3), (2, 3, 4, 5)):
        made = check_inputs(replace(info, shape=(1, *shape), dtype=dtype), np.random.default_rng(0))
        assert made.shape == (64, *shape)
        assert len(np.unique(made[:2].reshape(2, -1)[:, 0])) == 2
        assert np.isfinite(made.astype(float)).all()


@pytest.mark.parametrize(("side", "said"), [("inputs", "before anything writes it"), ("outputs", "has no output")])
def test_a_model_without_inputs_or_outputs_is_refused_before_it_is_run(side: str, said: str) -> None:
    def without(tree: Any) -> None:
        setattr(tree.subgraphs[0], side, np.zeros(0, np.int32))

    model = tiny_model(without)
    with pytest.raises(InputError, match=said):
        require_equal(model, model, np.random.default_rng(0))


def test_grey_models_get_grey_words_and_other_signals_none() -> None:
    def shaped(shape: tuple[int, ...], scale: float, zero: int) -> Any:
        def change(tree: Any) -> None:
            one = tree.subgraphs[0].tensors[0]
            one.shape = np.array(shape, np.int32)
            one.quantization.scale, one.quantization.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)
        return read_graph(tiny_model(change))

    grey = shaped((1, 96, 96, 1), 1.0, -128)
    assert is_picture(grey.inputs[0])
    assert kind_words(grey.inputs[0], grey.outputs) == "int8 image model, 96 x 96 grey pixels of 1 channel, int8"
    assert "RGB picture" not in preprocessing(grey.inputs[0])["takes"]
    assert "0..255" in preprocessing(grey.inputs[0])["values"]
    for signal in (shaped((1, 49, 10, 1), 0.58, 83), shaped((1, 1960), 0.1, -128), shaped((1, 96, 96, 1), 0.58, 83)):
        assert not is_picture(signal.inputs[0])
        assert "pixel" not in kind_words(signal.inputs[0], signal.outputs)
        assert preprocessing(signal.inputs[0])["picture"] is False


def test_golden_inputs_of_a_vector_differ_and_reach_both_ends() -> None:
    vectors = golden_inputs((1, 640), "int8", 8)
    assert len({hashlib.sha256(codes.tobytes()).digest() for codes in vectors}) == 8
    assert (vectors[6].max(), vectors[7].min()) == (-128, 127)


@pytest.mark.parametrize(("name", "method"), [
    ("BATCH_MATMUL", "AddBatchMatMul"), ("UNIDIRECTIONAL_SEQUENCE_LSTM", "AddUnidirectionalSequenceLSTM"), ("PADV2", "AddPadV2"),
    ("CUMSUM", "AddCumSum"), ("L2_POOL_2D", "AddL2Pool2D"), ("RESIZE_NEAREST_NEIGHBOR", "AddResizeNearestNeighbor"),
    ("SELECT_V2", "AddSelectV2"), ("SVDF", "AddSvdf"), ("RELU6", "AddRelu6")])
def test_resolver_names(name: str, method: str) -> None:
    assert resolver_calls([name]) == (method,)


def test_operators_without_a_method_are_named() -> None:
    with pytest.raises(InputError, match="TILE"):
        resolver_calls(["CONV_2D", "TILE"])


def test_every_resolver_name_is_one_of_tflms(shared: Path) -> None:
    path = shared / "cases" / "tflm_resolver_names.txt"
    if not path.is_file():
        pytest.skip("needs the list of TFLM's names")
    there = set(path.read_text().split())
    assert {f"Add{method}" for method in _METHODS} <= there
    builtin = {name.replace("_", "").lower(): name for name in vars(schema.BuiltinOperator) if name.isupper()}
    missed = {name for name in there if name[3:].lower() in builtin} - {f"Add{method}" for method in _METHODS}
    assert missed <= {"AddCustom", "AddDelay"}


def test_macs_of_transposed_convolutions_lstms_and_products() -> None:
    # 5 x 4 pixels of 3 channels, each with 2 x 2 taps for 6 outputs.
    shapes = ((4,), (6, 2, 2, 3), (1, 5, 4, 3), (1, 10, 8, 6))
    assert operator_macs("TRANSPOSE_CONV", (0, 1, 2), (3,), shapes) == 5 * 4 * 3 * 2 * 2 * 6
    # 7 steps of 10 features into 4 gates of 8 units, and 8 units back into each gate; biases count none.
    lstm = ((1, 7, 10), *[(8, 10)] * 4, *[(8, 8)] * 4, (8,), (1, 7, 8))
    inputs = (0, 1, 2, 3, 4, 5, 6, 7, 8, -1, -1, -1, 9, 9, 9, 9, -1, -1)
    assert operator_macs("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, (10,), lstm) == 7 * (4 * 8 * 10 + 4 * 8 * 8)
    assert operator_macs("BATCH_MATMUL", (0, 1), (2,), ((2, 49, 8), (2, 8, 5), (2, 49, 5))) == 2 * 49 * 8 * 5
    with pytest.raises(InputError, match="TRANSPOSE_CONV has filters"):
        operator_macs("TRANSPOSE_CONV", (0,), (3,), shapes)


@pytest.mark.parametrize("name", ["se_sigmoid_gray", "keras3_hswish", "nchw640", "mlc_kws_int8", "tflm_micro_speech"])
def test_generated_c_of_others_models_is_exact(name: str, case: Callable[[str], bytes]) -> None:
    for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
        pytest.importorskip(needed, reason="needs the extra mcu")
    model = case(name)
    assert emulate(model, generate(model, kernel_set("portable")), None, (), 3, silent).require_exact().compared_with == "TFLM"


def test_a_float_border_comes_off_and_the_codes_stay(case: Callable[[str], bytes]) -> None:
    model = case("te_vww")
    with pytest.raises(InputError, match="takes float32") as raised:
        require_codes(read_graph(model))
    assert "--strip-float-io" in raised.value.fix
    stripped = read_graph(strip_float_border(model).model)
    assert [tensor.dtype for tensor in (*stripped.inputs, *stripped.outputs)] == ["int8", "int8"]
    assert stripped.operator_counts.keys() == read_graph(model).operator_counts.keys() - {"QUANTIZE", "DEQUANTIZE"}
    require_codes(stripped)


def test_a_model_without_a_float_border_has_none_to_take_off() -> None:
    with pytest.raises(InputError, match="no float border"):
        strip_float_border(tiny_model())
