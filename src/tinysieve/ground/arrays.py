"""Short names for arrays by what they hold; shapes stand in the docstrings of those who use them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Pixels = NDArray[np.uint8]
