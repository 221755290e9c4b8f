"""Selection: every way gives an order, the budget is met, classes and steps are held to their shares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from tinysieve.dataset.classes import POSITIVE, Codes
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.filter import KINDS, Evidence
from tinysieve.filtering.selection.choose import choose, shares, sizes_of
from tinysieve.filtering.selection.registry import WAYS
from tinysieve.filtering.selection.settings import Selection, Step
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent

COUNT = 60


@dataclass(frozen=True)
class Known:
    """Two clouds of 25 photos each, and ten photos far from everything."""

    features: NDArray[np.float32] = field(default_factory=lambda: clouds())
    p_positive: NDArray[np.float32] = field(default_factory=lambda: np.linspace(0, 1, COUNT, dtype=np.float32))

    @property
    def neighbors(self) -> Neighbors:
        return nearest(self.features, 3, COUNT, silent)


def clouds() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    centres = np.zeros((COUNT, 12))
    centres[:25, 0], centres[25:50, 1] = 9, 9
    centres[50:] = np.eye(12)[2:12] * 9
    return np.asarray(np.abs(centres + 0.05 * rng.normal(size=(COUNT, 12))), np.float32)


def known() -> Evidence:
    return cast(Evidence, Known())


def labels(positives: int = 24) -> Codes:
    codes = np.zeros(COUNT, np.int8)
    codes[np.random.default_rng(1).permutation(COUNT)[:positives]] = POSITIVE
    return codes


def kept(budget: float, *steps: Step, per_class: str = "proportional", positives: int = 24) -> NDArray[np.int64]:
    settings = TypeAdapter(Selection).validate_python({"budget": budget, "by": steps, "per_class": per_class})
    return choose(settings, known(), labels(positives), np.arange(COUNT), np.random.default_rng(3))


@pytest.mark.parametrize("name", WAYS)
def test_a_way_orders_all_rows_and_needs_only_what_it_names(name: str) -> None:
    way, rows = WAYS[name], np.arange(COUNT)[::-1][:40]

    class OnlyNamed:
        def __getattr__(self, kind: str) -> object:
            asked = {"p_positive": "out_of_fold"}.get(kind, kind)
            assert asked in way.needs, f"{name} reads {kind}"
            return getattr(Known(), kind)

    order = way.order(cast(Evidence, OnlyNamed()), rows, labels()[rows], np.random.default_rng(0))
    assert sorted(order) == sorted(rows)
    assert set(way.needs) <= set(KINDS)
    assert way.name == name


def test_every_way_can_be_set() -> None:
    for name in WAYS:
        assert TypeAdapter(Selection).validate_python({"budget": 5, "by": [name]}).by == (Step(name),)  # type: ignore[arg-type]


@given(st.integers(30, COUNT), st.sampled_from(["proportional", "equal", "any"]), st.integers(25, COUNT - 25))
def test_the_budget_is_met_and_equal_classes_are_equal(budget: int, per_class: str, positives: int) -> None:
    rows = kept(budget, Step("random"), per_class=per_class, positives=positives)
    assert len(rows) == len(set(rows.tolist())) == budget
    chosen = int((labels(positives)[rows] == POSITIVE).sum())
    if per_class == "equal":
        assert chosen == min(positives, max(budget - budget // 2, budget - (COUNT - positives)))
    if per_class == "proportional":
        assert abs(chosen - budget * positives / COUNT) <= 0.5 + 1e-9


def test_unlike_photos_come_first_and_the_middle_of_clouds_stands_for_them() -> None:
    lonely = set(range(50, 60))
    assert set(kept(10, Step("uniqueness"), per_class="any").tolist()) == lonely
    first = kept(12, Step("coverage"), per_class="any", positives=30)
    order = WAYS["coverage"].order(known(), np.arange(COUNT), labels(), np.random.default_rng(0))
    assert len(first) == 12
    # Three cells of sixty photos: the first three come from three cells, so from no single cloud.
    assert len({min(row // 25, 2) for row in order[:3].tolist()}) > 1


def test_the_probable_labels_and_the_border_come_first() -> None:
    given_labels = labels()
    best = WAYS["label_quality"].order(known(), np.arange(COUNT), given_labels, np.random.default_rng(0))
    p = Known().p_positive
    quality = np.where(given_labels == POSITIVE, p, 1 - p)
    assert (np.diff(quality[best]) <= 0).all()
    unsure = WAYS["uncertainty"].order(known(), np.arange(COUNT), given_labels, np.random.default_rng(0))
    assert set(unsure[:2].tolist()) == {COUNT // 2 - 1, COUNT // 2}


def test_a_step_keeps_its_share_for_the_next() -> None:
    rows = kept(6, Step("uniqueness", 0.5), Step("label_quality"), per_class="any")
    order = WAYS["uniqueness"].order(known(), np.arange(COUNT), labels(), np.random.default_rng(0))
    assert set(rows.tolist()) <= set(order[:30].tolist())


@given(st.lists(st.one_of(st.none(), st.floats(0.05, 1)), min_size=1, max_size=4), st.integers(1, 400), st.integers(1, 400))
def test_steps_never_grow_nor_undercut_the_budget(keeps: list[float | None], one_size: int, other_size: int) -> None:
    count, budget = max(one_size, other_size), min(one_size, other_size)
    sizes = sizes_of((*(Step("random", keep) for keep in keeps[:-1]), Step("random")), count, budget)
    assert sizes[-1] == budget
    assert all(first >= second for first, second in zip([count, *sizes], sizes, strict=False))


def test_what_one_class_cannot_fill_goes_to_the_other() -> None:
    assert shares(50, [5, 100], equal=True) == [5, 45]
    assert shares(50, [100, 5], equal=True) == [45, 5]


def test_a_selection_of_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="one class only"):
        kept(2, Step("random"), positives=1)


def test_a_budget_that_holds_all_keeps_all() -> None:
    assert kept(100_000, Step("uniqueness")).tolist() == list(range(COUNT))


@pytest.mark.parametrize("settings", [
    {"budget": 0, "by": ["random"]}, {"budget": 1.5, "by": ["random"]}, {"budget": 0.5, "by": []},
    {"budget": 0.5, "by": ["best"]},
    {"budget": 0.5, "by": [{"way": "random", "keep": 0.5}]},
    {"budget": 0.5, "by": ["random"], "seed": 1},
    {"budget": 0.5, "by": [{"way": "random", "keep": 0}, "random"]},
])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Selection).validate_python(settings)
