"""What a set of train rows is worth: the validation accuracy of the benchmark's classifier fitted to them alone."""

from __future__ import annotations

import numpy as np

from tinysieve.dataperf.baselines.ranker import RankingEvidence
from tinysieve.dataperf.classifier import rounded_accuracy, tuned_threshold
from tinysieve.dataperf.classifier_fit import fit_layers
from tinysieve.dataset.samples import Mask


class SubsetAccuracy:
    """Validation accuracy by subset, two decimals; the empty set has that of always answering the rarer label."""

    def __init__(self, evidence: RankingEvidence) -> None:
        self._evidence = evidence
        share = float(np.mean(evidence.val_labels))
        self.nothing = min(share, 1 - share) if 0 < share < 1 else 1.0
        self.everything = self(np.ones(len(evidence.labels), bool))

    def __call__(self, chosen: Mask) -> float:
        """Accuracy with the chosen rows, bool [N], fitted in row order."""
        if not chosen.any():
            return self.nothing
        seen = self._evidence
        features, labels = seen.train[chosen], seen.labels[chosen]
        layers = fit_layers(features, labels)
        threshold = tuned_threshold(layers.probabilities(features), labels)
        return rounded_accuracy(layers.probabilities(seen.val) > threshold, seen.val_labels)
