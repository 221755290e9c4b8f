"""Which part of a path names the split and which the class, in the trees that exporters write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

_DEEPEST = 6


@dataclass(frozen=True)
class Parts:
    """The folders of paths: `at(n)` is the n-th folder's name, null where the path has fewer."""

    paths: pa.Array

    def at(self, place: int) -> pa.Array:
        """string [N]."""
        name = pc.replace_substring_regex(self.paths, rf"(?s)^(?:[^/]+/){{{place}}}([^/]+)/.*$", r"\1")
        deep = pc.greater(pc.count_substring(self.paths, "/"), place)
        return pc.if_else(deep, name, pa.scalar(None, pa.string()))

    def above(self, place: int) -> pa.Array:
        """string [N]: the folders before the n-th, with a slash behind each; null where there are fewer."""
        folders = pc.replace_substring_regex(self.paths, rf"(?s)^((?:[^/]+/){{{place}}}).*$", r"\1")
        return pc.if_else(pc.greater_equal(pc.count_substring(self.paths, "/"), place), folders, pa.scalar(None, pa.string()))


@dataclass(frozen=True)
class Layout:
    """Places of the folders that name the split and the class; None where no folder names a split.

    Args:
        words: the layout as a person would write it.
    """

    split: int | None
    label: int
    words: str

    @property
    def first(self) -> int:
        """The place of the outer one of the two."""
        return self.label if self.split is None else min(self.split, self.label)


def layouts() -> Iterator[Layout]:
    """The layouts that are known, the most usual first; within another folder or two after that."""
    for depth in range(_DEEPEST - 2):
        before = "/".join(["..."] * depth + [""])
        yield Layout(depth, depth + 1, f"{before}split/class")
        yield Layout(depth, depth + 2, f"{before}split/.../class")
        yield Layout(depth + 1, depth, f"{before}class/split")
        yield Layout(None, depth, f"{before}class, without folders of splits")
