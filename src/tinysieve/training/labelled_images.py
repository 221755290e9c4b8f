"""The images that a model is trained or validated on, checked before a minute of training is spent on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.packed_pixels import PixelRows
from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class LabelledImages:
    """N images of one split, picked out of the packed pixels.

    Args:
        pixels: uint8 [M, S, S, 3], the packed images of all splits, usually a memory map.
        rows: int [N], which rows of `pixels`.
        labels: int [N], codes of the two classes, 0 or 1, aligned with `rows`.
        split: what messages call it, "train" or "validation".
        classes: what messages call the two classes.
    """

    pixels: PixelRows
    rows: NDArray[np.integer]
    labels: NDArray[np.integer]
    split: str
    classes: ClassNames = PERSON_TASK

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        """Side of the images in pixels."""
        return int(self.pixels.shape[1])

    def check(self) -> None:
        """Raise InputError unless both classes are there and every row and label is usable."""
        self._check_pixels()
        self._check_rows()
        unusable = np.flatnonzero((self.labels != 0) & (self.labels != 1))
        if len(unusable):
            raise InputError(
                f"label {int(self.labels[unusable[0]])} in split {self.split!r}; {len(unusable)} such labels among {len(self)}",
                where=f"row {int(self.rows[unusable[0]])}",
                why="training needs labels 0 ({}) and 1 ({})".format(*self.classes.in_code_order),
                fix="leave unlabeled and dropped images out",
            )
        for code, name in enumerate(self.classes.in_code_order):
            if not np.any(self.labels == code):
                raise InputError(
                    f"no image of class {name!r} among the {len(self)} images of split {self.split!r}",
                    why="a class without images cannot be learned or measured",
                    fix="check the labels, the split, and what the policy dropped",
                )

    def _check_pixels(self) -> None:
        shape = self.pixels.shape
        if self.pixels.dtype != np.uint8 or len(shape) != 4 or shape[1] != shape[2] or shape[3] != 3:
            raise InputError(
                f"pixels are {self.pixels.dtype} {list(shape)}, not uint8 [N, size, size, 3]",
                where=f"split {self.split!r}",
                fix="pack the images again",
            )

    def _check_rows(self) -> None:
        if len(self.rows) == 0:
            raise InputError(
                f"split {self.split!r} is empty",
                why="training and measuring need images",
                fix=f"give images to {self.split}",
            )
        if len(self.rows) != len(self.labels):
            raise InputError(f"{len(self.rows)} rows but {len(self.labels)} labels in split {self.split!r}")
        if self.rows.min() < 0 or self.rows.max() >= len(self.pixels):
            raise InputError(
                f"row {int(self.rows.max())} of split {self.split!r}, but only {len(self.pixels)} images are packed",
                fix="pack the images again: the labels belong to another data set",
            )

    def digest(self) -> str:
        """SHA-256 of rows, labels and the pixels' shape; the pixels themselves are the caller's to vouch for."""
        state = hashlib.sha256(repr(self.pixels.shape).encode())
        state.update(np.ascontiguousarray(self.rows, np.int64).tobytes())
        state.update(np.ascontiguousarray(self.labels, np.int8).tobytes())
        return state.hexdigest()


def check_disjoint(train: LabelledImages, validation: LabelledImages) -> None:
    """Raise InputError where an image is in both splits of the same packed pixels."""
    shared = np.intersect1d(train.rows, validation.rows) if train.pixels is validation.pixels else np.empty(0, np.int64)
    if len(shared):
        raise InputError(
            f"{len(shared)} images are in split {train.split!r} and in split {validation.split!r}",
            where=f"row {int(shared[0])}",
            why="the best epoch would be chosen on training images",
            fix="split the data so that no image is in both",
        )
