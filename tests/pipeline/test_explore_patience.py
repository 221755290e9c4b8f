"""Slow services are tried again; what fails for another reason, or each time, ends in its true cause and exit code 3."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.explore.app import show_app
from tinysieve.pipeline.explore.patience import WAITS, patiently


class ServiceListenTimeout(Exception):
    """As FiftyOne calls it."""


def failing(times: int, error: Exception) -> tuple[Callable[[], str], list[int]]:
    calls: list[int] = []

    def attempt() -> str:
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "up"

    return attempt, calls


def test_a_slow_service_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    attempt, calls = failing(2, ServiceListenTimeout("failed to bind to port"))
    slept: list[float] = []
    assert patiently(attempt, "the database", "here", "install it", (1.0, 2.0, 3.0), slept.append) == "up"
    assert (len(calls), slept) == (3, [1.0, 2.0])
    assert "slow to start (ServiceListenTimeout: failed to bind to port); trying again in 1 s" in capsys.readouterr().err


def test_what_never_answers_ends_with_its_cause() -> None:
    attempt, calls = failing(99, TimeoutError("no answer"))
    with pytest.raises(MissingRequirement, match="after 4 attempts: TimeoutError: no answer") as stop:
        patiently(attempt, "the App", "http://here", "wait", WAITS, lambda seconds: None)
    assert len(calls) == len(WAITS) + 1
    assert (stop.value.exit_code, stop.value.where, stop.value.fix) == (3, "http://here", "wait")


def test_what_is_not_slow_is_not_tried_again() -> None:
    attempt, calls = failing(99, ValueError("no mongod in the package"))
    with pytest.raises(MissingRequirement, match=r"does not start: ValueError: no mongod"):
        patiently(attempt, "the database", "here", "install it", WAITS, lambda seconds: None)
    assert len(calls) == 1


def test_a_timeout_behind_another_failure_counts() -> None:
    behind = RuntimeError("cannot connect")
    behind.__cause__ = TimeoutError("30 s")
    attempt, calls = failing(1, behind)
    assert patiently(attempt, "the App", "here", "wait", (0.0,), lambda seconds: None) == "up"
    assert len(calls) == 2


def test_an_app_that_cannot_start_is_no_defect_of_ours() -> None:
    class Module:
        @staticmethod
        def launch_app(*_: object, **__: object) -> None:
            raise ValueError("node is missing")

    with pytest.raises(MissingRequirement, match="the App does not start: ValueError: node is missing"):
        show_app(Module, None, 0, lambda address: None)
