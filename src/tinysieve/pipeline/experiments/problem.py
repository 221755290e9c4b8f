"""What an experiment works on: features of train and test samples with labels taken as true, and a way to learn from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.label_errors.fold_moments import FoldMoments, prepared_chunks, score, solve_ridge, typical_row
from tinysieve.filtering.label_errors.temperature import fit_temperature, softmax
from tinysieve.ground.errors import InputError

FloatArray = NDArray[np.floating]
Labels = NDArray[np.int64]
CHUNK = 8192


@dataclass(frozen=True, eq=False)
class Problem:
    """Train and test features with true labels.

    Args:
        name: for tables and plots.
        train, test: float [N, ...].
        train_labels, test_labels: int64 [N], each 0..classes-1.
        classes: K.
        labels_known: whether people checked that the labels are right; what is planted comes on top of errors otherwise.
    """

    name: str
    train: FloatArray
    train_labels: Labels
    test: FloatArray
    test_labels: Labels
    classes: int
    labels_known: bool = True

    @property
    def planted_words(self) -> str:
        """What the share of planted labels is a share of, for axes: 0 is no noise only where the labels are known."""
        return "planted wrong labels, %" if self.labels_known else "wrong labels planted on top of the labels' own errors, %"

    @property
    def noise_words(self) -> str:
        """What the planted share is called in a title."""
        return "noise" if self.labels_known else "planted"


class FoldedRidge:
    """Ridge regression of a problem's folds for any labels: the Gram matrices of all are made once, labels come and go.

    Which fold a sample is in does not depend on the labels, so the out-of-fold probabilities of a sweep over noise levels cost
    one pass over the features for all Gram matrices and a cheap one for each set of labels.

    Args:
        problem: whose train samples are folded.
        folds: parts, at least 2.
        rng: who is in which fold.

    Raises:
        InputError: fewer samples than folds, or one fold.
    """

    def __init__(self, problem: Problem, folds: int, rng: np.random.Generator) -> None:
        if not 2 <= folds <= len(problem.train_labels):
            raise InputError(f"{folds} folds of {len(problem.train_labels):,} samples", fix="at least 2, and a sample for each")
        self.problem, self.folds = problem, folds
        self.fold_of = rng.permutation(len(problem.train_labels)) % folds
        self.shift = typical_row(problem.train, np.ones(len(problem.train_labels), bool))
        self.gram = self._gram(np.arange(len(problem.train_labels)))

    def probabilities(self, labels: Labels) -> FloatArray:
        """Out-of-fold probabilities float32 [N, K] for given labels int64 [N]."""
        weights, _ = self._moments(np.arange(len(labels)), labels).ridge()
        scores = score(self.problem.train, self.shift, labels, self.fold_of, weights, CHUNK)
        return softmax(scores / np.float32(fit_temperature(scores, labels)))

    def accuracy(self, rows: NDArray[np.int64], labels: Labels, rng: np.random.Generator) -> float:
        """Test accuracy after learning these rows with labels int64 [len(rows)], which choose the strength too."""
        moments = self._moments(rows, labels)
        _, strength = moments.ridge()
        weights = solve_ridge(moments.gram.sum(axis=0), moments.target.sum(axis=0), (strength,))[0].astype(np.float32)
        right = 0
        for tested, prepared in prepared_chunks(self.problem.test, self.shift, CHUNK):
            right += int(((prepared @ weights).argmax(axis=1) == self.problem.test_labels[tested]).sum())
        return right / len(self.problem.test_labels)

    def _moments(self, rows: NDArray[np.int64], labels: Labels) -> FoldMoments:
        count, classes = len(self.fold_of), self.problem.classes
        taught = np.full(count, -1)
        taught[rows] = labels
        # Summed anew, not what is left out taken away: of a feature that only the others have, rounding errors would remain.
        gram = self.gram if len(rows) == count else self._gram(rows)
        target = np.zeros((*self.gram.shape[:2], classes))
        eye = np.eye(classes, dtype=np.float32)
        for some, prepared in prepared_chunks(self.problem.train, self.shift, CHUNK, taught >= 0):
            for fold in range(self.folds):
                mine = self.fold_of[some] == fold
                target[fold] += prepared[mine].T @ eye[taught[some[mine]]]
        return FoldMoments(self.shift, gram, target, np.bincount(self.fold_of[rows], minlength=self.folds).astype(np.float64))

    def _gram(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        size = self.problem.train.shape[1] + 1
        gram, wanted = np.zeros((self.folds, size, size)), np.zeros(len(self.fold_of), bool)
        wanted[rows] = True
        for some, prepared in prepared_chunks(self.problem.train, self.shift, CHUNK, wanted):
            for fold in range(self.folds):
                own = prepared[self.fold_of[some] == fold]
                gram[fold] += own.T @ own
        return gram


class Learner(Protocol):
    """Learns some train rows with given labels; returns the accuracy on the test samples."""

    def __call__(self, rows: NDArray[np.int64], labels: Labels, rng: np.random.Generator) -> float:
        """Accuracy in [0, 1] after training on `rows`, whose labels are int64 [len(rows)]."""
        ...


def plant_uniform(labels: Labels, share: float, classes: int, rng: np.random.Generator) -> Labels:
    """Give exactly round(share * N) samples, drawn at random, another class, each other class alike.

    >>> planted = plant_uniform(np.zeros(10, np.int64), 0.3, 3, np.random.default_rng(0))
    >>> int((planted != 0).sum())
    3
    """
    planted = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    planted[chosen] = (labels[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return planted

