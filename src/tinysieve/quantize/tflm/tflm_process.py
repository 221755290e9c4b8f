"""TFLM on many images: it holds Python's interpreter lock, so more than one core takes more than one process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.child_process import child_environment
from tinysieve.ground.errors import InputError
from tinysieve.ground.native_messages import captured_messages
from tinysieve.quantize.tflm.arena import refusal, tflm_runtime

ALONE = 40  # images under which a process costs more than it gains


def run(
    model: bytes, encode: Callable[[NDArray[np.uint8]], NDArray], images: NDArray[np.uint8],
    progress: Callable[[int, int], None],
) -> NDArray:
    """Output codes [N, ...] of every image, ``encode``d to the model's input codes.

    Raises:
        InputError: TFLM cannot run the model.
    """
    cores = os.cpu_count() or 1
    if len(images) <= ALONE or cores == 1:
        outputs = _answers(model, encode(images))
        progress(len(images), len(images))
        return outputs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(model)
        # Children of subprocess, not multiprocessing: that would run the caller's script again in each child.
        children = [_start(folder, part, encode(images[rows[0]:rows[-1] + 1]))
                    for part, rows in enumerate(np.array_split(np.arange(len(images)), cores))]
        return np.concatenate(_collect(folder, children, len(images), progress))


def _start(folder: Path, part: int, codes: NDArray) -> subprocess.Popen[str]:
    np.save(folder / f"codes{part}.npy", codes)
    return subprocess.Popen([sys.executable, "-m", "tinysieve.quantize.tflm.tflm_process", str(folder), str(part)],
                            stderr=subprocess.PIPE, text=True, env=child_environment())


def _collect(
    folder: Path, children: list[subprocess.Popen[str]], total: int, progress: Callable[[int, int], None]
) -> list[NDArray]:
    outputs: list[NDArray] = []
    messages = [child.communicate()[1] for child in children]
    for part, (child, message) in enumerate(zip(children, messages, strict=True)):
        if child.returncode:
            raise InputError(f"TFLM stopped: {message.strip()[-400:]}", why="the model cannot be scored under TFLM",
                             fix="convert to full-integer int8 with operators that TFLM knows")
        outputs.append(np.load(folder / f"answers{part}.npy"))
        progress(sum(map(len, outputs)), total)
    return outputs


def _answers(model: bytes, codes: NDArray) -> NDArray:
    if not len(codes):
        return np.empty((0, 2), codes.dtype)
    failure, answers = None, []
    with captured_messages() as messages:
        try:
            # Ten times the file is TFLM's own guess; a small file with large activations needs the second term.
            arena_bytes = 10 * len(model) + 64 * codes[0].nbytes + 2**20
            interpreter = tflm_runtime().Interpreter.from_bytes(model, arena_size=arena_bytes)
            for code in codes:
                interpreter.set_input(code[None], 0)
                interpreter.invoke()
                answers.append(interpreter.get_output(0).copy())
        except (RuntimeError, ValueError) as error:
            failure = error
    if failure is not None:
        raise refusal(messages.text, failure) from failure
    return np.concatenate(answers)


def _child(folder: Path, part: str) -> None:
    answers = _answers((folder / "model.tflite").read_bytes(), np.load(folder / f"codes{part}.npy"))
    np.save(folder / f"answers{part}.npy", answers)


if __name__ == "__main__":
    _child(Path(sys.argv[1]), sys.argv[2])
