"""Whether two models answer alike, bit for bit, under every interpreter that runs them: no pass is trusted without."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError, TinysieveError
from tinysieve.ground.progress import Progress, part, silent
from tinysieve.quantize.tflite.graph import TensorInfo, read_graph
from tinysieve.quantize.tflm.interpreter_child import LITERT, TFLM, outputs_apart

CHECKED_INPUTS = 64
EXTREMES = 8
# So many are run before the count moves: half a second for MCUNet on a quiet core.
RUN_TOGETHER = 8
MOST_CHANNELS = 512


@dataclass(frozen=True)
class Equality:
    """On how many inputs two models gave the same bytes, by interpreter; ``not_checked`` says where neither could run."""

    inputs: int
    checked_with: tuple[str, ...]
    not_checked: tuple[str, ...]


class DifferentOutputs(TinysieveError):
    """A rewritten model does not answer as the original does."""

    exit_code = 2


def require_equal(original: bytes, rewritten: bytes, rng: np.random.Generator, progress: Progress = silent) -> Equality:
    """Run both, side by side, on random, smooth and extreme inputs; return how it was checked. ``progress`` counts inputs.

    Raises:
        DifferentOutputs: an output differs, or only one of the two runs.
        InputError: no interpreter runs the original, or it has no input or no output.
    """
    graph = read_graph(original)
    for what, tensors in (("input", graph.inputs), ("output", graph.outputs)):
        if not tensors:
            raise InputError(f"the model has no {what}", why="nothing could be checked", fix=f"give a model with an {what}")
    inputs = [check_inputs(info, rng) for info in graph.inputs]
    checked, missing = [], []
    with ThreadPoolExecutor(1) as beside:
        for done, name in enumerate((LITERT, TFLM)):
            answers = beside.submit(_answers, name, rewritten, inputs, 1, part(progress, done / 2, done / 2 + 0.5))
            try:
                expected = _answers(name, original, inputs, 0, silent)
            except TinysieveError as error:
                missing.append(error.what if error.what.startswith(name) else f"{name}: {error.what}")
                continue
            _compare(name, expected, answers)
            checked.append(name)
    progress(1, 1)
    if not checked:
        raise InputError("no interpreter runs the model: " + "; ".join(missing),
                         why="nothing could be checked", fix="convert the model again")
    return Equality(CHECKED_INPUTS, tuple(checked), tuple(missing))


def _compare(name: str, expected: NDArray[np.uint8], rewritten: Future[NDArray[np.uint8]]) -> None:
    try:
        answers = rewritten.result()
    except TinysieveError as error:
        raise DifferentOutputs(f"{name} runs the original but not the result: {error.what}",
                               why="the passes are not exact for this model", fix="keep the original") from error
    same = (answers == expected).all(1) if answers.shape == expected.shape else np.zeros(len(expected), bool)
    if not same.all():
        raise DifferentOutputs(f"{name}: {int((~same).sum())} of {len(same)} inputs give other outputs",
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
    if not shape:
        return rng.random(shape, np.float32)
    if len(shape) != 3:
        return np.cumsum(rng.normal(size=shape), axis=-1).astype(np.float32) % 1
    small = rng.random((4, 4, shape[2]), np.float32)
    # OpenCV takes no more channels at once: an NCHW picture has as many as it has columns.
    pieces = [cv2.resize(small[..., at:at + MOST_CHANNELS], shape[1::-1], interpolation=cv2.INTER_CUBIC).reshape(*shape[:2], -1)
              for at in range(0, shape[2], MOST_CHANNELS)]
    return np.clip(np.concatenate(pieces, axis=-1), 0, 1)


def _half(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """0 in the upper half, 1 in the lower."""
    field = np.zeros(shape, np.float32)
    if shape:
        field[len(field) // 2:] = 1
    return field


def _answers(interpreter: str, model: bytes, inputs: Sequence[NDArray], child: int, progress: Progress) -> NDArray[np.uint8]:
    """The bytes of all outputs, one row an input, from the child of that number."""
    rows = []
    for first in range(0, CHECKED_INPUTS, RUN_TOGETHER):
        outputs = outputs_apart(interpreter, model, [codes[first:first + RUN_TOGETHER] for codes in inputs], child)
        rows.append(np.concatenate([np.ascontiguousarray(codes).reshape(len(codes), -1).view(np.uint8) for codes in outputs], 1))
        progress(first + RUN_TOGETHER, CHECKED_INPUTS)
    return np.concatenate(rows)
