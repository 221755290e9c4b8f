"""The benchmark's classifier: logistic regression as scikit-learn 0.24 fitted it, on which the published scores rest.

Later releases scale the loss by the number of rows, so that the solver's tolerance stops elsewhere and one or two test
images flip. The sum below, from zeros, with L-BFGS-B at gtol 1e-4, gives the published predictions with any SciPy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from tinysieve.ground.arrays import DoubleArray

GRADIENT_TOLERANCE, MOST_ITERATIONS = 1e-4, 100


@dataclass(frozen=True)
class LinearModel:
    """z = x w + b; the class is predicted where z > 0.

    Args:
        weights: float64 [D].
        intercept: not penalised.
        converged: False when the solver stopped at its limit of iterations.
    """

    weights: DoubleArray
    intercept: float
    converged: bool

    def decision(self, vectors: DoubleArray) -> DoubleArray:
        """z, float64 [N], of vectors [N, D]; the probability of the class is 1 / (1 + exp(-z))."""
        return np.asarray(vectors @ self.weights + self.intercept)

    def predict(self, vectors: DoubleArray) -> NDArray[np.bool_]:
        """True where the class is, bool [N]."""
        return self.decision(vectors) > 0


def fit(vectors: DoubleArray, labels: NDArray[np.bool_]) -> LinearModel:
    """Minimise sum(log(1 + exp(-y z))) + |w|^2 / 2, y in {-1, 1}.

    Args:
        vectors: float64 [N, D].
        labels: bool [N], both values among them.

    >>> model = fit(np.array([[-1.0], [1.0]]), np.array([False, True]))
    >>> model.predict(np.array([[-0.1], [0.1]])).tolist()
    [False, True]
    """
    from scipy.optimize import minimize
    from scipy.special import expit

    signs = np.where(labels, 1.0, -1.0)

    def loss(parameters: DoubleArray) -> tuple[float, DoubleArray]:
        weights, margins = parameters[:-1], signs * (vectors @ parameters[:-1] + parameters[-1])
        slopes = (expit(margins) - 1) * signs
        value = np.logaddexp(0, -margins).sum() + 0.5 * (weights @ weights)
        return value, np.append(vectors.T @ slopes + weights, slopes.sum())

    with _linear_algebra().limit(limits=1, user_api="blas"):
        solution = minimize(loss, np.zeros(vectors.shape[1] + 1), jac=True, method="L-BFGS-B",
                         options={"gtol": GRADIENT_TOLERANCE, "maxiter": MOST_ITERATIONS})
    return LinearModel(solution.x[:-1], float(solution.x[-1]), solution.status == 0)


@cache
def _linear_algebra() -> ThreadpoolController:
    """One thread is the fastest for a few hundred rows, and the sums are the same on any number of cores."""
    return ThreadpoolController()
