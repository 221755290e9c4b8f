"""Which images set the int8 ranges: the same number of each class, drawn with a seed, and listed in the result."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError


def choose_calibration(
    labels: NDArray[np.integer], count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Rows of ``count`` images, as many persons as backgrounds where there are enough, in ascending order.

    A class with fewer images than its half gives all it has and the other fills up. Rows with other codes
    (-1 unlabelled, -2 dropped) are never chosen.

    Args:
        labels: int [N], 0 background, 1 person, negative for neither.
        count: images wanted, at least 2; fewer come back only when fewer are labelled.
        rng: source of the draw; the same state gives the same rows.

    Raises:
        InputError: count under 2, or a class without any image.
    """
    if count < 2:
        raise InputError(f"{count} calibration images, at least 2 are needed (one a class)",
                         why="a range set by one class clips the other", fix="raise the calibration count")
    rows = [np.flatnonzero(np.asarray(labels) == code) for code in (0, 1)]
    for name, found in zip(("background", "person"), rows, strict=True):
        if not len(found):
            raise InputError(f"no {name} image to calibrate with", why="a range set by one class clips the other",
                             fix="calibrate with labelled training images of both classes")
    half = count // 2
    persons = min(len(rows[1]), max(half, count - len(rows[0])))
    backgrounds = min(len(rows[0]), count - persons)
    chosen = [rng.choice(found, size=take, replace=False)
              for found, take in zip(rows, (backgrounds, persons), strict=True)]
    return np.sort(np.concatenate(chosen)).astype(np.int64)
