"""The loss with data parameters, and its gradients by hand: logits are divided by a temperature before the softmax."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class TemperedLoss:
    """Cross-entropy of B samples and what it asks of logits and temperatures; none of it divided by B.

    Args:
        loss: float [B], nats, at least 0.
        logit_gradient: float [B, K], of each sample's loss with respect to its logits.
        sigma_gradient: float [B], of each sample's loss with respect to its temperature; negative where a higher one would help.
    """

    loss: NDArray[np.floating]
    logit_gradient: NDArray[np.floating]
    sigma_gradient: NDArray[np.floating]


def tempered_cross_entropy(
    logits: NDArray[np.floating], labels: NDArray[np.integer], sigma: NDArray[np.floating]
) -> TemperedLoss:
    """Cross-entropy of softmax(logits / sigma), Saxena, Tuzel & DeCoste 2019, section 3.

    With q = z / sigma and p = softmax(q): dL/dz = (p - y) / sigma and dL/dsigma = -sum_k (p_k - y_k) q_k / sigma.

    Args:
        logits: float [B, K], z.
        labels: int [B], each in 0..K-1.
        sigma: float [B], above 0.

    >>> one = tempered_cross_entropy(np.array([[2.0, 0.0]]), np.array([1]), np.array([1.0]))
    >>> one.loss.round(3), one.sigma_gradient.round(3)  # a confident contradiction: the loss falls as sigma rises
    (array([2.127]), array([-1.762]))
    """
    members = np.arange(len(labels))
    scaled = logits / sigma[:, np.newaxis]
    shifted = scaled - scaled.max(axis=1, keepdims=True)
    pull = np.exp(shifted)
    total = pull.sum(axis=1, keepdims=True)
    loss = np.log(total[:, 0]) - shifted[members, labels]
    pull /= total
    pull[members, labels] -= 1
    sigma_gradient = -np.einsum("bk,bk->b", pull, scaled) / sigma
    return TemperedLoss(loss, pull / sigma[:, np.newaxis], sigma_gradient)
