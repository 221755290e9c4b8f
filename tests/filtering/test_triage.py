"""Triage, turning point, suspicion and the second axis: on toy matrices with the answers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinysieve.filtering.data_parameters.rare_or_wrong import contradicted_by_neighbors, forgotten, wrong_not_rare
from tinysieve.filtering.data_parameters.trajectories import TrajectoryLog, read_trajectories, summarise
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW, RULES, TRIAGE_NAMES, TriageRule, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.ground.errors import InputError

# Five samples by four epochs, and what each of the published rules says of them.
TOY = np.array([
    [1.0, 0.9, 0.8, 0.7],  # cooled all the way: easy by both
    [1.0, 1.4, 1.8, 2.2],  # ends above both limits: hard by both
    [1.0, 1.3, 1.6, 1.8],  # ends between 1.6 and 2.0: hard by the first only
    [1.0, 2.8, 1.2, 0.8],  # rose above 1.6, fell under 1.0: need review by both
    [1.0, 1.55, 1.2, 0.9],  # its peak lies between 1.5 and 1.6: need review by the second only
])  # fmt: skip
EXPECTED = {"tsne_plots": [EASY, HARD, HARD, NEED_REVIEW, EASY],
            "easy_hard_and_need_review": [EASY, HARD, EASY, NEED_REVIEW, NEED_REVIEW]}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_published_rules_on_the_toy_matrix(name: str) -> None:
    assert triage(summarise(TOY, -1), RULES[name]).tolist() == EXPECTED[name]


@pytest.mark.parametrize(("end", "expected"), [(0.9995, [NEED_REVIEW, NEED_REVIEW]), (1.0, [EASY, NEED_REVIEW]),
                                               (1.001, [EASY, EASY])])
def test_an_end_at_one_needs_review_by_one_published_script_only(end: float, expected: list[int]) -> None:
    """tsne_plots.py asks for final < 1.0, easy_hard_and_need_review.py for final <= 1.0."""
    trajectory = np.float16([[1.0, 2.8, end]])
    made = [triage(summarise(trajectory, -1), RULES[name]).item() for name in ("tsne_plots", "easy_hard_and_need_review")]
    assert made == expected


def test_when_it_is_read_decides() -> None:
    """At epoch 2 the fourth sample stands at its peak: hard, not yet in need of review."""
    assert triage(summarise(TOY, 1), RULES["tsne_plots"])[3] == HARD
    assert triage(summarise(TOY, -1), RULES["tsne_plots"])[3] == NEED_REVIEW


@given(arrays.arrays(np.float32, st.tuples(st.integers(1, 30), st.integers(1, 6)), elements=st.floats(0.0625, 16, width=32)))
def test_every_sample_gets_one_triage_and_order_does_not_matter(trajectories: np.ndarray) -> None:
    order = np.random.default_rng(0).permutation(len(trajectories))
    for rule in RULES.values():
        codes = triage(summarise(trajectories, -1), rule)
        assert np.isin(codes, range(len(TRIAGE_NAMES))).all()
        np.testing.assert_array_equal(triage(summarise(trajectories[order], -1), rule), codes[order])


def test_a_hotter_end_is_never_less_hard() -> None:
    ends = np.linspace(0.1, 4, 60)
    made = triage(summarise(np.stack([np.ones(60), ends], axis=1), -1), RULES["tsne_plots"])
    assert (np.diff(made.astype(int)) >= 0).all()
    assert set(made.tolist()) == {EASY, HARD}


@pytest.mark.parametrize(("limits", "words"), [((1.6, 1.6, 0.5, 1.7), "review_final 1.7 is above review_peak"),
                                               ((0.0, 1.6, 0.5, 0.5), "a limit that is not positive"),
                                               ((1.6, 1.6, -1.0, 1.0), "a limit that is not positive")])
def test_rules_that_contradict_themselves_are_refused(limits: tuple[float, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        TriageRule(*limits)


def test_summary_by_hand_and_an_epoch_that_is_not_there() -> None:
    made = summarise(TOY, 2)
    assert (made.final[3], made.highest[3], made.lowest[3]) == pytest.approx((1.2, 2.8, 1.0))
    assert made.mean[3] == pytest.approx((1.0 + 2.8 + 1.2) / 3)
    with pytest.raises(InputError, match="epoch 4 of 4"):
        summarise(TOY, 4)


def test_the_turning_point_is_where_held_out_loss_begins_to_rise() -> None:
    """Losses of 200 samples that fall for five epochs and rise by far more than their scatter afterwards."""
    rng = np.random.default_rng(0)
    course = np.array([1.0, 0.8, 0.6, 0.5, 0.45, 0.6, 0.9])
    losses = course[:, np.newaxis] + rng.normal(0, 0.05, (7, 200))
    assert turning_point(losses) == 4
    # Where it stays flat there is no turning point yet, and the last epoch is as good: temperatures have had most time.
    flat = np.repeat(losses[4:5], 7, axis=0)
    assert turning_point(flat) == 6


@pytest.mark.parametrize("losses", [np.zeros((0, 3)), np.array([[0.1, np.nan]]), np.array([[np.inf, 0.2]])])
def test_losses_that_are_no_numbers_are_refused(losses: np.ndarray) -> None:
    with pytest.raises(InputError, match="held-out losses"):
        turning_point(losses)


def test_ties_at_the_clamp_are_broken_by_the_trajectory() -> None:
    """Three samples end at the clamp; the one that was hot longest is the most suspect. Equal trajectories stay equal."""
    trajectories = np.float16([[1, 20, 20], [1, 5, 20], [1, 20, 20], [1, 20, 19]])
    made = suspicion(summarise(trajectories, -1))
    assert made[0] == made[2] > made[1] > made[3]
    assert (made >= 0).all()
    assert (made < 1).all()


@given(arrays.arrays(np.float16, st.tuples(st.integers(2, 40), st.integers(1, 4)), elements=st.floats(0.0625, 16, width=16)))
def test_suspicion_follows_the_final_temperature(trajectories: np.ndarray) -> None:
    made = suspicion(summarise(trajectories, -1))
    final = trajectories[:, -1].astype(np.float32)
    hotter = final[:, np.newaxis] > final[np.newaxis]
    assert (made[:, np.newaxis] > made[np.newaxis])[hotter].all()


def test_rare_and_wrong_part_on_the_second_axis() -> None:
    """Rows 0 and 1 are hard: the look-alikes of 0 have another label, those of 1 are so far away that they say nothing."""
    rows = np.array([[2, 3], [2, 3], [3, 4], [2, 4], [2, 3]], np.int32)
    similarity = np.float32([[0.9, 0.9], [0.05, 0.05], [0.9, 0.8], [0.9, 0.8], [0.8, 0.8]])
    labels = np.array([1, 1, 0, 0, 0])
    against = contradicted_by_neighbors(Neighbors(rows, similarity), labels)
    np.testing.assert_array_equal(against, [1, 0, 0, 0, 0])
    codes = np.array([HARD, HARD, EASY, EASY, EASY], np.int8)
    assert wrong_not_rare(codes, against).tolist() == [True, False, False, False, False]
    assert wrong_not_rare(codes, forgotten(np.float32([0.1, 0.9, 0, 0, 0]))).tolist() == [True, False, False, False, False]


def test_the_sparsest_tenth_is_silent_and_ties_are_heard() -> None:
    """Every look-alike of every row has another label, so what is 0 was silenced; 21 rows, so a tenth of the others is 2."""
    count = 21
    rows = np.roll(np.arange(count, dtype=np.int32), 1)[:, np.newaxis]
    labels = np.arange(count)
    alike = contradicted_by_neighbors(Neighbors(rows, np.full((count, 1), 0.7, np.float32)), labels)
    np.testing.assert_array_equal(alike, np.ones(count))
    rising = np.linspace(0.1, 0.9, count, dtype=np.float32)[:, np.newaxis]
    np.testing.assert_array_equal(contradicted_by_neighbors(Neighbors(rows, rising), labels), [0, 0] + [1] * 19)


def test_a_log_resumes_its_own_fit_only(tmp_path: Path) -> None:
    mine = TrajectoryLog(tmp_path, "mine", 3, 2)
    assert mine.resume()[0] == 0
    mine.append(0, np.array([1.0, 2.0, 3.0]), {"weights": np.arange(4)})
    done, state = TrajectoryLog(tmp_path, "mine", 3, 2).resume()
    assert done == 1
    np.testing.assert_array_equal(state["weights"], np.arange(4))
    np.testing.assert_array_equal(read_trajectories(tmp_path / "trajectories.npy")[:, 0], [1, 2, 3])
    assert TrajectoryLog(tmp_path, "another", 3, 2).resume() == (0, {})


def test_files_that_are_no_trajectories_are_refused(tmp_path: Path) -> None:
    for number, content in enumerate((b"no", b"")):
        (tmp_path / f"{number}.npy").write_bytes(content)
        with pytest.raises(InputError, match="cannot read trajectories"):
            read_trajectories(tmp_path / f"{number}.npy")
    np.save(tmp_path / "flat.npy", np.zeros(3, np.float16))
    with pytest.raises(InputError, match="expected float"):
        read_trajectories(tmp_path / "flat.npy")
