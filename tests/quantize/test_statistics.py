"""Derivations, and the cases where a formula goes wrong."""

from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinysieve.ground.errors import InputError
from tinysieve.ground.statistics import (
    Confusion,
    balanced_bootstrap,
    confusion,
    looks_reversed,
    mcnemar_exact,
    paired_bootstrap,
    wilson_interval,
)
from tinysieve.quantize.calibration import choose_calibration
from tinysieve.quantize.verdict.paired_comparison import compare


def test_wilson_solves_its_equation():
    # The bounds are the shares p with |8/10 - p| = z * sqrt(p (1 - p) / 10).
    interval, z = wilson_interval(8, 10), 1.959963984540054
    for bound in (interval.low, interval.high):
        assert abs(0.8 - bound) == pytest.approx(z * sqrt(bound * (1 - bound) / 10))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_stays_in_range(case):
    right, total = case
    interval = wilson_interval(right, total)
    assert 0 <= interval.low <= right / total + 1e-12
    assert right / total - 1e-12 <= interval.high <= 1


def test_mcnemar_is_a_coin():
    # 1 against 5 discordant: 2 * (C(6,0) + C(6,1)) / 2^6.
    first = np.array([1] + [0] * 5 + [1] * 20, bool)
    second = np.array([0] + [1] * 5 + [1] * 20, bool)
    result = mcnemar_exact(first, second)
    assert (result.only_first_right, result.only_second_right) == (1, 5)
    assert result.p_value == pytest.approx(2 * (comb(6, 0) + comb(6, 1)) / 2**6)
    assert mcnemar_exact(second, first).p_value == pytest.approx(result.p_value)
    assert mcnemar_exact(first, first).p_value == 1.0


def test_bootstrap_has_the_normal_width_and_the_seed_decides():
    # 60 better, 20 worse of 1000: mean 0.04, variance (0.08 - 0.04^2) / 1000.
    first, second = np.zeros(1000, bool), np.zeros(1000, bool)
    second[:60], first[60:80] = True, True
    interval = paired_bootstrap(first, second, np.random.default_rng(0))
    half = 1.96 * sqrt((0.08 - 0.04**2) / 1000)
    assert interval.low == pytest.approx(0.04 - half, abs=0.002)
    assert interval.high == pytest.approx(0.04 + half, abs=0.002)
    assert interval == paired_bootstrap(first, second, np.random.default_rng(0))
    same = paired_bootstrap(first, first, np.random.default_rng(0))
    assert (same.low, same.high) == (0, 0)


def test_answering_the_frequent_class_more_often_gains_accuracy_and_nothing_with_both_classes_weighed_alike():
    # 600 backgrounds and 200 persons; the second model answers "background" to 60 of each class's images that were "person".
    labels = np.repeat([0, 1], [600, 200])
    first, second = labels.copy(), labels.copy()
    first[:180], second[:120] = 1, 1
    first[600:640], second[600:660] = 0, 0
    found = compare(second, first, labels, np.random.default_rng(0))
    assert found.difference == pytest.approx((60 - 20) / 800)
    assert found.better
    assert found.balanced_difference == pytest.approx((60 / 600 - 20 / 200) / 2)
    # Variance of a mean of two independent shares: a tenth of each class's images changes.
    half = 1.96 * sqrt((0.09 / 600 + 0.09 / 200) / 4)
    assert found.balanced_interval.low == pytest.approx(-half, abs=0.002)
    assert found.balanced_interval.high == pytest.approx(half, abs=0.002)


def test_balanced_bootstrap_is_the_plain_one_where_there_is_one_class():
    first, second = np.arange(50) % 3 == 0, np.arange(50) % 4 == 0
    one = balanced_bootstrap(first, second, np.ones(50, int), np.random.default_rng(1))
    assert one == paired_bootstrap(first, second, np.random.default_rng(1))


def test_confusion_counts_and_refuses_other_codes():
    cells = confusion(np.array([0, 1, 1, 0, 1]), np.array([0, 0, 1, 1, 1]))
    assert cells == Confusion(1, 1, 1, 2)
    assert cells.accuracy == 3 / 5
    with pytest.raises(InputError, match="class -1"):
        confusion(np.array([0, 1]), np.array([0, -1]))
    with pytest.raises(InputError, match="cannot be paired"):
        mcnemar_exact(np.ones(3, bool), np.ones(4, bool))


@pytest.mark.parametrize(("cells", "expected"), [
    (Confusion(10, 90, 80, 20), True),    # swapped: 15 %
    (Confusion(90, 10, 20, 80), False),   # sound
    (Confusion(0, 400, 0, 100), False),   # always person, and few persons: 20 % but no contradiction
    (Confusion(1, 3, 2, 1), False),       # too few to say
])
def test_reversed_order_is_more_than_bad_luck(cells, expected):
    assert looks_reversed(cells) is expected


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 20), st.integers(2, 80))
def test_calibration_is_balanced_seeded_and_labelled(persons, backgrounds, unlabelled, count):
    labels = np.array([1] * persons + [0] * backgrounds + [-1] * unlabelled, np.int8)
    rows = choose_calibration(labels, count, np.random.default_rng(5))
    assert (rows == choose_calibration(labels, count, np.random.default_rng(5))).all()
    assert len(np.unique(rows)) == len(rows) == min(count, persons + backgrounds)
    taken = np.bincount(labels[rows], minlength=2)
    assert labels[rows].min() >= 0
    assert abs(int(taken[0]) - int(taken[1])) <= 1 or taken.min() == min(persons, backgrounds)


def test_calibration_without_a_class_stops():
    with pytest.raises(InputError, match="no person image"):
        choose_calibration(np.zeros(9, int), 4, np.random.default_rng(0))
