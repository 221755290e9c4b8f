"""Generated C of what makes pictures larger and multiplies activations: the codes of TFLM, whatever the shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from tiny_tflite import INT8, INT32, code, operator, packed, tensor

from tinysieve.ground.progress import silent
from tinysieve.quantize.firmware.kernel_sets import kernel_set

for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu and TFLM")
from tinysieve.quantize.firmware.c_program import generate  # noqa: E402
from tinysieve.quantize.firmware.emulate import emulate  # noqa: E402

BUILTIN, OPTIONS = schema.BuiltinOperator, schema.BuiltinOptions


def quantized(name: str, shape: tuple[int, ...], scale: float, zero: int, buffer: int = 0) -> Any:
    made = tensor(name, shape, INT8, buffer)
    made.quantization.scale, made.quantization.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)
    return made


def model_of(builtin: int, tensors: list[Any], data: list[np.ndarray], inputs: list[int], kind: int, options: Any) -> bytes:
    """One operator from tensor 0 to the last one; `data` are buffers 1, 2, ..."""
    tree, graph = schema.ModelT(), schema.SubGraphT()
    tree.version, tree.description, tree.operatorCodes = 3, b"one operator", [code(builtin)]
    tree.buffers = [schema.BufferT(), *(schema.BufferT(data=np.ascontiguousarray(part).view(np.uint8).reshape(-1))
                                        for part in data)]
    graph.tensors, graph.inputs = tensors, np.array([0], np.int32)
    graph.outputs = np.array([len(tensors) - 1], np.int32)
    graph.operators = [operator(0, inputs, [len(tensors) - 1], kind, options)]
    tree.subgraphs = [graph]
    return packed(tree)


def resized(builtin: int, shape: tuple[int, ...], size: tuple[int, int], corners: bool, centers: bool) -> bytes:
    is_nearest = builtin == BUILTIN.RESIZE_NEAREST_NEIGHBOR
    options = schema.ResizeNearestNeighborOptionsT() if is_nearest else schema.ResizeBilinearOptionsT()
    options.alignCorners, options.halfPixelCenters = corners, centers
    kind = OPTIONS.ResizeNearestNeighborOptions if is_nearest else OPTIONS.ResizeBilinearOptions
    return model_of(builtin, [quantized("image", shape, 0.5, 3), tensor("size", (2,), INT32, 1),
                              quantized("made", (1, *size, shape[3]), 0.5, 3)],
                    [np.array(size, np.int32)], [0, 1], kind, options)


def transposed_conv(shape: tuple[int, ...], made: tuple[int, ...], kernel: int, stride: int, padding: int) -> bytes:
    rng, options = np.random.default_rng(1), schema.TransposeConvOptionsT()
    options.strideH = options.strideW = stride
    options.padding = padding
    filters = tensor("filters", (made[3], kernel, kernel, shape[3]), INT8, 2, made[3])
    filters.quantization.scale = rng.uniform(0.001, 0.02, made[3]).astype(np.float32)
    return model_of(BUILTIN.TRANSPOSE_CONV,
                    [quantized("image", shape, 0.4, -7), tensor("shape", (4,), INT32, 1), filters,
                     tensor("bias", made[3:], INT32, 3), quantized("made", made, 0.3, 11)],
                    [np.array(made, np.int32), rng.integers(-127, 128, (made[3], kernel, kernel, shape[3])).astype(np.int8),
                     rng.integers(-999, 999, made[3]).astype(np.int32)], [1, 2, 0, 3], OPTIONS.TransposeConvOptions, options)


def tiled(shape: tuple[int, ...], times: tuple[int, ...]) -> bytes:
    made = tuple(length * many for length, many in zip(shape, times, strict=True))
    return model_of(BUILTIN.TILE, [quantized("image", shape, 0.5, 0), tensor("times", (len(times),), INT32, 1),
                                   quantized("made", made, 0.5, 0)], [np.array(times, np.int32)], [0, 1], 0, None)


def squared(shape: tuple[int, ...], made: tuple[int, ...], adj_x: bool, adj_y: bool) -> bytes:
    """The input times itself, transposed."""
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = adj_x, adj_y
    return model_of(BUILTIN.BATCH_MATMUL, [quantized("a", shape, 0.02, 5), quantized("made", made, 0.7, -20)], [], [0, 0],
                    OPTIONS.BatchMatMulOptions, options)


@pytest.mark.parametrize("model", [
    resized(BUILTIN.RESIZE_NEAREST_NEIGHBOR, (1, 5, 4, 3), (11, 8), False, True),
    resized(BUILTIN.RESIZE_NEAREST_NEIGHBOR, (1, 5, 7, 2), (3, 13), True, False),
    resized(BUILTIN.RESIZE_BILINEAR, (1, 4, 6, 3), (9, 12), False, True),
    resized(BUILTIN.RESIZE_BILINEAR, (1, 7, 5, 2), (3, 17), True, False),
    transposed_conv((1, 5, 6, 3), (1, 10, 12, 4), 3, 2, 0),
    transposed_conv((1, 4, 3, 2), (1, 13, 10, 3), 4, 3, 1),
    squared((1, 6, 4), (1, 6, 6), False, True), squared((1, 3, 4, 5), (1, 3, 5, 5), True, False)])
def test_answers_are_those_of_tflm(model: bytes) -> None:
    assert emulate(model, generate(model, kernel_set("portable")), None, (), 4, silent).require_exact().compared_with == "TFLM"


@pytest.mark.parametrize("model", [tiled((1, 3, 1, 4, 5), (1, 1, 2, 1, 1)), tiled((1, 2, 3, 2), (1, 2, 1, 3))])
def test_what_tflm_lacks_is_held_against_the_reference_kernels(model: bytes) -> None:
    emulated = emulate(model, generate(model, kernel_set("portable")), None, (), 4, silent).require_exact()
    assert emulated.compared_with.startswith("LiteRT reference kernels (TFLM cannot run the model: Didn't find op")
