"""Which labels to call issues: the filters of confident learning, as masks over the samples.

All but the two `low_*` ones spare a label that is also the most probable class. With two classes the seven become three,
and only those are offered: see `filters_for`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.confident_joint import SLACK, UNSURE, Codes, Counts
from tinysieve.filtering.label_errors.label_quality import label_quality, margin, self_confidence
from tinysieve.filtering.label_errors.probability_matrix import Doubles, Labels, Probabilities
from tinysieve.ground.errors import InputError

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Findings:
    """What is known of N samples before a filter cuts.

    Args:
        pred_probs: float [N, K].
        labels: int [N], given.
        predicted: int [N], most probable class.
        confident: int [N], the class a sample confidently belongs to, or UNSURE.
        disputed: bool [N], another class is more probable than the given one.
        joint: int64 [K, K], calibrated: rows given, columns true class.
    """

    pred_probs: Probabilities
    labels: Labels
    predicted: Codes
    confident: Codes
    disputed: Mask
    joint: Counts


Filter = Callable[[Findings], Mask]


def prune_by_noise_rate(findings: Findings) -> Mask:
    """Of the samples labelled k, for each other class j the joint[k, j] with the largest P(j) - P(k)."""
    issues = np.zeros(len(findings.labels), bool)
    counts = _leave_one(findings.joint)
    for given in np.flatnonzero(findings.joint.sum(axis=1) > 1):
        _mark_class(findings, int(given), counts[given], issues)
    return issues


def prune_by_class(findings: Findings) -> Mask:
    """Of the samples labelled k, as many as the joint holds off its diagonal: those with the smallest P(k)."""
    issues = np.zeros(len(findings.labels), bool)
    counts = _leave_one(findings.joint)
    for given in np.flatnonzero(findings.joint.sum(axis=1) > 1):
        rows = np.flatnonzero(findings.labels == given)
        doubt = -findings.pred_probs[rows, given].astype(np.float64)
        issues[rows[_largest(doubt, len(rows) - int(counts[given, given]))]] = True
    return issues & findings.disputed


def both(findings: Findings) -> Mask:
    """What prune_by_noise_rate and prune_by_class agree on."""
    return prune_by_noise_rate(findings) & prune_by_class(findings)


def confident_learning(findings: Findings) -> Mask:
    """Samples that confidently belong to another class than the given one."""
    return (findings.confident != UNSURE) & (findings.confident != findings.labels) & findings.disputed


def predicted_neq_given(findings: Findings) -> Mask:
    """Samples with another class more probable than the given one."""
    return findings.disputed.copy()


def low_self_confidence(findings: Findings) -> Mask:
    """As many samples as confident_learning finds: those with the smallest P(given), whatever their class."""
    quality = label_quality(findings.pred_probs, findings.labels, self_confidence)
    return _largest(-quality, int(confident_learning(findings).sum()))


def low_margin(findings: Findings) -> Mask:
    """As many samples as confident_learning finds: those with the smallest margin, whatever their class."""
    quality = label_quality(findings.pred_probs, findings.labels, margin)
    return _largest(-quality, int(confident_learning(findings).sum()))


FILTERS: dict[str, Filter] = {
    "prune_by_noise_rate": prune_by_noise_rate, "prune_by_class": prune_by_class, "both": both,
    "confident_learning": confident_learning, "predicted_neq_given": predicted_neq_given,
    "low_self_confidence": low_self_confidence, "low_margin": low_margin,
}
# With two classes P(other) = 1 - P(given): what is left says the same, or nearly.
_LIKE_CONFIDENT_LEARNING = "it takes as many labels as 'confident_learning' and nearly all the same"
SAME_FOR_TWO_CLASSES = {
    "prune_by_class": "prune_by_noise_rate", "both": "prune_by_noise_rate",
    "low_self_confidence": "confident_learning", "low_margin": "confident_learning",
}


def filters_for(classes: int) -> Mapping[str, Filter]:
    """The filters that differ from each other with this many classes.

    >>> sorted(filters_for(2))
    ['confident_learning', 'predicted_neq_given', 'prune_by_noise_rate']
    """
    return {name: choose for name, choose in FILTERS.items() if classes > 2 or name not in SAME_FOR_TWO_CLASSES}


def filter_called(name: str, classes: int) -> Filter:
    """The filter of that name.

    Raises:
        InputError: unknown, or with two classes a copy of another one, which is named.
    """
    offered = filters_for(classes)
    if name in offered:
        return offered[name]
    if name in FILTERS:
        same = SAME_FOR_TWO_CLASSES[name]
        why = _LIKE_CONFIDENT_LEARNING if name.startswith("low_") else f"it finds exactly what '{same}' finds"
        raise InputError(f"with two classes '{name}' is not offered", where=f"filter '{name}'", why=why,
                         fix=f"use '{same}'; the distinct ones are " + ", ".join(offered))
    raise InputError(f"no filter '{name}'", fix="one of " + ", ".join(offered))


def _leave_one(joint: Counts) -> Counts:
    """The joint with at least one right label a class, taken evenly from the class's errors."""
    short = np.maximum(1 - joint.diagonal(), 0)
    errors = np.maximum((joint > 0).sum(axis=1), 1)
    counts = np.maximum(np.floor(joint - (short / errors)[:, np.newaxis]), 0).astype(np.int64)
    np.fill_diagonal(counts, np.maximum(joint.diagonal(), 1))
    return counts


def _mark_class(findings: Findings, given: int, counts: Counts, issues: Mask) -> None:
    """Mark, among the disputed labels of one class, those whose lead towards some class is among the largest of it."""
    members = findings.labels == given
    rows = np.flatnonzero(members & findings.disputed)
    block = findings.pred_probs[rows].astype(np.float64)
    for other in np.flatnonzero(counts):
        if other == given:
            continue
        leads = block[:, other] - block[:, given]
        # Labels that nobody disputes lead by SLACK at most, so they compete only for what the clear leads leave over.
        clear = int((leads > SLACK).sum())
        if counts[other] < clear or clear == len(rows):
            issues[rows[_largest(leads, int(counts[other]))]] = True
        else:
            everyone = np.flatnonzero(members)
            whole = findings.pred_probs[everyone, other].astype(np.float64) - findings.pred_probs[everyone, given]
            issues[everyone[_largest(whole, int(counts[other]))]] = True
    issues &= findings.disputed


def _largest(values: Doubles, count: int) -> Mask:
    """True for the `count` largest values, of equals the first: bool [n], in linear time."""
    if count <= 0 or count >= len(values):
        return np.full(len(values), count > 0)
    cut = np.partition(values, len(values) - count)[len(values) - count]
    chosen = values > cut
    chosen[np.flatnonzero(values == cut)[: count - int(chosen.sum())]] = True
    return chosen
