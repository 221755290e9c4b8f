"""An ONNX model as backbone, by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.backbones.model_backbone import FloatArray, ModelBackbone, Preparation, image_side
from tinysieve.ground.errors import InputError, MissingRequirement


def open_onnx(path: Path, preparation: Preparation, side: int | None = None) -> ModelBackbone:
    """Load the model; its first output is the features.

    Raises:
        MissingRequirement: ONNX Runtime is not installed.
        InputError: not an ONNX model with one float image as input.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingRequirement(f"ONNX Runtime is not installed: {error}", fix="pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    # What onnxruntime raises for a broken file derives from nothing but Exception.
    except Exception as error:
        raise InputError(f"cannot be loaded as ONNX: {error}"[:300], where=str(path)) from error
    image, *more = session.get_inputs()
    if more or image.type != "tensor(float)":
        types = ", ".join(port.type for port in session.get_inputs())
        raise InputError(f"the model takes {types}, expected one float image", where=str(path))
    pixels, channels_first = image_side(image.shape, side, path)
    output = session.get_outputs()[0].name

    def run(prepared: FloatArray) -> NDArray[np.float32]:
        given = np.ascontiguousarray(prepared.transpose(0, 3, 1, 2)) if channels_first else prepared
        made = np.asarray(session.run([output], {image.name: given})[0], np.float32)
        return made.transpose(0, 2, 3, 1) if channels_first and made.ndim == 4 else made

    return ModelBackbone(path, run, pixels, preparation)
