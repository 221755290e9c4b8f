"""Rankings: each against its definition, and against the published orders where there are."""

from __future__ import annotations

from itertools import permutations
from math import factorial
from pathlib import Path

import numpy as np
import pytest
from debugging_folder import DATA_ID, TRAIN, WRONG, write_folder

from tinysieve.dataperf.baselines.bruteforce_shapley import bruteforce_shapley, bruteforce_values
from tinysieve.dataperf.baselines.influence import (
    _errors,
    _mean_gradient,
    corrected_influence,
    hessian_product,
    published_influence,
    tangent_kernel,
)
from tinysieve.dataperf.baselines.monte_carlo_shapley import monte_carlo_values
from tinysieve.dataperf.baselines.neighbor_shapley import neighbor_shapley, neighbor_shapley_values, worst_constant
from tinysieve.dataperf.baselines.ranker import RankingEvidence, load_evidence
from tinysieve.dataperf.baselines.registry import BASELINES, chosen_rankers, create_baseline
from tinysieve.dataperf.baselines.subset_accuracy import SubsetAccuracy
from tinysieve.dataperf.classifier import Layers
from tinysieve.dataperf.classifier_fit import fit_layers
from tinysieve.dataperf.debugging import LabelScore, cleaning_curve
from tinysieve.dataperf.debugging_data import load_task
from tinysieve.dataperf.debugging_setup import DebuggingSetup
from tinysieve.dataperf.submissions import read_seconds, read_submission
from tinysieve.ground.errors import InputError


def evidence_of(seed: int, rows: int = 5, val: int = 6) -> RankingEvidence:
    rng = np.random.default_rng(seed)
    return RankingEvidence(rng.normal(size=(rows, 3)).astype(np.float32), np.arange(rows) % 2,
                           rng.normal(size=(val, 3)).astype(np.float32), np.arange(val) % 2)


def shared_setup(shared: Path) -> DebuggingSetup:
    folder = shared / "data" / "dataperf_debugging"
    paths = {"embedding_folder": "embeddings", "groundtruth_folder": "data", "submission_folder": "submissions",
             "results_folder": "results"}
    tasks = [{"data_id": name, "train_size": 300, "noise_level": 0.3, "test_size": 500, "val_size": 100}
             for name in ("01g317-flipped", "04hgtk-flipped", "01g317")]
    return DebuggingSetup.model_validate({"paths": paths, "tasks": tasks, "folder": folder})


def test_neighbor_shapley_is_the_mean_gain_over_all_orders() -> None:
    """Brute force over 5! orders of the utility that it is the Shapley value of: the nearest neighbour's label."""
    seen = evidence_of(1)
    distances = ((seen.val[:, np.newaxis] - seen.train) ** 2).sum(axis=2)
    constant = worst_constant(seen.val_labels)

    def utility(rows: tuple[int, ...]) -> float:
        nearest = [seen.labels[rows[int(np.argmin(row[list(rows)]))]] if rows else constant for row in distances]
        return float(np.mean(np.array(nearest) == seen.val_labels))

    values = np.zeros(5)
    for order in permutations(range(5)):
        for place, row in enumerate(order):
            values[row] += (utility(order[: place + 1]) - utility(order[:place])) / factorial(5)
    np.testing.assert_allclose(neighbor_shapley_values(seen), values, atol=1e-12)


def test_bruteforce_is_the_mean_gain_over_all_orders() -> None:
    seen = evidence_of(2, rows=4)
    accuracy = SubsetAccuracy(seen)
    values = np.zeros(4)
    for order in permutations(range(4)):
        chosen = np.zeros(4, bool)
        for row in order:
            before = accuracy(chosen)
            chosen[row] = True
            values[row] += (accuracy(chosen) - before) / factorial(4)
    np.testing.assert_allclose(bruteforce_values(seen), values, atol=1e-12)
    assert values.sum() == pytest.approx(accuracy.everything - accuracy.nothing)


def test_bruteforce_of_many_rows_is_refused() -> None:
    with pytest.raises(InputError, match="21 rows") as caught:
        bruteforce_shapley(evidence_of(0, rows=21), np.random.default_rng(0))
    assert "2^21" in caught.value.why


def test_monte_carlo_adds_up_to_what_the_orders_reach() -> None:
    """No order of 4 rows can be left early (that takes six near steps), so the values sum to the whole gain."""
    seen = evidence_of(3, rows=4)
    accuracy = SubsetAccuracy(seen)
    values = monte_carlo_values(seen, np.random.default_rng(0), orders=3)
    assert values.sum() == pytest.approx(accuracy.everything - accuracy.nothing)


def test_hessian_product_is_the_change_of_the_gradient() -> None:
    rng = np.random.default_rng(5)
    features, labels = rng.normal(size=(7, 4)).astype(np.float32), np.arange(7) % 2

    def random_layers(scale: float) -> Layers:
        return Layers(*(scale * rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (3,), (3,), (1,))))

    layers, direction = random_layers(0.5), random_layers(1.0)
    ahead, behind = (Layers(*(a + np.float32(step) * b for a, b in zip(vars(layers).values(), vars(direction).values(),
                                                                         strict=True))) for step in (1e-2, -1e-2))
    product = hessian_product(layers, features, labels, direction)
    for got, high, low in zip(vars(product).values(), vars(_mean_gradient(ahead, features, labels)).values(),
                              vars(_mean_gradient(behind, features, labels)).values(), strict=True):
        np.testing.assert_allclose(got, (high - low) / 2e-2, atol=2e-3)


def test_tangent_kernel_is_the_product_of_gradients() -> None:
    """Gradients of the loss are those of the logit times the error, so dividing by the errors gives the kernel."""
    seen = evidence_of(4, rows=2)
    layers = fit_layers(seen.train, seen.labels)
    one, two = (_mean_gradient(layers, seen.train[row : row + 1], seen.labels[row : row + 1]) for row in (0, 1))
    product = sum(float((a.astype(float) * b).sum()) for a, b in zip(vars(one).values(), vars(two).values(), strict=True))
    errors = _errors(layers, seen.train, seen.labels).astype(float)
    assert tangent_kernel(layers, seen.train, seen.train)[0, 1] == pytest.approx(product / errors.prod(), rel=1e-3)


@pytest.mark.parametrize("name", [name for name in BASELINES if name not in ("bruteforce_shapley", "mc_shapley")])
def test_an_order_holds_every_row_once_and_the_seed_decides(tmp_path: Path, name: str) -> None:
    setup = write_folder(tmp_path)
    ranker = chosen_rankers([name], BASELINES)[name]
    path = create_baseline(setup, setup.tasks[0], name, ranker, seed=7)
    first = path.read_bytes()
    assert sorted(read_submission(path, TRAIN, TRAIN)) == list(range(TRAIN))
    assert create_baseline(setup, setup.tasks[0], name, ranker, seed=7).read_bytes() == first
    assert read_seconds(setup.submission_folder, DATA_ID, name) is not None


def test_neighbor_shapley_finds_planted_errors(tmp_path: Path) -> None:
    setup = write_folder(tmp_path)
    order = neighbor_shapley(load_evidence(setup, setup.tasks[0]), np.random.default_rng(0))
    assert (order[:WRONG] < WRONG).mean() > 0.7


def test_an_unknown_baseline_names_the_known() -> None:
    with pytest.raises(InputError, match="Unknown algorithm nobody") as caught:
        chosen_rankers(["nobody"], BASELINES)
    assert "neighbor_shapley (datascope)" in caught.value.fix


def test_the_published_order_row_by_row(shared: Path) -> None:
    """In the task where no row stands twice."""
    setup = shared_setup(shared)
    order = neighbor_shapley(load_evidence(setup, setup.tasks[2]), np.random.default_rng(0))
    published = read_submission(setup.submission_folder / "01g317_neighbor_shapley (datascope).txt", 300, 300)
    np.testing.assert_array_equal(order, published)


@pytest.mark.parametrize(("task", "score"), [(0, 71 / 300), (1, 60 / 300)])
def test_the_published_score_where_rows_stand_twice(shared: Path, task: int, score: float) -> None:
    """They are at one distance from everything; which of them comes first was up to the original's sort routine."""
    setup = shared_setup(shared)
    order = neighbor_shapley(load_evidence(setup, setup.tasks[task]), np.random.default_rng(0))
    loaded = load_task(setup, setup.tasks[task])
    assert cleaning_curve(loaded, "neighbor", order, LabelScore(loaded)).fraction_fixes == score


def test_the_published_influence(shared: Path) -> None:
    """The same order but for a few neighbours in the tasks without (or with one pair of) rows that stand twice: influences that
    nearly tie change places with how a processor sums (296 and 292 of 300 places equal on one, all but 4 on another)."""
    setup = shared_setup(shared)
    for task in (setup.tasks[0], setup.tasks[2]):
        order = published_influence(load_evidence(setup, task), np.random.default_rng(0))
        published = read_submission(setup.submission_folder / f"{task.data_id}_influence_function.txt", 300, 300)
        moved = np.abs(np.argsort(order) - np.argsort(published))
        assert (moved > 0).sum() <= 10
        assert moved.max() <= 3


def test_corrected_influence_is_another_order(shared: Path) -> None:
    setup = shared_setup(shared)
    seen = load_evidence(setup, setup.tasks[0])
    rng = np.random.default_rng(0)
    assert (corrected_influence(seen, rng) != published_influence(seen, rng)).mean() > 0.9
