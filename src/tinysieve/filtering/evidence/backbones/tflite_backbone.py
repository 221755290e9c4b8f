"""A `.tflite` model as backbone, float or quantized, by LiteRT."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.backbones.model_backbone import FloatArray, ModelBackbone, Preparation, image_side
from tinysieve.ground.errors import InputError, MissingRequirement


def open_tflite(path: Path, preparation: Preparation, side: int | None = None) -> ModelBackbone:
    """Load the model; its first output is the features.

    Raises:
        MissingRequirement: LiteRT is not installed.
        InputError: not a `.tflite` with one image as input.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingRequirement(f"LiteRT is not installed: {error}", fix="pip install ai-edge-litert") from error
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise InputError(f"cannot be loaded as .tflite: {error}", where=str(path)) from error
    (image, *more), outputs = interpreter.get_input_details(), interpreter.get_output_details()
    if more:
        raise InputError(f"the model has {1 + len(more)} inputs, expected one image", where=str(path))
    pixels, _ = image_side(image["shape"].tolist(), side, path)

    def run(prepared: FloatArray) -> NDArray[np.float32]:
        interpreter.set_tensor(image["index"], _quantized(prepared, image))
        interpreter.invoke()
        scale, zero = outputs[0]["quantization"]
        made = interpreter.get_tensor(outputs[0]["index"]).astype(np.float32)
        return np.asarray((made - zero) * scale if scale else made, np.float32)

    return ModelBackbone(path, run, pixels, preparation)


def _quantized(prepared: FloatArray, image: dict) -> NDArray:
    scale, zero = image["quantization"]
    if not scale:
        return prepared.astype(image["dtype"])
    limits = np.iinfo(image["dtype"])
    return np.clip(np.rint(prepared / scale + zero), limits.min, limits.max).astype(image["dtype"])
