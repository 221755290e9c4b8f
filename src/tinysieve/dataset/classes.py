"""The two classes of a task: what a label is called. Everything inside the program knows codes, only its edges know words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

NEGATIVE, POSITIVE = 0, 1
UNLABELED, DROPPED = -1, -2
NO_LABEL_WORD, DROPPED_WORD = "no label", "dropped"
# What already means something in a table, an answer, a tag or a folder beside the classes.
_RESERVED = frozenset({NO_LABEL_WORD, DROPPED_WORD, "no_label", "drop", "skip", "undo", "review", "none", "", "nan", "null",
                       "train", "val", "valid", "validation", "test", "unlabeled", "true", "false"})
# Class names are names of folders too, and stand in lists.
_FORBIDDEN = frozenset('/\\:*?"<>|,;')

Codes = NDArray[np.int8]


@dataclass(frozen=True)
class ClassNames:
    """Names of the class to be detected and of its absence.

    Raises:
        InputError: both are the same, or one is a word that means something else in tables and answers.

    >>> ClassNames("cat", "no_cat").names(np.array([1, 0, -1], np.int8)).to_pylist()
    ['cat', 'no_cat', None]
    """

    positive: str = "person"
    negative: str = "background"

    def __post_init__(self) -> None:
        for name in (self.positive, self.negative):
            if not _is_free(name):
                raise InputError(f"'{name}' cannot be the name of a class", where="task",
                                 why="it means something else in tables and answers, is a number, begins with a dot, has spaces "
                                     f"around it, or a sign that no folder can hold ({' '.join(sorted(_FORBIDDEN))})",
                                 fix="choose another name, of letters and digits")
        if self.positive.lower() == self.negative.lower():
            raise InputError(f"both classes are called '{self.positive}'", where="task", fix="use two different names")

    @property
    def in_code_order(self) -> tuple[str, str]:
        """(name of code 0, name of code 1): the class order of every model."""
        return self.negative, self.positive

    @property
    def positive_first(self) -> tuple[str, str]:
        """The order in which a person reads them: what is to be detected, then its absence."""
        return self.positive, self.negative

    @property
    def words(self) -> Mapping[int, str]:
        """What a person reads for each code, UNLABELED and DROPPED included."""
        return {NEGATIVE: self.negative, POSITIVE: self.positive, UNLABELED: NO_LABEL_WORD, DROPPED: DROPPED_WORD}

    def codes(self, labels: pa.Array | pa.ChunkedArray) -> Codes:
        """The two names or null -> int8 [N] codes.

        >>> ClassNames().codes(pa.array(["person", None, "background"]))
        array([ 1, -1,  0], dtype=int8)
        """
        codes = pc.fill_null(pc.index_in(labels, pa.array(self.in_code_order)), UNLABELED)
        return np.asarray(codes.to_numpy(), dtype=np.int8)

    def names(self, codes: Codes) -> pa.Array:
        """int8 [N] codes -> names, null where there is no label (unlabeled and dropped alike)."""
        return pa.array(self.in_code_order).take(pa.array(np.where(codes < 0, 0, codes), mask=codes < 0))

    def states(self, codes: Codes) -> pa.Array:
        """int8 [N] codes -> names, "dropped", or null where there is no label.

        >>> ClassNames().states(np.array([1, -2, -1], dtype=np.int8)).to_pylist()
        ['person', 'dropped', None]
        """
        return pc.if_else(pa.array(codes == DROPPED), DROPPED_WORD, self.names(codes))


def _is_free(name: str) -> bool:
    """Whether a class may be called so.

    >>> [_is_free(name) for name in ("hard hat", "Test", "7", ".cat", "a/b")]
    [True, False, False, False, False]
    """
    sound = name.isprintable() and name.strip() == name and not name.startswith(".") and not _FORBIDDEN & set(name)
    return sound and name.lower() not in _RESERVED and re.fullmatch(r"[-+]?\d+(\.\d*)?", name) is None


PERSON_TASK = ClassNames()
