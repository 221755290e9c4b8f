"""Slow services are tried again; what fails for another reason, or each time, ends in its true cause and exit code 3."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.explore.app import show_app
from tinysieve.pipeline.explore.database import ask
from tinysieve.pipeline.explore.patience import WAITS, patiently, while_it_answers

PORT = "FIFTYONE_PRIVATE_DATABASE_PORT"


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


class AutoReconnect(ConnectionError):
    """As pymongo calls it."""


def test_a_database_that_stops_answering_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    work, calls = failing(1, AutoReconnect("connection closed"))
    assert while_it_answers(work, "the database", "here", "again", (1.0,), lambda seconds: None) == "up"
    assert len(calls) == 2
    assert "the database is slow to answer (AutoReconnect: connection closed)" in capsys.readouterr().err


def test_a_database_that_never_answers_again_is_no_defect_of_ours() -> None:
    work, calls = failing(99, AutoReconnect("127.0.0.1:1: refused"))
    with pytest.raises(MissingRequirement, match="does not answer after 4 attempts: AutoReconnect: 127") as stop:
        while_it_answers(work, "the database", "here", "again", WAITS, lambda seconds: None)
    assert (len(calls), stop.value.exit_code) == (len(WAITS) + 1, 3)


@pytest.mark.parametrize("own", [KeyError("a field"), InputError("the connection column is missing")])
def test_the_work_s_own_failures_pass_as_they_are(own: Exception) -> None:
    work, calls = failing(99, own)
    with pytest.raises(type(own)) as stop:
        while_it_answers(work, "the database", "here", "again", WAITS, lambda seconds: None)
    assert (stop.value, len(calls)) == (own, 1)


class SlowDatabase:
    """FiftyOne's own way: the process stays, its port is known only once, and a client is kept whatever it is connected to."""

    def __init__(self, slow: int) -> None:
        self.slow, self.client, self._db_service = slow, "", None
        self.core = self.odm = self.database = self

    @property
    def port(self) -> int:
        self.slow -= 1
        if self.slow >= 0:
            raise ServiceListenTimeout("failed to bind to port")
        return 40_000

    def _disconnect(self) -> None:
        self.client = ""

    def list_datasets(self) -> list[str]:
        if not self.client:
            if self._db_service is None and PORT not in os.environ:
                self._db_service = self
                os.environ[PORT] = str(self.port)
            self.client = f"localhost:{os.environ.get(PORT, 27017)}"
        if self.client != "localhost:40000":
            raise ConnectionError(f"{self.client} refused")
        return []


@pytest.mark.parametrize("slow", [0, 1, 3])
def test_a_database_that_is_slow_to_bind_is_found_afterwards(monkeypatch: pytest.MonkeyPatch, slow: int) -> None:
    monkeypatch.setenv(PORT, "")
    monkeypatch.delenv(PORT)
    database = SlowDatabase(slow)
    patiently(lambda: ask(database), "the database", "here", "again", WAITS, lambda seconds: None)
    assert database.client == "localhost:40000"
