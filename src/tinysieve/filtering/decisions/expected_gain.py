"""What an action is worth before anybody has looked, in right labels: keep, flip, drop, or ask a person.

A right label is worth 1, no label 0, and a wrong one takes away `harm`. So a label is worth keeping while its probability of
error is under 1 / (1 + harm), its opposite from harm / (1 + harm) on, and between the two it is better gone. A person's look
makes the label right, so its gain is 1 less what the best action without a look is worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.samples import Mask
from tinysieve.ground.errors import InputError

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Choice:
    """The best action for each of N labelled samples; at most one of the two holds, neither means keep.

    Args:
        flip, drop: bool [N].
        value: float64 [N], what the chosen action is expected to be worth, in right labels.
    """

    flip: Mask
    drop: Mask
    value: Doubles

    @property
    def gain_of_a_look(self) -> Doubles:
        """float64 [N] >= 0, right labels gained by showing the sample to a person."""
        return 1 - self.value


def expected_value(p_right: Doubles, harm: float) -> Doubles:
    """Worth of a label that is right with this probability, in right labels.

    >>> expected_value(np.array([1.0, 0.75, 0.5]), 3.0)
    array([ 1.,  0., -1.])
    """
    return np.asarray(p_right - harm * (1 - p_right), np.float64)


def choose(p_wrong: Doubles, may_flip: Mask, may_change: Mask, harm: float) -> Choice:
    """The action of greatest expected value.

    Args:
        p_wrong: float [N] in [0, 1], probability that the given label is wrong.
        may_flip: bool [N], where enough independent signals stand behind a flip.
        may_change: bool [N], where anything may be done at all.
        harm: what a wrong label takes away, in right labels, at least 0; under 1 nothing is dropped that may be flipped.

    Raises:
        InputError: harm below 0, or a probability outside [0, 1].

    >>> choice = choose(np.array([0.1, 0.5, 0.9]), np.ones(3, bool), np.ones(3, bool), 2.0)
    >>> choice.flip.tolist(), choice.drop.tolist()
    ([False, False, True], [False, True, False])
    """
    if harm < 0:
        raise InputError(f"harm {harm} of a wrong label is negative", fix="set policy.harm to 0 or more")
    if not ((p_wrong >= 0) & (p_wrong <= 1)).all():
        raise InputError("a probability of error is outside [0, 1]")
    keep = expected_value(1 - p_wrong, harm)
    turn = np.where(may_flip & may_change, expected_value(p_wrong, harm), -np.inf)
    flip = (turn > keep) & (turn > 0)
    drop = may_change & ~flip & (keep < 0)
    return Choice(flip, drop, np.where(flip, turn, np.where(drop, 0.0, keep)))


def worth_a_look(gain: Doubles, doubt: Doubles, asked: Mask, min_gain: float, looks: int) -> NDArray[np.int64]:
    """Rows to show to a person, the greatest gain a look first, within a budget.

    Args:
        gain: float64 [N].
        doubt: float64 [N], of equal gains the more doubtful comes first.
        asked: bool [N], where a filter asked for a look, however little is gained.
        min_gain: looks that gain less are not worth a person's time.
        looks: budget.

    Returns:
        int64 [R], R <= looks.
    """
    rows = np.flatnonzero((gain >= min_gain) | asked)
    order = np.lexsort((rows, -doubt[rows], -gain[rows].round(9)))
    return np.asarray(rows[order][:looks], np.int64)
