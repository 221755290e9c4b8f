"""What several people said of one photo, where the source has a row for each of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.annotations import votes_column
from tinysieve.filtering.filter import Evidence, Filter
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine


@dataclass(frozen=True)
class Annotators(Filter):
    """The majority of a photo's rows; a photo with a single row says no more than its label does."""

    name = "annotators"
    describes = "annotators: what most rows of a photo say, where it has several"

    @property
    def needs(self) -> tuple[str, ...]:
        """The sample table alone."""
        return ()

    def opine(self, evidence: Evidence) -> Opinions:
        """See `annotators`."""
        return annotators(evidence.samples)


def annotators(samples: SampleTable) -> Opinions:
    """Vote for the class that most rows of a photo name; abstain where they are equal, or fewer than two.

    The confidence of k rows of n for a class is Laplace's (k + 1) / (n + 2): 0.75 for two of two, 0.6 for two of three.
    """
    names = samples.classes
    no, yes = (_votes(samples, votes_column(name)) for name in names.in_code_order)
    asked = yes + no >= 2
    cases = [(asked & (yes > no), POSITIVE, f"most annotators say {names.positive}"),
             (asked & (no > yes), NEGATIVE, f"most annotators say {names.negative}"),
             (asked, ABSTAIN, "the annotators are divided equally")]
    return opine("annotators", "annotators", cases, (np.maximum(yes, no) + 1) / (yes + no + 2), "fewer than two annotators")


def _votes(samples: SampleTable, column: str) -> NDArray[np.int64]:
    """int64 [N]: rows of each photo that name a class; none where the source has a row a photo."""
    if column not in samples.table.column_names:
        return np.zeros(len(samples), np.int64)
    return np.asarray(pc.fill_null(samples.table[column], 0).to_numpy()).astype(np.int64)
