"""Scores side by side: checked, and brought to one scale before they are weighed together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.filtering.decisions.error_rates import Doubles
from tinysieve.filtering.score import Score
from tinysieve.ground.errors import InputError


def scale_of(scores: Sequence[Score], rows: NDArray[np.int64]) -> tuple[Doubles, Doubles]:
    """Mean and standard deviation of each score where it says something, float64 [F] each; 0 and 1 where it never does."""
    centre, spread = np.zeros(len(scores)), np.ones(len(scores))
    for place, score in enumerate(scores):
        known = score.values[rows][~np.isnan(score.values[rows])].astype(np.float64)
        if len(known):
            centre[place], spread[place] = known.mean(), max(float(known.std()), 1e-6)
    return centre, spread


def standardised(scores: Sequence[Score], centre: Doubles, spread: Doubles, rows: NDArray[np.int64]) -> Doubles:
    """Some rows of the scores in standard deviations, float64 [rows, F]; 0 where a score says nothing."""
    values = np.column_stack([score.values[rows] for score in scores]).astype(np.float64)
    return np.nan_to_num((values - centre) / spread, nan=0.0)


def check_scores(scores: Sequence[Score], labels: Codes, rows: NDArray[np.int64]) -> None:
    """Refuse scores that cannot be weighed.

    Raises:
        InputError: no scores, different lengths, an infinite value, or a class without a row.
    """
    if not scores:
        raise InputError("no scores to weigh", why="policy 'consensus' needs a detector or an out-of-fold classifier",
                         fix="set filter.out_of_fold: true, or policy.kind: default")
    for score in scores:
        if len(score.values) != len(labels):
            raise InputError(f"score '{score.name}' has {len(score.values)} values for {len(labels)} labels")
        if np.isinf(score.values).any():
            raise InputError(f"score '{score.name}' is infinite in row {int(np.isinf(score.values).argmax())}")
    for code, word in ((NEGATIVE, "negative"), (POSITIVE, "positive")):
        if not (labels[rows] == code).any():
            raise InputError(f"no sample to learn from has the {word} label", why="its error rate is unknown",
                             fix="label some, or set policy.kind: default")
