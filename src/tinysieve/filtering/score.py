"""A score: what a filter can say of every sample without looking at its label, as numbers that can be weighed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import replacing


@dataclass(frozen=True, eq=False)
class Score:
    """A number for every sample, higher where the positive class is more probable; made without the sample's own label.

    Args:
        name: what it is.
        signal: what it rests on; scores of one signal are one witness.
        values: float [N], NaN where it says nothing.
    """

    name: str
    signal: str
    values: NDArray[np.floating]


def save_scores(scores: Sequence[Score], path: Path) -> None:
    """Write as .npz, in order."""
    named = {f"{score.signal}/{score.name}": score.values for score in scores}
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, **named)  # type: ignore[arg-type]


def read_scores(path: Path) -> tuple[Score, ...]:
    """Read what `save_scores` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return tuple(Score(key.partition("/")[2], key.partition("/")[0], stored[key]) for key in stored.files)


def log_odds(probability: NDArray[np.floating], nearest: float) -> NDArray[np.float64]:
    """log p / (1 - p), with p kept at least `nearest` away from 0 and 1; NaN stays.

    >>> log_odds(np.array([0.5, 1.0]), 0.02).round(2)
    array([0.  , 3.89])
    """
    kept = np.clip(probability.astype(np.float64), nearest, 1 - nearest)
    return np.asarray(np.log(kept / (1 - kept)))
