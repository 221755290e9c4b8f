"""Two ways to run a .tflite that may back a claim.

LiteRT's reference kernels compute what a microcontroller computes, but for a code at a dense layer; TFLM is the
microcontroller's own code. XNNPACK, the desktop default, differs from both and is never used.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.progress import Progress, silent
from tinysieve.quantize.tflite.io_contract import CHALLENGE, Stated, describe_io
from tinysieve.quantize.tflm import tflm_process
from tinysieve.quantize.tflm.arena import tflm_runtime
from tinysieve.quantize.tflm.interpreter_child import LITERT, outputs_apart, require_runnable

CHUNK = 32


class LiteRTReference:
    """LiteRT's reference kernels: about 30 ms an image of MCUNet a core; what accuracies are claimed with.

    They run in processes of their own, one a core.
    """

    name = LITERT

    def __init__(self, model: bytes, stated: Stated = CHALLENGE) -> None:
        """Raises InputError where the file is not what is stated, or LiteRT refuses it."""
        self.contract = describe_io(model, stated).require()
        self._model = bytes(model)
        require_runnable(self._model)  # a model that LiteRT refuses is refused here, not at the first image

    def raw_outputs(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray:
        """Output codes [N, ...] of images uint8 [N, height, width, 3].

        Raises:
            InputError: images of another size or type than the model's.
        """
        self.contract.check_images(images)
        # Equal shares, one interpreter each: a queue of chunks would gain nothing, every image costs the same.
        shares = np.array_split(np.arange(len(images)), min(os.cpu_count() or 1, max(1, len(images))))
        done = [0] * len(shares)

        def work(part: int) -> NDArray:
            rows, output = shares[part], self.contract.output
            outputs = [np.empty((0, *output.shape[1:]), output.dtype)]
            for start in range(0, len(rows), CHUNK):
                chunk = rows[start:start + CHUNK]
                codes = self.contract.encode(images[chunk[0]:chunk[-1] + 1])
                outputs.append(outputs_apart(LITERT, self._model, [codes], part)[0])
                done[part] += len(chunk)
                progress(sum(done), len(images))
            return np.concatenate(outputs)

        with ThreadPoolExecutor(len(shares)) as pool:
            return np.concatenate(list(pool.map(work, range(len(shares)))))

    def predict_logits(self, images: NDArray[np.uint8], progress: Progress = silent) -> NDArray[np.float32]:
        """Dequantized scores float32 [N, 2], columns in the order of the labels' codes."""
        return self.contract.decode(self.raw_outputs(images, progress))


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
