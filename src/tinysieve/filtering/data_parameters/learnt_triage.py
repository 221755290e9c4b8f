"""The triage of a whole sample table, as a filter reads it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.samples import Mask


@dataclass(frozen=True, eq=False)
class LearntTriage:
    """What temperatures came to for N samples.

    Args:
        sigma: float [N], temperature when the triage looked; NaN where a sample took no part.
        codes: int8 [N], triage; UNLABELED where a sample took no part.
        wrong: bool [N], hard and not merely rare.
    """

    sigma: NDArray[np.floating]
    codes: Codes
    wrong: Mask
