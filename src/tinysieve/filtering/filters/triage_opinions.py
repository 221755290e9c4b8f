"""What learnt temperatures say about labels; see tinysieve.filtering.data_parameters for how they are learnt."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW
from tinysieve.filtering.opinion import ASK_REVIEW, Opinions, opine
from tinysieve.ground.errors import InputError

FILTER = SIGNAL = "data_parameters"


def data_parameters(labels: Codes, sigma: NDArray[np.floating], codes: Codes, wrong: Mask) -> Opinions:
    """Vote for the other class where a label is hard and not merely rare, for the given one where it is easy; ask where in doubt.

    Args:
        labels: int8 [N], given labels.
        sigma: float [N], temperatures when they were read; NaN where a sample took no part.
        codes: int8 [N], triage; UNLABELED where a sample took no part.
        wrong: bool [N], see `wrong_not_rare`.

    Returns:
        Opinions whose confidence is sigma / (1 + sigma) against a label and 1 / (1 + sigma) for it: 1/2 at sigma 1, in order, but
        not calibrated.

    Raises:
        InputError: lengths differ, or a sample with triage has no label or no temperature.
    """
    if not len(labels) == len(sigma) == len(codes) == len(wrong):
        raise InputError(f"{len(labels)} labels, {len(sigma)} temperatures, {len(codes)} triages, {len(wrong)} marks")
    known = codes > UNLABELED
    bad = known & ((labels <= UNLABELED) | ~(sigma > 0))
    if bad.any():
        raise InputError(f"row {int(bad.argmax())} has a triage but no label or no temperature")
    hot = np.where(known, sigma, 1.0) / (1 + np.where(known, sigma, 1.0))
    against = known & (codes == HARD) & wrong
    easy = known & (codes == EASY) & (sigma <= 1)
    cases = [
        (against & (labels == NEGATIVE), POSITIVE, "hard: the model keeps contradicting 'background', and so do others"),
        (against & (labels == POSITIVE), NEGATIVE, "hard: the model keeps contradicting 'person', and so do others"),
        (known & (codes == HARD), ASK_REVIEW, "hard, but rare rather than wrong"),
        (known & (codes == NEED_REVIEW), ASK_REVIEW, "looked wrong for a while, then was learnt"),
        (easy & (labels == POSITIVE), POSITIVE, "easy: learnt as person"),
        (easy & (labels == NEGATIVE), NEGATIVE, "easy: learnt as background"),
    ]
    return opine(FILTER, SIGNAL, cases, np.where(easy, 1 - hot, hot), "neither easy nor hard, or took no part")
