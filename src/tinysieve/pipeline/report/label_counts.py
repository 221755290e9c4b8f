"""How many images have which label, in which split and version, and how that changed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import Version

# The order of all counts by label here.
KINDS = (POSITIVE, NEGATIVE, UNLABELED, DROPPED)


@dataclass(frozen=True)
class VersionRow:
    """One version on the way from 0 to the current one; its training images by label, in the order of KINDS."""

    id: str
    note: str
    changes: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CountRow:
    """Images of one split by label, at version 0 and now, in the order of KINDS."""

    split: str
    before: tuple[int, ...]
    after: tuple[int, ...]


def label_titles(classes: ClassNames) -> tuple[str, ...]:
    """What stands above counts in the order of KINDS.

    >>> label_titles(ClassNames("cat", "no cat"))
    ('cat', 'no cat', 'no label', 'dropped')
    """
    return tuple(classes.words[kind] for kind in KINDS)


def version_chain(store: VersionStore) -> list[Version]:
    """From version 0 to the current one, parent by parent."""
    return store.chain("HEAD")


def version_rows(samples: SampleTable, chain: list[Version]) -> tuple[VersionRow, ...]:
    """The versions of a chain with what each made of the training images."""
    trained = samples.in_split("train", "unlabeled")
    return tuple(VersionRow(version.id, version.note, version.ledger.num_rows, _by_kind(version.labels[trained]))
                 for version in chain)


def count_rows(samples: SampleTable, before: Codes, after: Codes) -> tuple[CountRow, ...]:
    """Counts by split and label of two label sets int8 [N]; empty splits are left out."""
    rows = []
    for split in SPLITS:
        inside = samples.in_split(split)
        if inside.any():
            rows.append(CountRow(split, _by_kind(before[inside]), _by_kind(after[inside])))
    return tuple(rows)


def change_counts(before: Codes, after: Codes, classes: ClassNames) -> dict[tuple[str, str], int]:
    """Samples by (old label, new label), in their words, where two label sets int8 [N] differ."""
    pairs, counts = np.unique(np.stack([before, after])[:, before != after], axis=1, return_counts=True)
    return {(classes.words[old], classes.words[new]): int(number)
            for old, new, number in zip(*pairs.tolist(), counts, strict=True)}


def waterfall(samples: SampleTable, before: Codes, after: Codes, code: int) -> tuple[tuple[str, int], ...]:
    """How the training images of one class came to be what they are: words and signed counts, start first."""
    trained = samples.in_split("train", "unlabeled")
    other = POSITIVE + NEGATIVE - code
    name = samples.classes.words[other]

    def moved(old: int, new: int) -> int:
        return int((trained & (before == old) & (after == new)).sum())

    gone = moved(code, DROPPED) + moved(code, UNLABELED)
    steps = ((f"to {name}", -moved(code, other)), ("dropped", -gone),
             (f"from {name}", moved(other, code)), ("newly labelled", moved(UNLABELED, code)))
    return (("version 0", int((trained & (before == code)).sum())), *(step for step in steps if step[1]))


def _by_kind(labels: Codes) -> tuple[int, ...]:
    return tuple(int((labels == kind).sum()) for kind in KINDS)
