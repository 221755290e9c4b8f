"""Two ways to run a .tflite that may back a claim.

LiteRT's reference kernels compute what a microcontroller computes, but for a code at a dense layer; TFLM is the
microcontroller's own code. XNNPACK, the desktop default, differs from both and is never used.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError
from tinysieve.ground.native_messages import captured_messages
from tinysieve.ground.progress import Progress, silent
from tinysieve.quantize.tflite.io_contract import CHALLENGE, Stated, describe_io
from tinysieve.quantize.tflm import tflm_process
from tinysieve.quantize.tflm.arena import tflm_runtime

CHUNK = 32


def open_interpreter(model: bytes) -> Any:
    """A LiteRT interpreter with the reference kernels and one thread, tensors allocated.

    Raises:
        InputError: LiteRT refuses the model.
    """
    try:
        with captured_messages():
            interpreter = Interpreter(
                model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"LiteRT refuses the model: {error}", why="it cannot be scored",
                         fix="convert it again, or run it with TFLM") from error
    return interpreter


def run_codes(interpreter: Any, codes: NDArray) -> NDArray:
    """Output codes [N, ...] of input codes [N, ...] of a model with one input and one output, one at a time."""
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    answers = []
    for code in codes:
        interpreter.set_tensor(source, code[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(target))
    return np.concatenate(answers)


class LiteRTReference:
    """LiteRT's reference kernels: about 30 ms an image of MCUNet a core; what accuracies are claimed with.

    One interpreter a thread; it runs outside Python's lock, so threads use every core.
    """

    name = "LiteRT reference kernels"

    def __init__(self, model: bytes, stated: Stated = CHALLENGE) -> None:
        """Raises InputError where the file is not what is stated, or LiteRT refuses it."""
        self.contract = describe_io(model, stated).require()
        self._model = bytes(model)
        open_interpreter(self._model)  # a model that LiteRT refuses is refused here, not at the first image

    def raw_outputs(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray:
        """Output codes [N, ...] of images uint8 [N, height, width, 3].

        Raises:
            InputError: images of another size or type than the model's.
        """
        self.contract.check_images(images)
        # Equal shares, one interpreter each: a queue of chunks would gain nothing, every image costs the same.
        shares = np.array_split(np.arange(len(images)), min(os.cpu_count() or 1, max(1, len(images))))
        interpreters = [open_interpreter(self._model) for _ in shares]  # here: the capture of messages is not for threads
        done = [0] * len(shares)

        def work(part: int) -> NDArray:
            interpreter, rows = interpreters[part], shares[part]
            outputs = [self._first_output(interpreter)]
            for start in range(0, len(rows), CHUNK):
                chunk = rows[start:start + CHUNK]
                outputs.append(run_codes(interpreter, self.contract.encode(images[chunk[0]:chunk[-1] + 1])))
                done[part] += len(chunk)
                progress(sum(done), len(images))
            return np.concatenate(outputs)

        with ThreadPoolExecutor(len(shares)) as pool:
            return np.concatenate(list(pool.map(work, range(len(shares)))))

    def predict_logits(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray[np.float32]:
        """Dequantized scores float32 [N, 2], columns in the order of the labels' codes."""
        return self.contract.decode(self.raw_outputs(images, progress))

    def _first_output(self, interpreter: Any) -> NDArray:
        output = interpreter.get_output_details()[0]
        return np.empty((0, *output["shape"][1:]), output["dtype"])


class TFLM:
    """TensorFlow Lite for Microcontrollers, x86-64 build; about 50 ms an image of MCUNet a core."""

    name = "TFLM"

    def __init__(self, model: bytes, stated: Stated = CHALLENGE) -> None:
        """Raises MissingRequirement without tflite-micro, InputError where the file is not what is stated."""
        tflm_runtime()
        self.contract = describe_io(model, stated).require()
        self._model = bytes(model)

    def raw_outputs(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray:
        """Output codes [N, ...] of images uint8 [N, height, width, 3]; more than a few run in processes.

        Raises:
            InputError: images of another size or type than the model's, or TFLM cannot run the model.
        """
        self.contract.check_images(images)
        outputs = tflm_process.run(self._model, self.contract.encode, images, progress)
        return outputs.reshape(len(images), *self.contract.output.shape[1:])

    def predict_logits(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray[np.float32]:
        """Dequantized scores float32 [N, 2], columns in the order of the labels' codes."""
        return self.contract.decode(self.raw_outputs(images, progress))
