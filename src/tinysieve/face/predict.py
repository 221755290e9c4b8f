"""Scores of a model for images as a notebook has them, with the names that are known of them."""

from __future__ import annotations

from collections.abc import Sequence

from tinysieve.face.model_results import Predictions
from tinysieve.face.pictures import AnyImage, resized
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import Progress
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.quantize.tflite.io_contract import CHALLENGE, CLASSES, Stated

SCORES = len(CLASSES)
UNNAMED = ("class 0", "class 1")


def predictions(model: bytes, images: Sequence[AnyImage], names: Sequence[str] | None, progress: Progress) -> Predictions:
    """Answers by LiteRT's reference kernels.

    Args:
        model: a .tflite file.
        images: paths, Pillow images or arrays uint8 [H, W, 3].
        names: of the scores in the model's order; without, they are numbered. A person model's come in the program's order.
        progress: called with (images done, images in all).

    Raises:
        InputError: an image that cannot be read, names that do not fit, or a model that is no 8-bit classifier of two classes.
    """
    order = UNNAMED if names is None else tuple(names)
    if len(order) != SCORES or len(set(order)) != SCORES:
        raise InputError(f"class_names are {list(order)[:10]}, the model gives {SCORES} scores",
                         fix="give each score its own name")
    shown = CLASSES if set(order) == set(CLASSES) else (order[0], order[1])
    runner = LiteRTReference(model, CHALLENGE if names is None else Stated(class_order=order, classes=shown))
    height, width, _ = runner.contract.image_shape
    return Predictions(runner.predict_logits(resized(images, height, width), progress), shown, images)
