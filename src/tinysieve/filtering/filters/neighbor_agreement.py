"""What the labels of an image's look-alikes say about it. Nobody votes on itself, nor do its near-duplicates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.ground.errors import InputError

FILTER = "neighbors"
# A vote of fewer says little; the sample's look-alikes are then unlabeled, or its own near-duplicates.
FEWEST_VOTERS = 5


def positive_share(voters: Neighbors, labels: Codes, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """How many of the k nearest voters are labelled person.

    Args:
        voters: of N samples, labelled ones only (see `Neighbors.among`).
        labels: int8 [N], NEGATIVE or POSITIVE wherever somebody is a voter.
        k: voters that are heard, nearest first.

    Returns:
        Share of persons float32 [N] in [0, 1], 0.5 where nobody votes; number of voters int64 [N].

    >>> look_alikes = Neighbors(np.array([[1, 2], [0, 2], [1, 0]], np.int32), np.ones((3, 2), np.float32))
    >>> positive_share(look_alikes, np.array([1, 1, 0], np.int8), 2)[0]
    array([0.5, 0.5, 1. ], dtype=float32)
    """
    rows = voters.rows[:, :k]
    heard = (rows != NOBODY).sum(axis=1)
    persons = ((rows != NOBODY) & (labels[rows] == POSITIVE)).sum(axis=1)
    share = np.divide(persons, heard, out=np.full(len(rows), 0.5), where=heard > 0)
    return share.astype(np.float32), heard


def neighbor_agreement(voters: Neighbors, labels: Codes, k: int, sure: float, signal: str) -> Opinions:
    """Vote for the class of most look-alikes where they agree; the confidence is the share that agrees.

    Args:
        voters: of N samples, labelled ones only, without the sample's own near-duplicates.
        labels: int8 [N].
        k: voters that are heard, at least FEWEST_VOTERS.
        sure: share in (0.5, 1] from which on the sample gets a vote.
        signal: what features and labels the vote rests on. Where an out-of-fold classifier rests on the same, it is the same
            signal: on VOC 2007 the two make the same mistakes, and as two signals they confirm each other in them
            (benchmarks/neighbor_votes.py).

    Raises:
        InputError: `k` or `sure` is out of range, lengths differ, or a voter has no label.
    """
    _check(voters, labels, k, sure)
    share, heard = positive_share(voters, labels, k)
    tenths = np.floor(np.maximum(share, 1 - share) * 10 + 1e-6)
    cases = [(heard < FEWEST_VOTERS, ABSTAIN, f"fewer than {FEWEST_VOTERS} labelled look-alikes")]
    # One reason for each tenth, so that a person reads how many agree.
    for tenth in range(10, 4, -1):
        for label, agreeing, word in ((POSITIVE, share, "person"), (NEGATIVE, 1 - share, "background")):
            said = "all" if tenth == 10 else f"{10 * tenth} % or more of"
            agree = (agreeing >= np.float32(sure)) & (tenths == tenth)
            cases.append((agree, label, f"{said} {k} look-alikes are labelled {word}"))
    return opine(FILTER, signal, cases, np.maximum(share, 1 - share), "look-alikes do not agree")


def _check(voters: Neighbors, labels: Codes, k: int, sure: float) -> None:
    if not 0.5 < sure <= 1:
        raise InputError(f"share {sure} of look-alikes is not in (0.5, 1]", fix="set filter.neighbors.sure")
    if k < FEWEST_VOTERS:
        raise InputError(f"{k} neighbours are too few for a vote", fix=f"set filter.neighbors.k to {FEWEST_VOTERS} or more")
    if len(voters.rows) != len(labels):
        raise InputError(f"neighbours of {len(voters.rows)} samples and {len(labels)} labels",
                         why="row i of each belongs to the same image", fix="make both from one sample table")
    voting = np.unique(voters.rows[voters.rows != NOBODY])
    if (labels[voting] < NEGATIVE).any():
        row = int(voting[labels[voting] < NEGATIVE][0])
        raise InputError(f"neighbour in row {row} has no label and cannot vote", fix="keep labelled voters with Neighbors.among")
