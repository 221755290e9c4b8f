"""What confident learning says of a run's labels, for whoever shows or asks for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.label_errors.label_errors import LabelErrors, find_label_errors
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE


@dataclass(frozen=True, eq=False)
class KnownIssues:
    """The judgement of a version's labels.

    Args:
        p_positive: float64 [N], out of fold.
        judged: int64 [M], labelled train samples.
        errors: of those M; None where one class has no label left.
    """

    p_positive: NDArray[np.float64]
    judged: NDArray[np.int64]
    errors: LabelErrors | None


def known_issues(run: Run, samples: SampleTable, labels: Codes) -> KnownIssues | None:
    """Of these labels int8 [N]; None where there are no out-of-fold probabilities."""
    if not P_POSITIVE.exists(run):
        return None
    p_positive = P_POSITIVE.of(run).astype(np.float64)
    judged = np.flatnonzero(samples.in_split("train") & (labels > UNLABELED))
    if not {NEGATIVE, POSITIVE} <= set(labels[judged].tolist()):
        return KnownIssues(p_positive, judged, None)
    pred_probs = np.stack([1 - p_positive[judged], p_positive[judged]], axis=1)
    return KnownIssues(p_positive, judged, find_label_errors(pred_probs, labels[judged]))
