"""Text columns from codes, so that the same table is the same file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def worded(codes: NDArray[np.integer], words: Sequence[str]) -> pa.DictionaryArray:
    """Text by code, each word stored once.

    Of a dictionary that holds a value twice, Arrow writes a Parquet page of bytes that nothing decides.

    Args:
        codes: int [N], places in `words`.
        words: texts, of which some may be equal.

    >>> worded(np.array([0, 2, 1], np.int8), ["a", "b", "a"]).indices.to_pylist()
    [0, 0, 1]
    """
    encoded = pa.array(words, pa.string()).dictionary_encode()
    distinct = encoded.indices.to_numpy().astype(codes.dtype)
    return pa.DictionaryArray.from_arrays(pa.array(distinct[codes]), encoded.dictionary)
