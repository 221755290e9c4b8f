"""Any classifier of the user's own as a witness: a `.tflite`, ONNX or Keras file that gives a number a class for an image."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.filtering.filter import IMAGE_MODEL, Evidence
from tinysieve.filtering.filters.probable_label import NEAREST, ProbabilityFilter
from tinysieve.filtering.score import log_odds
from tinysieve.ground.errors import InputError
from tinysieve.ground.settings import FilePath

# In medians of the margin: one absurd output does not set the scale. The penalty on the slope is next to none.
_LARGEST, _WEAK = 10.0, 1e4


@dataclass(frozen=True)
class ImageModel(ProbabilityFilter):
    """A model file whose outputs are one signal. What it eats and in which order it answers is stated, never guessed.

    Args:
        file: the model.
        kind: its format.
        side: pixels of the square it takes, where its input leaves that open.
        mean, std: it eats (pixel - mean) / std of RGB pixels 0..255.
        trusted: load a file that could run code; see `tinysieve.filtering.evidence.trusted_files`.
        classes: names of its outputs in order; the task's positive class must be among them. A single name: one output, of it.
        outputs: logits (softmax over the classes, sigmoid of one), or probabilities.
        sure: probability from which on it votes.
    """

    file: FilePath | None = None
    kind: Literal["tflite", "onnx", "keras"] = "tflite"
    side: Annotated[int, Field(ge=8, le=2048)] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    trusted: bool = False
    classes: tuple[str, ...] = ()
    outputs: Literal["logits", "probabilities"] = "logits"
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8

    name = "image_model"
    describes = "a model file of your own that classifies images"

    def __post_init__(self) -> None:
        if self.enabled and (self.file is None or not self.classes):
            missing = "file" if self.file is None else "classes"
            raise InputError(f"filter.image_model has no '{missing}'", fix=f"set filter.image_model.{missing}",
                             why="the file and the order of its outputs are never guessed")

    @property
    def needs(self) -> tuple[str, ...]:
        """The model's outputs."""
        return (IMAGE_MODEL,)

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """Hash of the model; "missing" where it is not there, so that the stage says so."""
        if self.file is None or not self.file.is_file():
            return {"model": "missing"}
        return {"model": hashlib.blake2b(self.file.read_bytes(), digest_size=8).hexdigest()}

    def probabilities(self, evidence: Evidence) -> NDArray[np.floating]:
        """The model's margin, calibrated."""
        return calibrated(evidence.image_model, evidence.trusted)


def calibrated(margin: NDArray[np.floating], trusted: Codes) -> NDArray[np.float32]:
    """P(positive) from a model's margin, by Platt's scaling on the labels at hand (Platt 1999): an int8 model's logits may be off
    by any factor, and another data set has another share of positives. Order never changes.

    Args:
        margin: float [N], log-odds as the model gives them.
        trusted: int8 [N], UNLABELED for samples that must not teach; without both classes the margin is taken as it is.

    Returns:
        float32 [N] in (0, 1).

    >>> calibrated(np.array([-900.0, -300.0, 300.0, 900.0]), np.array([0, 0, 1, 1], np.int8)).round() == [0, 0, 1, 1]
    array([ True,  True,  True,  True])
    """
    # scikit-learn takes a second to import.
    from sklearn.linear_model import LogisticRegression

    scale = max(float(np.median(np.abs(margin))), 1e-6)
    values = np.clip(np.asarray(margin, np.float64) / scale, -_LARGEST, _LARGEST)[:, np.newaxis]
    known = trusted > UNLABELED
    if len(np.unique(trusted[known])) < len((NEGATIVE, POSITIVE)):
        return np.asarray(0.5 + 0.5 * np.tanh(0.5 * np.asarray(margin)), np.float32)
    fitted = LogisticRegression(C=_WEAK).fit(values[known], trusted[known])
    slope, offset = max(float(fitted.coef_[0, 0]), 0.0), float(fitted.intercept_[0])
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * (slope * values[:, 0] + offset)), np.float32)


def positive_column(order: tuple[str, ...], task: ClassNames) -> int:
    """Which output is the positive class.

    Raises:
        InputError: none is.
    """
    if task.positive not in order:
        raise InputError(f"the model's classes {', '.join(order)} lack '{task.positive}'", where="filter.image_model.classes",
                         fix=f"name the output that stands for '{task.positive}' so")
    return order.index(task.positive)


def positive_margin(outputs: NDArray[np.floating], column: int, classes: int, kind: str) -> NDArray[np.float32]:
    """Log-odds of the positive class from a model's outputs.

    Args:
        outputs: float [N, K].
        column: of the positive class.
        classes: K as stated.
        kind: "logits" (softmax over the classes, sigmoid of one) or "probabilities".

    Returns:
        float32 [N], at most 60,000 either way, which float16 can hold.

    Raises:
        InputError: the model gives another number of outputs, or what is called probabilities is none.

    >>> positive_margin(np.array([[0., 0.], [0., 3.]]), 1, 2, "logits")
    array([0., 3.], dtype=float32)
    """
    if outputs.shape[1] != classes:
        raise InputError(f"the model gives {outputs.shape[1]} numbers an image, and filter.image_model.classes names {classes}",
                         fix="name each output once, in order")
    values = np.asarray(outputs, np.float64)
    if kind == "probabilities":
        if values.min(initial=0) < -1e-3 or values.max(initial=0) > 1 + 1e-3:
            raise InputError(f"outputs from {values.min():.3g} to {values.max():.3g} are no probabilities",
                             fix="set filter.image_model.outputs: logits")
        margin = log_odds(values[:, column], NEAREST)
    else:
        rest = np.zeros((len(values), 1)) if classes == 1 else np.delete(values, column, axis=1)
        margin = values[:, column] - np.logaddexp.reduce(rest, axis=1)
    return np.clip(margin, -6e4, 6e4).astype(np.float32)
