"""Drawn, printed and carved persons: a detector confirms them as persons, so their opinion must rest on something else.

Where examples are at hand, a linear head on the backbone's features learns them. Where none are, all that is left is that
the detector sees a person and the look of the whole image does not; most such images are small persons and not depictions,
so that only asks for a look.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.opinion import ABSTAIN, ASK_REVIEW, Opinions, opine
from tinysieve.ground.errors import InputError

REAL, DEPICTED, UNKNOWN = 0, 1, -1


def depiction_probabilities(features: NDArray[np.floating], examples: Codes, folds: int,
                            rng: np.random.Generator) -> NDArray[np.float32]:
    """P(the only person is depicted), each example judged by models that have not seen it.

    Args:
        features: float [N, D], may be a memory map.
        examples: int8 [N], DEPICTED, REAL (a real person is there) or UNKNOWN.
        folds: parts, at least 2.
        rng: who is in which fold.

    Returns:
        float32 [N] in (0, 1). It means something on images that show a person, real or depicted.

    Raises:
        InputError: fewer examples of a kind than folds.
    """
    for code, name in ((REAL, "real persons"), (DEPICTED, "depictions")):
        if (examples == code).sum() < folds:
            raise InputError(f"{int((examples == code).sum())} examples of {name} for {folds} folds",
                             why="each example is judged by models that have not seen it",
                             fix="name more in filter.depictions, or lower filter.folds")
    return out_of_fold_probabilities(features, examples, folds, rng)


def depictions(p_depicted: NDArray[np.float32], shows_person: NDArray[np.bool_], sure: float) -> Opinions:
    """Vote background where the person is probably a depiction.

    Args:
        p_depicted: float32 [N], of `depiction_probabilities`.
        shows_person: bool [N], the label or the detector says person; the head knows nothing of other images.
        sure: in [0.5, 1].

    Raises:
        InputError: `sure` or a probability is out of range.
    """
    if not 0.5 <= sure <= 1:
        raise InputError(f"limit {sure} of depictions is not in [0.5, 1]", fix="set filter.depictions.sure")
    if not ((p_depicted >= 0) & (p_depicted <= 1)).all():
        raise InputError("a probability of depiction is outside [0, 1]", fix="make the probabilities again")
    cases = [(~shows_person, ABSTAIN, "nobody says that it shows a person"),
             (p_depicted >= np.float32(sure), NEGATIVE, "the person is a depiction")]
    return opine("depictions", "depictions", cases, p_depicted, "no depiction, or not sure")


def contested_persons(detector: Opinions, p_positive: NDArray[np.float32], sure: float) -> Opinions:
    """Ask for a look where the detector votes person and the out-of-fold classifier is sure of background.

    Args:
        detector: the detector's votes on N samples.
        p_positive: float32 [N], out-of-fold probability of person.
        sure: in [0.5, 1].
    """
    contested = (detector.proposed == POSITIVE) & (p_positive <= np.float32(1 - sure))
    cases = [(contested, ASK_REVIEW, "boxes show a person, the look of the image does not: a depiction, or a small person")]
    return opine("contested_persons", "depictions", cases, np.minimum(detector.confidence, 1 - p_positive), "not contested")
