"""Confident learning as a filter: votes only against labels that it finds wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames
from tinysieve.filtering.filter import OUT_OF_FOLD, Evidence, Filter
from tinysieve.filtering.label_errors.label_errors import DEFAULT_FILTER, find_label_errors
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine


@dataclass(frozen=True)
class LabelErrorFilter(Filter):
    """Label errors of the train split by confident learning."""

    by: Literal["prune_by_noise_rate", "confident_learning", "predicted_neq_given"] = "prune_by_noise_rate"

    name = "label_errors"
    describes = "confident learning on the out-of-fold probabilities"

    @property
    def needs(self) -> tuple[str, ...]:
        """Out-of-fold probabilities."""
        return (OUT_OF_FOLD,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `label_error_opinions`."""
        return label_error_opinions(evidence.p_positive, evidence.trusted, self.by, evidence.samples.classes)


def label_error_opinions(p_positive: NDArray[np.floating], labels: NDArray[np.int8], filter_by: str = DEFAULT_FILTER,
                         classes: ClassNames = PERSON_TASK) -> Opinions:
    """The opinion that a label found wrong should be the other one; it abstains on all other samples.

    It rests on the same probabilities as the filter `out_of_fold` and so is no second signal beside it.

    Args:
        p_positive: out-of-fold probability of the positive class, float [N].
        labels: int8 [N]; samples without a label get no opinion.
        filter_by: which labels are wrong; see `issue_filters.filters_for`.
        classes: names for the reasons.
    """
    known = np.flatnonzero(labels > UNLABELED)
    positive = np.asarray(p_positive, np.float64)[known]
    errors = find_label_errors(np.stack([1 - positive, positive], axis=1), labels[known], filter_by)
    wrong = np.zeros(len(labels), bool)
    wrong[known[errors.issues]] = True
    cases = [
        (labels <= UNLABELED, ABSTAIN, "has no label"),
        (wrong & (labels == NEGATIVE), POSITIVE, f"the label {classes.negative} contradicts its out-of-fold probability"),
        (wrong, NEGATIVE, f"the label {classes.positive} contradicts its out-of-fold probability"),
    ]
    return opine("label_errors", "out_of_fold", cases, np.maximum(p_positive, 1 - p_positive), "the label is plausible")
