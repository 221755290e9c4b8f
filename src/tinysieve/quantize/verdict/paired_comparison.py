"""Two models on the same images: how far apart they are, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.statistics import Interval, McNemar, balanced_bootstrap, confusion, mcnemar_exact, paired_bootstrap

SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Comparison:
    """A model against a baseline on the same images; ``difference`` of accuracies is model minus baseline, in [-1, 1].

    ``balanced_difference`` weighs both classes alike: a model that only answers the more frequent class more often gains
    accuracy and nothing here.
    """

    difference: float
    interval: Interval
    balanced_difference: float
    balanced_interval: Interval
    mcnemar: McNemar

    @property
    def better(self) -> bool:
        """Whether the gain is beyond chance: interval above 0 and McNemar's p under 0.05."""
        return self.interval.low > 0 and self.mcnemar.p_value < SIGNIFICANT

    @property
    def worse(self) -> bool:
        """Whether the loss is beyond chance: interval under 0 and McNemar's p under 0.05."""
        return self.interval.high < 0 and self.mcnemar.p_value < SIGNIFICANT


def compare(
    answers: NDArray[np.integer], baseline: NDArray[np.integer], labels: NDArray[np.integer], rng: np.random.Generator,
) -> Comparison:
    """Model against baseline from their answers to the same images in the same order, all int [N] in {0, 1}."""
    right, baseline_right = answers == labels, baseline == labels
    balanced = confusion(answers, labels).balanced_accuracy - confusion(baseline, labels).balanced_accuracy
    return Comparison(
        float(right.mean() - baseline_right.mean()), paired_bootstrap(baseline_right, right, rng),
        balanced, balanced_bootstrap(baseline_right, right, labels, rng), mcnemar_exact(baseline_right, right))
