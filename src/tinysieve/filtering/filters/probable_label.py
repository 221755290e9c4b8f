"""Opinions from any classifier's probabilities: out-of-fold, presence head, or a file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, ClassNames
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.ground.errors import InputError


def probable_label(p_positive: NDArray[np.floating], name: str, signal: str, sure: float,
                   classes: ClassNames = PERSON_TASK) -> Opinions:
    """Vote for the probable class where its probability is at least `sure`.

    Args:
        p_positive: float [N], probability of the positive class; NaN where there is none.
        name: name of the filter.
        signal: what the probabilities rest on.
        sure: in [0.5, 1].
        classes: names for the reasons.

    Raises:
        InputError: `sure` or a probability is out of range.
    """
    if not 0.5 <= sure <= 1:
        raise InputError(f"limit {sure} of filter '{name}' is not in [0.5, 1]")
    known = ~np.isnan(p_positive)
    if ((p_positive < 0) | (p_positive > 1)).any():
        raise InputError(f"filter '{name}' got a probability outside [0, 1]")
    filled = np.where(known, p_positive, 0.5)
    cases = [
        (~known, ABSTAIN, f"{name} has not seen it"),
        (filled >= sure, POSITIVE, f"{name} says {classes.positive}"),
        (filled <= 1 - sure, NEGATIVE, f"{name} says {classes.negative}"),
    ]
    return opine(name, signal, cases, np.maximum(filled, 1 - filled), f"{name} is not sure")
