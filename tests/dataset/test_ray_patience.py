"""When the Ray executor stops waiting: nothing came, and no part appeared either. A stand-in for Ray's data set, no Ray."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tinysieve.dataset.executors import ray_data
from tinysieve.dataset.executors.ray_data import RayDataExecutor

ROW = {"images": 3}


class Answers:
    """Rows as Ray gives them; waits for ever after the last one where it is told to."""

    def __init__(self, count: int, hangs: bool = False, error: Exception | None = None) -> None:
        self._count, self._hangs, self._error = count, hangs, error

    def iter_rows(self) -> Iterator[dict[str, Any]]:
        for _ in range(self._count):
            yield ROW
        if self._error is not None:
            raise self._error
        if self._hangs:
            threading.Event().wait(60)


@pytest.fixture
def restarts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    monkeypatch.setattr(ray_data, "ray_package", lambda: None)
    monkeypatch.setattr(ray_data, "start_again", lambda _collector: made.append("again"))
    return made


def test_rows_are_passed_on_to_the_last(restarts: list[str]) -> None:
    executor = RayDataExecutor("local", None, 0, patience=30)
    assert list(executor._answers(Answers(5), lambda: 0)) == [ROW] * 5
    assert restarts == []


def test_what_stands_still_is_given_up(restarts: list[str]) -> None:
    executor = RayDataExecutor("local", None, 0, patience=0.05)
    assert list(executor._answers(Answers(2, hangs=True), lambda: 7)) == [ROW] * 2
    assert restarts == ["again"]


def test_while_parts_appear_it_is_waited_for(restarts: list[str]) -> None:
    """One part is there at first and one more at each look, up to nine; the tenth look finds none more."""
    looks: list[int] = []

    def parts_there() -> int:
        looks.append(len(looks) + 1)
        return min(len(looks), 9)

    executor = RayDataExecutor("local", None, 0, patience=0.05)
    assert list(executor._answers(Answers(0, hangs=True), parts_there)) == []
    assert len(looks) == 10
    assert restarts == ["again"]


def test_where_ray_gives_up_the_disk_says_what_is_missing(restarts: list[str], caplog: pytest.LogCaptureFixture) -> None:
    executor = RayDataExecutor("local", None, 0, patience=30)
    assert list(executor._answers(Answers(1, error=RuntimeError("gone")), lambda: 0)) == [ROW]
    assert "Ray gave up: gone" in caplog.text
    assert restarts == []
