"""What the labels of an image's look-alikes say about it. Nobody votes on itself, nor do its near-duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.filtering.evidence.neighbors import NOBODY, Neighbors
from tinysieve.filtering.evidence.typicality import representativeness, uniqueness
from tinysieve.filtering.filter import FEATURES, GROUPS, NEIGHBORS, Evidence, Filter
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.filtering.score import Score, log_odds
from tinysieve.ground.errors import InputError

FILTER = "neighbors"
# Neighbours and the out-of-fold classifier rest on the same features and labels: one signal.
SIGNAL = "out_of_fold"
# A vote of fewer says little; the sample's look-alikes are then unlabeled, or its own near-duplicates.
FEWEST_VOTERS = 5
_CLUSTERS, _NEAREST = 20, 1e-3


@dataclass(frozen=True)
class NeighborAgreement(Filter):
    """Votes of look-alikes; also finds near-duplicates that pixels do not show. Needs faiss above `exact_up_to` samples."""

    k: Annotated[int, Field(ge=5, le=1000)] = 20
    searched: Annotated[int, Field(ge=5, le=1000)] = 40
    sure: Annotated[float, Field(gt=0.5, le=1)] = 0.8
    exact_up_to: Annotated[int, Field(ge=0)] = 200_000

    name = FILTER
    describes = "labels of the most similar images"

    @property
    def needs(self) -> tuple[str, ...]:
        """Neighbours, and near-duplicates, which are no voters."""
        return (FEATURES, NEIGHBORS, GROUPS)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `neighbor_agreement`."""
        return neighbor_agreement(_voters(evidence), evidence.trusted, self.k, self.sure, SIGNAL, evidence.samples.classes)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """Log-odds of the look-alikes with the positive label, one more of each kind assumed; NaN where nobody votes."""
        share, voters = positive_share(_voters(evidence), evidence.trusted, self.k)
        heard = np.minimum(voters, self.k)
        smoothed = np.where(heard > 0, (share * heard + 1) / (heard + 2), np.nan)
        return (Score(FILTER, SIGNAL, log_odds(smoothed, _NEAREST)),)

    def measures(self, evidence: Evidence) -> Mapping[str, NDArray[np.floating]]:
        """What each sample is worth to its look-alikes, and how typical it is."""
        clusters = min(_CLUSTERS, len(evidence.samples))
        return {"value": knn_shapley(_voters(evidence), evidence.trusted, self.k), "uniqueness": uniqueness(evidence.neighbors),
                "representativeness": representativeness(evidence.features, clusters, np.random.default_rng(evidence.seed))}


def _voters(evidence: Evidence) -> Neighbors:
    groups = evidence.groups
    return evidence.neighbors.among(evidence.trusted > UNLABELED, None if groups is None else groups.group)


def positive_share(voters: Neighbors, labels: Codes, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """How many of the k nearest voters have the positive label.

    Args:
        voters: of N samples, labelled ones only (see `Neighbors.among`).
        labels: int8 [N], NEGATIVE or POSITIVE wherever somebody is a voter.
        k: voters that are heard, nearest first.

    Returns:
        Share of positives float32 [N] in [0, 1], 0.5 where nobody votes; number of voters int64 [N].

    >>> look_alikes = Neighbors(np.array([[1, 2], [0, 2], [1, 0]], np.int32), np.ones((3, 2), np.float32))
    >>> positive_share(look_alikes, np.array([1, 1, 0], np.int8), 2)[0]
    array([0.5, 0.5, 1. ], dtype=float32)
    """
    rows = voters.rows[:, :k]
    heard = (rows != NOBODY).sum(axis=1)
    positives = ((rows != NOBODY) & (labels[rows] == POSITIVE)).sum(axis=1)
    share = np.divide(positives, heard, out=np.full(len(rows), 0.5), where=heard > 0)
    return share.astype(np.float32), heard


def neighbor_agreement(voters: Neighbors, labels: Codes, k: int, sure: float, signal: str,
                       classes: ClassNames = PERSON_TASK) -> Opinions:
    """Vote for the class of most look-alikes where they agree; the confidence is the share that agrees.

    Args:
        voters: of N samples, labelled ones only, without the sample's own near-duplicates.
        labels: int8 [N].
        k: voters that are heard, at least FEWEST_VOTERS.
        sure: share in (0.5, 1] from which on the sample gets a vote.
        signal: what features and labels the vote rests on. Where an out-of-fold classifier rests on the same, it is the same
            signal: on VOC 2007 the two make the same mistakes, and as two signals they confirm each other in them
            (benchmarks/neighbor_votes.py).
        classes: names for the reasons.

    Raises:
        InputError: `k` or `sure` is out of range, lengths differ, or a voter has no label.
    """
    _check(voters, labels, k, sure)
    share, heard = positive_share(voters, labels, k)
    tenths = np.floor(np.maximum(share, 1 - share) * 10 + 1e-6)
    cases = [(heard < FEWEST_VOTERS, ABSTAIN, f"fewer than {FEWEST_VOTERS} labelled look-alikes")]
    # One reason for each tenth, so that a person reads how many agree.
    for tenth in range(10, 4, -1):
        for label, agreeing, word in ((POSITIVE, share, classes.positive), (NEGATIVE, 1 - share, classes.negative)):
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
