"""Our own filters as rankings for DataPerf's debugging benchmark: label errors, neighbours, trusted rows, and their consensus.

They see what the benchmark's baselines see: embeddings of train and validation rows, noisy train labels, trusted
validation labels. The settings were chosen on tasks made of VOC 2007 photos, not on the benchmark's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.baselines.ranker import Ranker, RankingEvidence
from tinysieve.dataperf.submissions import Order
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.ground.progress import silent

FOLDS, NEIGHBOURS = 5, 10
TRUST = 3.0
STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
_ROUNDS = 20
DoubleArray = NDArray[np.float64]


def label_errors(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """By label quality from out-of-fold probabilities (confident learning); validation rows teach along."""
    features, labels = _all_rows(evidence)
    p_one = out_of_fold_probabilities(features, labels, FOLDS, rng).astype(np.float64)
    quality = find_label_errors(np.stack([1 - p_one, p_one], axis=1), labels).label_quality
    return _worst_first(quality[: len(evidence.labels)])


def neighbors(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """By the value of each row to a classifier of its 10 look-alikes among train and validation rows; nothing is drawn."""
    features, labels = _all_rows(evidence)
    count = len(labels)
    values = knn_shapley(nearest(features, count - 1, count, silent), labels, NEIGHBOURS)
    return _worst_first(values[: len(evidence.labels)])


def trusted(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """By the probability that the label is wrong, with the noise of each class estimated; nothing is drawn.

    Kernel ridge regression on all rows, trusted ones counting three times, scores every row without itself. The strength
    is the one whose scores, made probabilities by a sigmoid, suit the trusted rows best. Expectation maximisation finds
    the two noise rates, Bayes' rule the probability.
    """
    p_one = _left_out_probabilities(evidence)
    return _worst_first(-_wrong_probability(p_one, evidence.labels == 1))


def consensus(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """By the mean place in the other three orders."""
    places = [np.argsort(ranker(evidence, rng)) for ranker in (label_errors, neighbors, trusted)]
    return _worst_first(np.mean(places, axis=0))


def _worst_first(quality: DoubleArray) -> Order:
    return np.argsort(quality, kind="stable")


def _all_rows(evidence: RankingEvidence) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    labels = np.concatenate([evidence.labels, evidence.val_labels]).astype(np.int8)
    return np.concatenate([evidence.train, evidence.val]), labels


def _left_out_probabilities(evidence: RankingEvidence) -> DoubleArray:
    """P(label is 1) of each train row from the other rows, float64 [N]."""
    from sklearn.linear_model import LogisticRegression

    count, truth = len(evidence.labels), evidence.val_labels
    kernel = _kernel(_all_rows(evidence)[0])
    targets = 2.0 * np.concatenate([evidence.labels, truth]) - 1
    spread = np.concatenate([np.ones(count), np.full(len(truth), 1 / TRUST)])
    losses, probabilities = [], []
    for strength in STRENGTHS:
        inverse = np.linalg.inv(kernel + strength * np.diag(spread))
        scores = (targets - inverse @ targets / np.diag(inverse))[:, np.newaxis]
        sigmoid = LogisticRegression(C=1e4).fit(scores[count:], truth)
        p_one = sigmoid.predict_proba(scores)[:, 1]
        losses.append(-np.log(np.where(truth == 1, p_one[count:], 1 - p_one[count:])).mean())
        probabilities.append(p_one[:count])
    return np.asarray(probabilities[int(np.argmin(losses))], np.float64)


def _kernel(features: NDArray[np.float32]) -> DoubleArray:
    """Products of signed square roots, centred and scaled by each dimension's deviation, of mean square 1."""
    rooted = np.sign(features) * np.sqrt(np.abs(features)).astype(np.float64)
    rooted -= rooted.mean(axis=0)
    deviation = rooted.std(axis=0)
    scaled = rooted / (deviation + 0.1 * deviation.mean())
    product = scaled @ scaled.T
    return np.asarray(product / np.diag(product).mean(), np.float64)


def _wrong_probability(p_one: DoubleArray, given_one: NDArray[np.bool_]) -> DoubleArray:
    """P(given label is wrong), float64 [N], from P(1) by look and two noise rates that make the given labels likely."""
    flips_of_one = flips_of_zero = 0.3
    for _ in range(_ROUNDS):
        like_one = p_one * np.where(given_one, 1 - flips_of_one, flips_of_one)
        like_zero = (1 - p_one) * np.where(given_one, flips_of_zero, 1 - flips_of_zero)
        is_one = like_one / (like_one + like_zero)
        flips_of_one = float(np.clip(is_one[~given_one].sum() / is_one.sum(), 0.01, 0.9))
        flips_of_zero = float(np.clip((1 - is_one)[given_one].sum() / (1 - is_one).sum(), 0.01, 0.9))
    return np.where(given_one, 1 - is_one, is_one)


RANKINGS: Mapping[str, Ranker] = {
    "tinysieve_label_errors": label_errors,
    "tinysieve_neighbors": neighbors,
    "tinysieve_trusted": trusted,
    "tinysieve_consensus": consensus,
}
