"""`tinysieve.find_label_issues`: which labels do out-of-fold probabilities contradict, and how do they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import ArrayLike, NDArray

from tinysieve.face.data_frame import data_frame
from tinysieve.face.html import SHOWN_PICTURES, SHOWN_ROWS
from tinysieve.face.label_inputs import check_class_names, label_array, probability_array, refuse_other_rows
from tinysieve.face.pictures import AnyImage, picture_of
from tinysieve.face.rows import Picture, Rows
from tinysieve.filtering.label_errors.label_errors import DEFAULT_FILTER, DEFAULT_RANKING, LabelErrors, find_label_errors
from tinysieve.filtering.label_errors.probability_matrix import Labels, Probabilities, check_probabilities

if TYPE_CHECKING:
    from pandas import DataFrame

_WORDS = ("given_label", "predicted_labels", "confident_label")


@dataclass(frozen=True, eq=False, repr=False)
class LabelIssues:
    """What was found among N labels of K classes, in the order in which they were given.

    Args:
        pred_probs: float [N, K].
        labels: int [N], given, as class numbers.
        evidence: thresholds, joint and the class that each sample confidently belongs to.
        class_names: K names, if any were given.
        images: N images, if any were given.
    """

    pred_probs: Probabilities
    labels: Labels
    evidence: LabelErrors
    class_names: tuple[str, ...] | None
    images: Sequence[AnyImage] | None = field(default=None)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"{len(self.issues):,} label issues among {len(self):,} labels, an estimated {self.estimated_errors:,} wrong"

    @property
    def is_label_issue(self) -> NDArray[np.bool_]:
        """bool [N]."""
        return self.evidence.is_label_issue

    @property
    def label_quality(self) -> NDArray[np.float64]:
        """float64 [N] in [0, 1], 0 surely wrong, 1 surely right."""
        return self.evidence.label_quality

    @property
    def predicted_labels(self) -> NDArray[np.signedinteger]:
        """int [N], the most probable class."""
        return self.evidence.predicted_labels

    @property
    def issues(self) -> NDArray[np.int64]:
        """int64 [M]: rows of the issues, worst label first."""
        return self.evidence.issues

    @property
    def estimated_errors(self) -> int:
        """How many labels are wrong by the calibrated joint, found or not."""
        return self.evidence.estimated_errors

    @cached_property
    def table(self) -> pa.Table:
        """All rows, worst label first, as `tinysieve label-issues` writes them; classes by name where names were given."""
        table = self.evidence.table(self.pred_probs, self.labels)
        for name in _WORDS if self.class_names is not None else ():
            words = pa.array(self.class_names).take(table[name].combine_chunks())
            table = table.set_column(table.column_names.index(name), name, words)
        return table

    def to_pandas(self) -> DataFrame:
        """`table` as a data frame.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(self.table)

    def _repr_html_(self) -> str:
        place = np.full(len(self), -1)
        place[self.evidence.order] = np.arange(len(self))
        shown = self.issues[:max(SHOWN_ROWS, SHOWN_PICTURES)]
        table = self.table.take(pa.array(place[self.issues]))
        picture: Picture | None = None if self.images is None else picture_of(self.images, len(self), shown)
        return Rows(repr(self), table, picture, ("given_label", "predicted_labels", "label_quality"))._repr_html_()


def find_label_issues(
    pred_probs: ArrayLike, labels: ArrayLike, *, filter_by: str = DEFAULT_FILTER, rank_by: str = DEFAULT_RANKING,
    class_names: Sequence[str] | None = None, images: Sequence[AnyImage] | None = None,
) -> LabelIssues:
    """Judge every label by probabilities of models that have not seen it (confident learning).

    Args:
        pred_probs: out-of-fold probabilities, float [N, K], rows sum to 1: array, list, pandas or polars.
        labels: given labels [N]: class numbers 0..K-1, or names with `class_names`.
        filter_by: which labels are issues; docs/label-errors.md lists them.
        rank_by: what the quality is: adjusted_margin, self_confidence, margin or entropy.
        class_names: K names in the order of the columns.
        images: N paths, arrays or Pillow images, for thumbnails of the issues.

    Raises:
        InputError: no probabilities, labels that do not fit, or no such filter or ranking; names the row and the remedy.

    >>> find_label_issues([[.9, .1], [.8, .2], [.3, .7], [.1, .9], [.2, .8], [.9, .1]], [0, 0, 0, 1, 1, 1]).issues
    array([5, 2])
    """
    refuse_other_rows(pred_probs, labels)
    probabilities = probability_array(pred_probs)
    check_probabilities(probabilities)
    names = check_class_names(class_names, probabilities.shape[1])
    codes = label_array(labels, names)
    evidence = find_label_errors(probabilities, codes, filter_by, rank_by)
    if images is not None:
        picture_of(images, len(codes))
    return LabelIssues(probabilities, codes, evidence, names, images)
