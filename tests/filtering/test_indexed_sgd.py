"""The table of temperatures: the published optimizer, at the cost of the batch."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings, TemperatureTable
from tinysieve.ground.errors import InputError


def dense_reference(count: int, settings: TableSettings, steps: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """The published way: a step of everything, then what was not in the batch is put back, momentum too; then the clamp."""
    value, velocity = np.full(count, np.log(settings.init)), np.zeros(count)
    for rows, gradient in steps:
        seen = np.isin(np.arange(count), rows)
        pull = np.bincount(rows, gradient + settings.weight_decay * value[rows], count)
        new_velocity = settings.momentum * velocity + pull
        value = np.where(seen, value - settings.learning_rate * new_velocity, value)
        velocity = np.where(seen, new_velocity, velocity)
        value = np.clip(value, np.log(settings.lowest), np.log(settings.highest))
    return value


@pytest.mark.parametrize("unique", [True, False])
def test_it_is_the_dense_optimizer_with_the_unseen_put_back(unique: bool) -> None:
    """Instances are unique in a batch; classes stand many times in it, and each visit decays (the decay is a sum, not a mean)."""
    rng = np.random.default_rng(0)
    settings = TableSettings(learning_rate=1.5, weight_decay=0.03)
    steps = [(rng.choice(40, 12, replace=not unique), rng.normal(0, 0.5, 12)) for _ in range(60)]
    table = TemperatureTable.start(40, settings)
    for rows, gradient in steps:
        table.step(rows, gradient)
    np.testing.assert_allclose(table.log_sigma, dense_reference(40, settings, steps), atol=1e-4)
    assert (np.abs(table.log_sigma) == np.float32(np.log(20))).any(), "the clamp must have been reached for the test to mean it"


def test_momentum_waits_for_the_next_visit() -> None:
    table = TemperatureTable.start(3, TableSettings(learning_rate=1.0, momentum=0.5))
    table.step(np.array([0]), np.array([0.4]))
    for _ in range(5):
        table.step(np.array([1]), np.array([0.1]))
    before = table.log_sigma[0]
    assert before == pytest.approx(-0.4)
    table.step(np.array([0]), np.array([0.0]))
    # Nothing new was said; what remains is half of the first push.
    assert table.log_sigma[0] == pytest.approx(before - 0.5 * 0.4)
    assert table.log_sigma[2] == 0


def test_decay_pulls_towards_one_from_both_sides() -> None:
    for init in (4.0, 0.25):
        table = TemperatureTable.start(1, TableSettings(init=init, learning_rate=0.1, weight_decay=0.5))
        for _ in range(200):
            table.step(np.array([0]), np.array([0.0]))
        assert np.exp(table.log_sigma[0]) == pytest.approx(1, abs=1e-3)


def test_a_start_outside_the_clamp_is_brought_in() -> None:
    """The published joint mode starts at 0.001, which its own clamp lifts to 0.05 at the first step."""
    assert TemperatureTable.start(2, TableSettings(init=0.001)).sigma(np.array([1]))[0] == pytest.approx(0.05)


def test_a_step_does_not_touch_what_it_does_not_visit() -> None:
    """Entries that are not numbers would spread if a step read or wrote them: it costs the batch and not the table."""
    table = TemperatureTable.start(1000, TableSettings())
    table.log_sigma[500:], table.velocity[500:] = np.nan, np.nan
    table.step(np.arange(100), np.ones(100))
    assert np.isfinite(table.log_sigma[:500]).all()
    assert np.isnan(table.log_sigma[500:]).all()


@pytest.mark.parametrize("wrong", [{"init": 0.0}, {"momentum": 1.0}, {"learning_rate": -1.0}, {"lowest": 3.0, "highest": 2.0}])
def test_impossible_settings_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        TableSettings(**wrong)
