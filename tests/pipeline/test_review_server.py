"""Who the review's server answers, and what it refuses."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image
from review_run import ReviewRun, make_review_run

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.review.connections import Connections
from tinysieve.pipeline.review.decision_log import DecisionLog, opened
from tinysieve.pipeline.review.review_page import Sheet
from tinysieve.pipeline.review.review_pictures import photos_of
from tinysieve.pipeline.review.server import (
    MAX_BODY_BYTES,
    MOST_CONNECTIONS,
    TOKEN_HEADER,
    ReviewContext,
    ReviewServer,
    new_token,
)
from tinysieve.pipeline.review.session import sheet_of


@dataclass(frozen=True)
class Client:
    """A running server, and a way to ask it."""

    server: ReviewServer
    decision_log: DecisionLog
    sheet: Sheet

    def ask(self, method: str, path: str, body: bytes | None = None,
            **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def decide(self, said: object, path: str | None = None, **headers: str) -> int:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        sent = {TOKEN_HEADER.replace("-", "_"): self.server.context.token} | headers
        return self.ask("POST", path or f"/{self.server.context.token}/decide", body, **sent)[0]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ReviewRun:
    return make_review_run(tmp_path_factory.mktemp("review"))


@pytest.fixture
def client(made: ReviewRun, tmp_path: Path) -> Iterator[Client]:
    sheet = sheet_of(made.run, made.queue)
    with opened(tmp_path / "decisions.csv", "ann") as decision_log:
        with ReviewServer(ReviewContext(sheet, photos_of(made.run), decision_log, new_token()), 0) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            yield Client(server, decision_log, sheet)
            server.shutdown()
            thread.join()


def test_it_listens_on_loopback_only(client: Client) -> None:
    assert client.server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("path", ["/", "/review.html", "/wrong/", "/wrong/thumbnail/0", "//", "/%00/"])
def test_without_the_token_nothing_is_told(client: Client, path: str) -> None:
    assert client.ask("GET", path)[0] == 403


@pytest.mark.parametrize("host", ["example.org", "127.0.0.1.example.org", "", "[::", "localhost.example.org:80", "0.0.0.0"])
def test_another_host_name_is_refused_even_with_the_token(client: Client, host: str) -> None:
    assert client.ask("GET", f"/{client.server.context.token}/", Host=host)[0] == 403


def test_a_tunnel_may_end_at_another_port(client: Client) -> None:
    assert client.ask("GET", f"/{client.server.context.token}/", Host="localhost:9000")[0] == 200


@pytest.mark.parametrize("path", [
    "../../etc/passwd", "thumbnail/../../../etc/passwd", "thumbnail/%2e%2e%2fconfig.yaml", "thumbnail/", "thumbnail/-1",
    "thumbnail/36",
    "thumbnail/999999999", "thumbnail/9999999999999999999999", "thumbnail/0x1", "thumbnail/0/", "thumbnail/0?x",
    "review.html", "decide", ".", "..", "/etc/passwd",
])
def test_there_are_numbers_and_no_paths(client: Client, path: str) -> None:
    assert len(client.sheet.cards) == 36
    assert client.ask("GET", f"/{client.server.context.token}/{path}")[0] == 404


def until_no_more_threads_than(count: int) -> bool:
    """Whether the threads of ended connections end, too, within the time that a busy machine may need."""
    deadline = time.monotonic() + 30
    while threading.active_count() > count and time.monotonic() < deadline:
        time.sleep(0.01)
    return threading.active_count() <= count


def test_two_hundred_silent_connections_hold_a_bounded_number_of_threads(client: Client) -> None:
    """Each is dropped for a later one, the longest silent first; who asks is answered, before and behind them."""
    before, page = threading.active_count(), f"/{client.server.context.token}/"
    with ExitStack() as stack:
        lines = []
        for number in range(200):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", client.server.server_port), timeout=30))
            # A beginning of a request is no request.
            line.sendall(b"GET /" if number % 2 else b"")
            lines.append(line)
        assert client.ask("GET", page)[0] == 200
        assert client.decide({"sample_id": client.sheet.cards[0].sample_id, "decision": "person"}) == 200
        assert until_no_more_threads_than(before + MOST_CONNECTIONS)
        # Behind the 200 came two that asked; before these there were at most MOST_CONNECTIONS at a time.
        assert [line.recv(1) for line in lines[: 200 - MOST_CONNECTIONS]] == [b""] * (200 - MOST_CONNECTIONS)
        lines[-2].sendall(f"GET {page} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        assert b" 200 " in lines[-2].recv(100)
    assert until_no_more_threads_than(before)


def test_a_connection_at_work_is_not_dropped_for_another() -> None:
    """Where all are at work a new one is refused, and nobody's request is cut."""
    connections = Connections(2)
    with ExitStack() as stack:
        ours, others = zip(*(map(stack.enter_context, socket.socketpair()) for _ in range(3)), strict=True)
        for place in (0, 1):
            assert connections.admit(ours[place])
            connections.work(ours[place])
        assert not connections.admit(ours[2], patience_s=0.01)
        connections.idle(ours[1])
        assert not connections.admit(ours[2], patience_s=0.01), "its thread has not ended yet"
        assert others[1].recv(1) == b""
        connections.release(ours[1])
        assert connections.admit(ours[2], patience_s=0.01)
        others[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            others[0].recv(1)


def test_bytes_that_are_no_text_are_refused_like_any_other(client: Client) -> None:
    token = client.server.context.token
    for path, status in ((b"/\xff\xe9/", b" 403 "), (f"/{token}/photo/".encode() + "٣".encode(), b" 404 ")):
        with socket.create_connection(("127.0.0.1", client.server.server_port), timeout=20) as line:
            line.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert status in line.recv(100)


def test_pictures_are_small_upright_jpegs_of_their_sample(client: Client) -> None:
    for kind in ("thumbnail", "photo"):
        status, body, headers = client.ask("GET", f"/{client.server.context.token}/{kind}/3")
        assert (status, headers["Content-Type"]) == (200, "image/jpeg")
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.size == (210, 150)


def test_every_answer_is_guarded(client: Client) -> None:
    token = client.server.context.token
    for path in ("/", f"/{token}/", f"/{token}/thumbnail/0", f"/{token}/nothing"):
        headers = client.ask("GET", path)[2]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "'unsafe-inline'" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Python" not in headers["Server"]


def test_a_decision_is_on_disk_when_it_is_acknowledged(client: Client, tmp_path: Path) -> None:
    sample = client.sheet.cards[0].sample_id
    assert client.decide({"sample_id": sample, "decision": "drop"}) == 200
    assert (tmp_path / "decisions.csv").read_text().splitlines()[1].startswith(f"{sample},drop,ann,")
    assert client.decide({"sample_id": sample, "decision": "undo"}) == 200
    assert client.decision_log.standing == {}


def test_a_decision_needs_the_header_and_its_own_origin(client: Client) -> None:
    said = {"sample_id": client.sheet.cards[0].sample_id, "decision": "drop"}
    assert client.decide(said, X_Review_Token="wrong") == 403
    assert client.decide(said, Origin="https://example.org") == 403
    assert client.decide(said, path="/wrong/decide") == 403
    assert client.decide(said, Origin=f"http://127.0.0.1:{client.server.server_port}") == 200


@pytest.mark.parametrize("said", [
    b"", b"{", b"[]", b"null", b"[" * 2000, {"sample_id": "zzz", "decision": "drop"}, {"sample_id": 1, "decision": "drop"},
    {"sample_id": "OWN", "decision": "delete"}, {"sample_id": "OWN", "decision": ["drop"]}, {"decision": "drop"},
])
def test_what_is_no_decision_is_refused_and_not_written(client: Client, said: object, tmp_path: Path) -> None:
    if isinstance(said, dict) and said.get("sample_id") == "OWN":
        said = said | {"sample_id": client.sheet.cards[0].sample_id}
    assert client.decide(said) == 422
    assert len((tmp_path / "decisions.csv").read_text().splitlines()) == 1


def test_a_large_body_is_not_even_read(client: Client) -> None:
    assert client.decide(b" " * (MAX_BODY_BYTES + 1)) == 413
    assert client.decide(b"{}", Content_Length="9" * 40) == 413


@pytest.mark.parametrize("length", [None, "-1", "two"])
def test_a_body_without_a_length_is_refused(client: Client, length: str | None) -> None:
    token, told = client.server.context.token, "" if length is None else f"Content-Length: {length}\r\n"
    with socket.create_connection(("127.0.0.1", client.server.server_port), timeout=20) as line:
        line.sendall(f"POST /{token}/decide HTTP/1.1\r\nHost: localhost\r\n{TOKEN_HEADER}: {token}\r\n{told}\r\n".encode())
        assert b" 411 " in line.recv(100)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"])
def test_there_are_no_other_methods(client: Client, method: str) -> None:
    assert client.ask(method, f"/{client.server.context.token}/")[0] == 501


def test_names_in_the_page_are_data_and_never_markup(made: ReviewRun) -> None:
    card = sheet_of(made.run, made.queue).cards[0]
    hostile = type(card)(**{**card.__dict__, "name": "</script><script>alert(1)</script>", "reasons": ("<!--<script>",)})
    settings = {"thumbnail": "#", "photo": "#", "token": "t", "reviewer": "r", "decided": [], "key": ""}
    page = Sheet("<b>run</b>", (hostile,)).html(settings)
    assert page.count("<script") == 2
    assert "<!--" not in page
    assert "<b>run" not in page


def test_a_taken_port_is_a_sentence(client: Client) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        ReviewServer(client.server.context, client.server.server_port)
