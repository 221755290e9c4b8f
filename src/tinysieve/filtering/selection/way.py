"""A way to select: it puts photos in an order, first choice first. A file and a line in the registry add one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.filter import Evidence

Rows = NDArray[np.int64]


class Way(ABC):
    """One way to select."""

    name: ClassVar[str]
    describes: ClassVar[str]
    # Kinds of evidence that it reads, of tinysieve.filtering.filter.KINDS.
    needs: ClassVar[tuple[str, ...]]

    @abstractmethod
    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """The given rows, first choice first.

        Args:
            evidence: of all N samples.
            rows: int64 [M], whom to order.
            labels: int8 [M], their current labels.
            rng: for what is random in it.
        """


def highest_first(rows: Rows, values: NDArray[np.floating]) -> Rows:
    """Rows by their value; equal ones in the order in which they came.

    >>> highest_first(np.array([7, 8, 9]), np.array([.1, .5, .5])).tolist()
    [8, 9, 7]
    """
    return rows[np.argsort(-values, kind="stable")]
