"""Influence functions of the benchmark's classifier: the published ranking, and one that computes what it says.

The classifier's logit is z(x) = w2 (W1 x + b1) + b2, so gradients and Hessian-vector products of its loss are written
out here; `Layers` serves as a vector of all its parameters too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataperf.baselines.ranker import RankingEvidence
from tinysieve.dataperf.classifier import Layers, sigmoid
from tinysieve.dataperf.classifier_fit import fit_layers
from tinysieve.dataperf.submissions import Order
from tinysieve.ground.arrays import FloatArray, IntArray

DAMPING, SCALE = 0.01, 25.0
_PUBLISHED_VAL_ROW, _PUBLISHED_HESSIAN_ROWS = 79, 32


def published_influence(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """The order that the benchmark published as `influence_function`; draws nothing from `rng`.

    What its program really computes: the gradient v of validation row 79 alone (the last of its loop), one step
    s = v + (1 - damping) v - H v / scale with the Hessian H of train rows 0..31, because the recursion never updates its
    estimate. Rows come by the product of their gradient with s, largest influence first.
    """
    layers = fit_layers(evidence.train, evidence.labels)
    row = min(_PUBLISHED_VAL_ROW, len(evidence.val_labels) - 1)
    v = _mean_gradient(layers, evidence.val[row : row + 1], evidence.val_labels[row : row + 1])
    part = slice(_PUBLISHED_HESSIAN_ROWS)
    curved = hessian_product(layers, evidence.train[part], evidence.labels[part], v)
    s = _combine(v, 2 - DAMPING, curved, -1 / SCALE)
    products = _errors(layers, evidence.train, evidence.labels) * _logit_products(layers, evidence.train, s)
    return np.argsort(-products)[::-1]


def corrected_influence(evidence: RankingEvidence, rng: np.random.Generator) -> Order:
    """Rows whose weight raises the mean validation loss most in front (Koh & Liang 2017, equation 2); no draw from `rng`.

    All validation rows count, and (H + damping)^-1 is applied exactly: H is the Gauss-Newton Hessian over all train rows,
    of rank N at most, so a system of N equations does it (Woodbury).
    """
    layers = fit_layers(evidence.train, evidence.labels)
    errors = _errors(layers, evidence.train, evidence.labels).astype(np.float64)
    root = np.sqrt(np.abs(errors) * (1 - np.abs(errors)))
    kernel = tangent_kernel(layers, evidence.train, evidence.train)
    pull = tangent_kernel(layers, evidence.train, evidence.val) @ _errors(layers, evidence.val, evidence.val_labels)
    pull /= len(evidence.val_labels)
    count = len(errors)
    system = count * DAMPING * np.eye(count) + root[:, np.newaxis] * kernel * root
    along = (pull - kernel @ (root * np.linalg.solve(system, root * pull))) / DAMPING
    return np.argsort(errors * along, kind="stable")


def tangent_kernel(layers: Layers, rows: FloatArray, others: FloatArray) -> NDArray[np.float64]:
    """Products of the logit's gradients (over all parameters) at two sets of rows, float64 [N, M]."""
    output = layers.output_weight.astype(np.float64)
    inner = rows.astype(np.float64) @ others.astype(np.float64).T
    return (output @ output) * (inner + 1) + _hidden(layers, rows) @ _hidden(layers, others).T.astype(np.float64) + 1


def hessian_product(layers: Layers, features: FloatArray, labels: IntArray, direction: Layers) -> Layers:
    """The Hessian of the mean cross-entropy of some rows, times a direction (Pearlmutter 1994)."""
    hidden, errors = _hidden(layers, features), _errors(layers, features, labels)
    moved = features @ direction.hidden_weight.T + direction.hidden_bias
    curvature = np.abs(errors) * (1 - np.abs(errors)) * (moved @ layers.output_weight + hidden @ direction.output_weight
                                                         + direction.output_bias[0])
    count = np.float32(len(labels))
    first = curvature @ features, errors @ features
    weight = np.outer(layers.output_weight, first[0]) + np.outer(direction.output_weight, first[1])
    bias = layers.output_weight * curvature.sum() + direction.output_weight * errors.sum()
    output = curvature @ hidden + errors @ moved
    return _layers(weight / count, bias / count, output / count, curvature.sum(keepdims=True) / count)


def _hidden(layers: Layers, features: FloatArray) -> FloatArray:
    return features @ layers.hidden_weight.T + layers.hidden_bias


def _errors(layers: Layers, features: FloatArray, labels: IntArray) -> FloatArray:
    """Derivative of each row's loss by its logit."""
    logits = _hidden(layers, features) @ layers.output_weight + layers.output_bias[0]
    return sigmoid(logits) - labels.astype(np.float32)


def _mean_gradient(layers: Layers, features: FloatArray, labels: IntArray) -> Layers:
    errors = _errors(layers, features, labels) / np.float32(len(labels))
    return _layers(np.outer(layers.output_weight, errors @ features), layers.output_weight * errors.sum(),
                   errors @ _hidden(layers, features), errors.sum(keepdims=True))


def _logit_products(layers: Layers, features: FloatArray, direction: Layers) -> FloatArray:
    """Product of each row's logit gradient with a direction, float32 [N]."""
    moved = features @ direction.hidden_weight.T + direction.hidden_bias
    return moved @ layers.output_weight + _hidden(layers, features) @ direction.output_weight + direction.output_bias[0]


def _combine(layers: Layers, weight: float, other: Layers, other_weight: float) -> Layers:
    pairs = ((layers.hidden_weight, other.hidden_weight), (layers.hidden_bias, other.hidden_bias),
             (layers.output_weight, other.output_weight), (layers.output_bias, other.output_bias))
    return _layers(*(np.float32(weight) * a + np.float32(other_weight) * b for a, b in pairs))


def _layers(*arrays: NDArray[np.floating]) -> Layers:
    return Layers(*(np.asarray(array, np.float32) for array in arrays))
