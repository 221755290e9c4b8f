"""Which images set the int8 ranges: the same number of each class, drawn with a seed, and listed in the result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.ground.errors import InputError


def choose_calibration(
    labels: NDArray[np.integer], count: int, rng: np.random.Generator, classes: ClassNames = PERSON_TASK,
) -> NDArray[np.int64]:
    """Rows of ``count`` images, as many positives as negatives where there are enough, in ascending order.

    A class with fewer images than its half gives all it has and the other fills up. Rows with other codes
    (-1 unlabelled, -2 dropped) are never chosen.

    Args:
        labels: int [N], 0 and 1 for the two classes, negative for neither.
        count: images wanted, at least 2; fewer come back only when fewer are labelled.
        rng: source of the draw; the same state gives the same rows.
        classes: what messages call the two classes.

    Raises:
        InputError: count under 2, or a class without any image.
    """
    if count < 2:
        raise InputError(f"{count} calibration images, at least 2 are needed (one a class)",
                         why="a range set by one class clips the other", fix="raise the calibration count")
    rows = [np.flatnonzero(np.asarray(labels) == code) for code in (0, 1)]
    for name, own in zip(classes.in_code_order, rows, strict=True):
        if not len(own):
            raise InputError(f"no {name} image to calibrate with", why="a range set by one class clips the other",
                             fix="calibrate with labelled training images of both classes")
    half = count // 2
    positives = min(len(rows[1]), max(half, count - len(rows[0])))
    negatives = min(len(rows[0]), count - positives)
    chosen = [rng.choice(own, size=take, replace=False)
              for own, take in zip(rows, (negatives, positives), strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)
