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

from tinysieve.ground.child_process import child_environment, stop_reason
from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflm.interpreter_child import TFLM, outputs_apart, tflm_outputs

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
        if not len(images):
            return np.empty((0, 2), np.int8)
        outputs = outputs_apart(TFLM, model, [encode(images)])[0]
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
            raise InputError(f"TFLM stopped: {stop_reason(child.returncode, message.encode())}",
                             why="the model cannot be scored under TFLM",
                             fix="convert to full-integer int8 with operators that TFLM knows")
        outputs.append(np.load(folder / f"answers{part}.npy"))
        progress(sum(map(len, outputs)), total)
    return outputs


def _child(folder: Path, part: str) -> None:
    codes = np.load(folder / f"codes{part}.npy")
    try:
        answers = tflm_outputs((folder / "model.tflite").read_bytes(), [codes])[0]
    except InputError as error:
        sys.exit(error.what)
    np.save(folder / f"answers{part}.npy", answers)


if __name__ == "__main__":
    _child(Path(sys.argv[1]), sys.argv[2])
