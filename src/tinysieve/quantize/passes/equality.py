"""Whether two models answer alike, bit for bit, under every interpreter that runs them: no pass is trusted without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, MissingRequirement, TinysieveError
from tinysieve.ground.native_messages import captured_messages
from tinysieve.quantize.tflite.graph import TensorInfo, read_graph
from tinysieve.quantize.tflm import tflm_process
from tinysieve.quantize.tflm.arena import tflm_runtime

CHECKED_INPUTS = 64
EXTREMES = 8
LITERT, TFLM = "LiteRT reference kernels", "TFLM"



@dataclass(frozen=True)
class Equality:
    """On how many inputs two models gave the same bytes, by interpreter; ``not_checked`` says where neither could run."""

    inputs: int
    checked_with: tuple[str, ...]
    not_checked: tuple[str, ...]


class DifferentOutputs(TinysieveError):
    """A rewritten model does not answer as the original does."""

    exit_code = 2


def require_equal(original: bytes, rewritten: bytes, rng: np.random.Generator) -> Equality:
    """Run both on random, smooth and extreme inputs; return how it was checked.

    Raises:
        DifferentOutputs: an output differs, or only one of the two runs.
        InputError: no interpreter runs the original, or it has not one input.
    """
    graph = read_graph(original)
    if len(graph.inputs) != 1:
        raise InputError(f"the model has {len(graph.inputs)} inputs", why="only models with one are checked",
                         fix="give a model with one input")
    inputs = check_inputs(graph.inputs[0], rng)
    checked, missing = [], []
    for name, run in ((LITERT, _litert), (TFLM, _tflm)):
        try:
            expected = run(original, inputs)
        except TinysieveError as error:
            missing.append(f"{name}: {error.what}")
            continue
        _compare(name, expected, run, rewritten, inputs)
        checked.append(name)
    if not checked:
        raise InputError("no interpreter runs the model: " + "; ".join(missing),
                         why="nothing could be checked", fix="convert the model again")
    return Equality(len(inputs), tuple(checked), tuple(missing))


def _compare(name: str, expected: NDArray, run: Callable[[bytes, NDArray], NDArray], model: bytes, inputs: NDArray) -> None:
    try:
        answers = run(model, inputs)
    except TinysieveError as error:
        raise DifferentOutputs(f"{name} runs the original but not the result: {error.what}",
                               why="the passes are not exact for this model", fix="keep the original") from error
    same = (answers.view(np.uint8) == expected.view(np.uint8)).reshape(len(inputs), -1).all(1)
    if not same.all():
        raise DifferentOutputs(f"{name}: {int((~same).sum())} of {len(inputs)} inputs give other outputs",
                               why="the passes are not exact for this model", fix="keep the original")


def check_inputs(info: TensorInfo, rng: np.random.Generator) -> NDArray:
    """Inputs [CHECKED_INPUTS, ...] without the batch axis: noise, smooth fields, and the extremes of the type."""
    shape = info.shape[1:]
    flat = rng.random((CHECKED_INPUTS, *shape), np.float32)
    for index in range(EXTREMES, CHECKED_INPUTS, 2):
        flat[index] = _smooth(shape, rng)
    columns = np.arange(flat[0].size).reshape(shape) % 2
    flat[:EXTREMES] = np.stack([np.zeros(shape), np.ones(shape), np.full(shape, 0.5), columns, 1 - columns,
                                _half(shape), 1 - _half(shape), rng.integers(0, 2, shape)])
    if info.dtype in ("int8", "uint8", "int16"):
        limits = np.iinfo(info.dtype)
        return np.rint(limits.min + flat * (limits.max - limits.min)).astype(info.dtype)
    if info.dtype != "float32":
        raise InputError(f"the model takes {info.dtype}", why="no inputs are made of that type",
                         fix="give a model with int8, uint8 or float32 input")
    # Half of them as pixels 0..255, half around zero: a float input says nothing of its range.
    return np.where(np.arange(CHECKED_INPUTS).reshape(-1, *[1] * len(shape)) % 4 < 2, 255 * flat, 2 * flat - 1).astype(np.float32)


def _smooth(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random field that changes slowly along rows and columns."""
    if len(shape) != 3:
        return np.cumsum(rng.normal(size=shape), axis=-1).astype(np.float32) % 1
    small = rng.random((4, 4, shape[2]), np.float32)
    return np.clip(cv2.resize(small, shape[1::-1], interpolation=cv2.INTER_CUBIC).reshape(shape), 0, 1)


def _half(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """0 in the upper half, 1 in the lower."""
    field = np.zeros(shape, np.float32)
    field[len(field) // 2:] = 1
    return field


def _litert(model: bytes, inputs: NDArray) -> NDArray:
    try:
        with captured_messages():
            interpreter: Any = Interpreter(
                model_content=bytes(model), experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
            interpreter.allocate_tensors()
            source, answers = interpreter.get_input_details()[0]["index"], []
            for one in inputs:
                interpreter.set_tensor(source, one[None])
                interpreter.invoke()
                answers.append(np.concatenate([interpreter.get_tensor(detail["index"]).reshape(-1).view(np.uint8)
                                               for detail in interpreter.get_output_details()]))
    except (ValueError, RuntimeError) as error:
        raise InputError(f"refused: {str(error).splitlines()[0]}") from error
    return np.stack(answers)


def _tflm(model: bytes, inputs: NDArray) -> NDArray:
    try:
        tflm_runtime()
    except MissingRequirement as error:
        raise InputError(error.what) from error
    return np.ascontiguousarray(tflm_process.run(model, lambda codes: codes, inputs, lambda done, total: None))
