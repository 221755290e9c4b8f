"""A Keras model (`.keras`) as backbone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.backbones.model_backbone import FloatArray, ModelBackbone, Preparation, image_side
from tinysieve.ground.errors import InputError, MissingRequirement


def open_keras(path: Path, preparation: Preparation, side: int | None = None, trusted: bool = False) -> ModelBackbone:
    """Load the model, unless `trusted` in safe mode, which refuses code inside the file; its output is the features.

    Raises:
        MissingRequirement: Keras is not installed.
        InputError: not a Keras model with one image as input.
    """
    try:
        import keras
    except ImportError as error:
        raise MissingRequirement(f"Keras is not installed: {error}", fix="pip install keras tensorflow-cpu") from error
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=not trusted)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(f"cannot be loaded as a Keras model: {error}"[:300], where=str(path), fix="save it as .keras") from error
    pixels, channels_first = image_side(list(model.input_shape), side, path)

    def run(prepared: FloatArray) -> NDArray[np.float32]:
        given = prepared.transpose(0, 3, 1, 2) if channels_first else prepared
        made = np.asarray(model.predict_on_batch(given), np.float32)
        return made.transpose(0, 2, 3, 1) if channels_first and made.ndim == 4 else made

    return ModelBackbone(path, run, pixels, preparation)
