"""What learnt temperatures say about labels; see tinysieve.filtering.data_parameters for how they are learnt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW, TriageRule
from tinysieve.filtering.filter import TRIAGE, Evidence, Filter
from tinysieve.filtering.opinion import ASK_REVIEW, Opinions, opine
from tinysieve.ground.errors import InputError

FILTER = SIGNAL = "data_parameters"
_INSTANCE = TableSettings(learning_rate=1.0)


@dataclass(frozen=True)
class DataParameters(Filter):
    """A learnt temperature a sample (joint with one a class where `by_class` is given), and the triage by it.

    `read` is when the ranking of suspects looks. The triage's published limits are for the last epoch, where a label that was
    learnt by heart in the meantime needs review; `triage_read` says whether the triage looks there or with the ranking.
    """

    epochs: Annotated[int, Field(ge=1)] = 30
    batch_size: Annotated[int, Field(ge=1)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.2
    instance: TableSettings = _INSTANCE
    by_class: TableSettings | None = None
    read: Literal["turning_point", "last"] = "turning_point"
    triage_read: Literal["turning_point", "last"] = "last"
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2
    triage: Literal["tsne_plots", "easy_hard_and_need_review"] | TriageRule = "tsne_plots"
    second_axis: Literal["neighbors", "second_split"] = "neighbors"

    name = FILTER
    describes = "learnt temperatures and triage"

    @property
    def needs(self) -> tuple[str, ...]:
        """The triage of the labelled train samples."""
        return (TRIAGE,)

    def opine(self, evidence: Evidence) -> Opinions:
        """See `data_parameters`."""
        learnt = evidence.triage
        return data_parameters(evidence.samples.labels, learnt.sigma, learnt.codes, learnt.wrong, evidence.samples.classes)


def data_parameters(labels: Codes, sigma: NDArray[np.floating], codes: Codes, wrong: Mask,
                    classes: ClassNames = PERSON_TASK) -> Opinions:
    """Vote for the other class where a label is hard and not merely rare, for the given one where it is easy; ask where in doubt.

    Args:
        labels: int8 [N], given labels.
        sigma: float [N], temperatures when they were read; NaN where a sample took no part.
        codes: int8 [N], triage; UNLABELED where a sample took no part.
        wrong: bool [N], see `wrong_not_rare`.
        classes: names for the reasons.

    Returns:
        Opinions whose confidence is sigma / (1 + sigma) against a label and 1 / (1 + sigma) for it: 1/2 at sigma 1, in order, but
        not calibrated.

    Raises:
        InputError: lengths differ, or a sample with triage has no label or no temperature.
    """
    if not len(labels) == len(sigma) == len(codes) == len(wrong):
        raise InputError(f"{len(labels)} labels, {len(sigma)} temperatures, {len(codes)} triages, {len(wrong)} marks")
    known = codes > UNLABELED
    bad = known & ((labels <= UNLABELED) | ~(sigma > 0))
    if bad.any():
        raise InputError(f"row {int(bad.argmax())} has a triage but no label or no temperature")
    hot = np.where(known, sigma, 1.0) / (1 + np.where(known, sigma, 1.0))
    against = known & (codes == HARD) & wrong
    easy = known & (codes == EASY) & (sigma <= 1)
    cases = [
        (against & (labels == NEGATIVE), POSITIVE, f"hard: the model keeps contradicting '{classes.negative}', and so do others"),
        (against & (labels == POSITIVE), NEGATIVE, f"hard: the model keeps contradicting '{classes.positive}', and so do others"),
        (known & (codes == HARD), ASK_REVIEW, "hard, but rare rather than wrong"),
        (known & (codes == NEED_REVIEW), ASK_REVIEW, "looked wrong for a while, then was learnt"),
        (easy & (labels == POSITIVE), POSITIVE, f"easy: learnt as {classes.positive}"),
        (easy & (labels == NEGATIVE), NEGATIVE, f"easy: learnt as {classes.negative}"),
    ]
    return opine(FILTER, SIGNAL, cases, np.where(easy, 1 - hot, hot), "neither easy nor hard, or took no part")
