"""Our strategy: widen the few examples by their surest look-alikes, and let held-out examples say how far.

The test sets of the benchmark are about half of the class, so a train set of twenty positives and hundreds of negatives
makes a classifier that is far too shy. More positives are the cure, and wrong ones the danger.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.special import expit

from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.strategies.pool import Pool, Rows
from tinysieve.dataperf.strategies.random_rows import random_negatives
from tinysieve.dataperf.train_set import TrainSet

_MODELS, _NEGATIVES_A_POSITIVE = 10, 5


@dataclass(frozen=True)
class PseudoPositives:
    """Scores every image with a bag of classifiers, calls the best ones positive, and draws the negatives below them.

    How many pseudo-positives, how many negatives and what share of hard ones among these is chosen by cross-validation
    over the known positives: recall r on those held out, and the share q of the pool that is called positive, give the f1
    that a test set half of the class would have, 2 r / (1 + r + q). Both are means of probabilities and not of calls, since
    a few held-out examples are soon all found and then every recipe looks the same.

    Args:
        size: most rows of the train set.
        folds: parts of the known positives, each held out once.
    """

    size: int = 500
    folds: int = 5

    def choose(self, pool: Pool, rng: np.random.Generator) -> TrainSet:
        """Pick the train set."""
        folds = np.arange(len(pool.positives)) % min(self.folds, len(pool.positives))
        folds = rng.permutation(folds)
        judges = rng.permutation(pool.unknown())[:5000]
        recipes = self._recipes(len(pool.positives))
        quality = np.zeros(len(recipes))
        for fold in range(int(folds.max()) + 1 if len(pool.positives) > 1 else 0):
            part = Pool(pool.ids, pool.vectors, pool.positives[folds != fold], pool.negatives)
            order = _ranking(part, rng)
            quality += [_expected_f1(pool, _compose(part, order, *recipe), pool.positives[folds == fold], judges)
                        for recipe in recipes]
        best = recipes[int(np.argmax(quality))]
        chosen = _compose(pool, _ranking(pool, rng), *best)
        return pool.train_set(*chosen)

    def _recipes(self, known: int) -> list[tuple[int, int, float]]:
        pseudo = [known * factor for factor in (0, 1, 2, 5) if known * (1 + factor) < self.size]
        return [(extra, count, hard) for extra, factor, hard in product(pseudo, (1, 3, 9), (0.0, 0.5))
                if (count := min(factor * (known + extra), self.size - known - extra)) > 0]


def _ranking(pool: Pool, rng: np.random.Generator) -> Rows:
    """Unknown rows, surest of the class first, by the mean decision of classifiers on different random negatives."""
    weights = np.zeros(pool.vectors.shape[1])
    for _ in range(_MODELS):
        negatives = random_negatives(pool, _NEGATIVES_A_POSITIVE * len(pool.positives), rng)
        rows = np.concatenate([pool.positives, negatives])
        weights += fit(pool.exact(rows), np.arange(len(rows)) < len(pool.positives)).weights
    unknown = pool.unknown()
    return unknown[np.argsort(-(pool.vectors @ weights.astype(np.float32))[unknown], kind="stable")]


def _compose(pool: Pool, order: Rows, pseudo: int, count: int, hard: float) -> tuple[Rows, Rows]:
    """Positives and negatives: `pseudo` rows from the top; hard negatives from below a gap as wide again, others evenly."""
    below = order[4 * pseudo + len(pool.positives) :]
    hardest = below[: round(hard * count)]
    rest = below[len(hardest) :]
    even = rest[np.linspace(0, len(rest) - 1, min(count - len(hardest), len(rest))).astype(np.int64)]
    negatives = np.concatenate([pool.negatives, hardest, even])[:count]
    return np.concatenate([pool.positives, order[:pseudo]]), negatives


def _expected_f1(pool: Pool, chosen: tuple[Rows, Rows], held_out: Rows, judges: Rows) -> float:
    rows = np.concatenate(chosen)
    model = fit(pool.exact(rows), np.arange(len(rows)) < len(chosen[0]))
    recall, called = (float(expit(model.decision(pool.exact(some))).mean()) for some in (held_out, judges))
    return 2 * recall / (1 + recall + called)
