"""The baselines by the names that setup files and submissions use, and the run that writes their submissions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from tinysieve.dataperf.baselines.bruteforce_shapley import bruteforce_shapley
from tinysieve.dataperf.baselines.influence import corrected_influence, published_influence
from tinysieve.dataperf.baselines.monte_carlo_shapley import monte_carlo_shapley
from tinysieve.dataperf.baselines.neighbor_shapley import neighbor_shapley
from tinysieve.dataperf.baselines.random_order import random_order
from tinysieve.dataperf.baselines.ranker import Ranker, load_evidence
from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.dataperf.submissions import write_submission
from tinysieve.ground.errors import InputError

BASELINES: Mapping[str, Ranker] = {
    "random": random_order,
    # The original's template: a random order under the name of the method to be written.
    "my_debug": random_order,
    "neighbor_shapley (datascope)": neighbor_shapley,
    "mc_shapley": monte_carlo_shapley,
    "influence_function": published_influence,
    "bruteforce_shapley": bruteforce_shapley,
    "influence_function_corrected": corrected_influence,
}


def chosen_rankers(names: Sequence[str], known: Mapping[str, Ranker]) -> dict[str, Ranker]:
    """The named rankers, in that order.

    Raises:
        InputError: nobody has the name; says which there are.
    """
    for name in names:
        if name not in known:
            raise InputError(f"Unknown algorithm {name}", where="baselines in the setup, or --baseline",
                             fix=f"one of: {', '.join(known)}")
    return {name: known[name] for name in names}


def create_baseline(setup: DebuggingSetup, task: TaskSetup, name: str, ranker: Ranker, seed: int) -> Path:
    """Rank a task's rows and write the submission and its time file; the seed is the same for every task and ranker."""
    evidence = load_evidence(setup, task)
    started = time.perf_counter()
    with threadpool_limits(1):
        order = ranker(evidence, np.random.default_rng(seed))
    seconds = time.perf_counter() - started
    return write_submission(setup.submission_folder, task.data_id, name, order, seconds)
