"""Drawn, printed and carved persons: a detector confirms them as persons, so their opinion must rest on something else.

Where examples are at hand, a linear head on the backbone's features learns them. Where none are, all that is left is that
the detector sees a person and the look of the whole image does not; most such images are small persons and not depictions,
so that only asks for a look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.filter import FEATURES, OUT_OF_FOLD, Evidence, Filter
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.opinion import ABSTAIN, ASK_REVIEW, Opinions, opine
from tinysieve.filtering.score import Score
from tinysieve.ground.errors import InputError
from tinysieve.ground.settings import FilePath

REAL, DEPICTED, UNKNOWN = 0, 1, -1


@dataclass(frozen=True)
class Depictions(Filter):
    """Depicted persons: examples from a column of the source, or a CSV with `filename` and `depiction`, 1 or 0.

    Without examples it asks for a look where the classifier is `contested_sure` against the detector.
    """

    column: str | None = None
    examples: FilePath | None = None
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.9
    contested_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6

    name = "depictions"
    describes = "statues, drawings, pictures of the positive class"

    @property
    def needs(self) -> tuple[str, ...]:
        """Features to learn examples on; without examples the out-of-fold classifier's disagreement with the detector."""
        return (FEATURES,) if self._has_examples else (OUT_OF_FOLD,)

    @property
    def listens_to(self) -> tuple[str, ...]:
        """The detector says where somebody is shown."""
        return ("disagreement",)

    @property
    def fingerprints(self) -> Mapping[str, str]:
        """Hash of the file of examples."""
        if self.examples is None:
            return {}
        data = self.examples.read_bytes() if self.examples.is_file() else b"missing"
        return {"examples": hashlib.blake2b(data, digest_size=8).hexdigest()}

    @property
    def _has_examples(self) -> bool:
        return self.column is not None or self.examples is not None

    def opine(self, evidence: Evidence) -> Opinions:
        """From examples where there are any, else from detector against classifier."""
        samples, detector = evidence.samples, evidence.opinions("disagreement")
        if not self._has_examples:
            return contested_persons(detector, evidence.p_positive, self.contested_sure)
        known = np.where(samples.in_split("train"), depiction_examples(self, samples), np.int8(UNKNOWN))
        probable = depiction_probabilities(evidence.features, known, evidence.folds, np.random.default_rng(evidence.seed))
        return depictions(probable, (samples.labels == POSITIVE) | (detector.proposed == POSITIVE), self.sure)

    def scores(self, evidence: Evidence, opinions: Opinions) -> tuple[Score, ...]:
        """Confidence against a person, where it votes at all."""
        if opinions.filter != self.name or not opinions.votes.any():
            return ()
        values = np.where(opinions.votes, opinions.confidence * (2 * opinions.proposed - 1), 0.0)
        return (Score(self.name, opinions.signal, values),)


def depiction_examples(settings: Depictions, samples: SampleTable) -> Codes:
    """int8 [N], DEPICTED, REAL or UNKNOWN, from the configured column of the sample table or file.

    Raises:
        InputError: no such column, or a file without `filename` and `depiction`.
    """
    if settings.examples is None:
        if settings.column not in samples.table.column_names:
            raise InputError(f"the samples have no column '{settings.column}'", why="filter.depictions.column names it",
                             fix="its columns: " + ", ".join(samples.table.column_names))
        said = samples.table[settings.column]
    else:
        table = read_table(settings.examples)
        missing = [name for name in ("filename", "depiction") if name not in table.column_names]
        if missing:
            raise InputError(f"no column '{missing[0]}'", where=f"{settings.examples}:1",
                             fix="name filename and depiction (1 or 0)")
        place = pc.index_in(samples.table["filepath"], table["filename"].combine_chunks())
        said = table["depiction"].combine_chunks().take(place.combine_chunks())
    words = pc.cast(said, pa.string())
    yes, no = (np.asarray(pc.fill_null(pc.is_in(words, pa.array(values)), False)) for values in (["1", "1.0"], ["0", "0.0"]))
    return np.select([yes, no], [np.int8(DEPICTED), np.int8(REAL)], np.int8(UNKNOWN)).astype(np.int8)


def depiction_probabilities(features: NDArray[np.floating], examples: Codes, folds: int,
                            rng: np.random.Generator) -> NDArray[np.float32]:
    """P(the only person is depicted), each example judged by models that have not seen it.

    Args:
        features: float [N, D], may be a memory map.
        examples: int8 [N], DEPICTED, REAL (a real person is there) or UNKNOWN.
        folds: parts, at least 2.
        rng: who is in which fold.

    Returns:
        float32 [N] in (0, 1). It means something on images that show a person, real or depicted.

    Raises:
        InputError: fewer examples of a kind than folds.
    """
    for code, name in ((REAL, "real persons"), (DEPICTED, "depictions")):
        if (examples == code).sum() < folds:
            raise InputError(f"{int((examples == code).sum())} examples of {name} for {folds} folds",
                             why="each example is judged by models that have not seen it",
                             fix="name more in filter.depictions, or lower filter.folds")
    return out_of_fold_probabilities(features, examples, folds, rng)


def depictions(p_depicted: NDArray[np.float32], shows_person: NDArray[np.bool_], sure: float) -> Opinions:
    """Vote background where the person is probably a depiction.

    Args:
        p_depicted: float32 [N], of `depiction_probabilities`.
        shows_person: bool [N], the label or the detector says person; the head knows nothing of other images.
        sure: in [0.5, 1].

    Raises:
        InputError: `sure` or a probability is out of range.
    """
    if not 0.5 <= sure <= 1:
        raise InputError(f"limit {sure} of depictions is not in [0.5, 1]", fix="set filter.depictions.sure")
    if not ((p_depicted >= 0) & (p_depicted <= 1)).all():
        raise InputError("a probability of depiction is outside [0, 1]", fix="make the probabilities again")
    cases = [(~shows_person, ABSTAIN, "nobody says that it shows a person"),
             (p_depicted >= np.float32(sure), NEGATIVE, "the person is a depiction")]
    return opine("depictions", "depictions", cases, p_depicted, "no depiction, or not sure")


def contested_persons(detector: Opinions, p_positive: NDArray[np.float32], sure: float) -> Opinions:
    """Ask for a look where the detector votes person and the out-of-fold classifier is sure of background.

    Args:
        detector: the detector's votes on N samples.
        p_positive: float32 [N], out-of-fold probability of person.
        sure: in [0.5, 1].
    """
    contested = (detector.proposed == POSITIVE) & (p_positive <= np.float32(1 - sure))
    cases = [(contested, ASK_REVIEW, "boxes show a person, the look of the image does not: a depiction, or a small person")]
    return opine("contested_persons", "depictions", cases, np.minimum(detector.confidence, 1 - p_positive), "not contested")
