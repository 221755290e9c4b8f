"""A small server for one reviewer on this machine: the page, its pictures, and a place to put decisions.

Loopback only. Every address begins with a random token, a decision must carry it in a header as well, the Host must be
this machine (so no other site can point its own name here), and samples are named by number or id, never by path.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import sys
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tinysieve.filtering.decisions.answers import decision_words
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import parse_json
from tinysieve.pipeline.review.connections import Connections
from tinysieve.pipeline.review.decision_log import UNDO, DecisionLog
from tinysieve.pipeline.review.review_page import Sheet, content_policy
from tinysieve.pipeline.review.review_pictures import PHOTO_SIDE, THUMBNAIL_SIDE, Photos

LOOPBACK = "127.0.0.1"
TOKEN_HEADER = "X-Review-Token"
MAX_BODY_BYTES = 2048
_HOSTS = frozenset({"127.0.0.1", "localhost", "::1"})
_SIDES = {"thumbnail": THUMBNAIL_SIDE, "photo": PHOTO_SIDE}
_PICTURE = re.compile(r"(thumbnail|photo)/([0-9]{1,9})")
_SECONDS_A_REQUEST = 30
# A browser opens six; each holds a thread.
MOST_CONNECTIONS = 24


@dataclass(frozen=True, eq=False)
class ReviewContext:
    """What the server has before it."""

    sheet: Sheet
    photos: Photos
    decision_log: DecisionLog
    token: str


class ReviewServer(ThreadingHTTPServer):
    """Serves one context; `serve_forever` until `shutdown`."""

    daemon_threads = True

    def __init__(self, context: ReviewContext, port: int) -> None:
        self.context = context
        self.connections = Connections(MOST_CONNECTIONS)
        self.known = frozenset(card.sample_id for card in context.sheet.cards)
        self.words = frozenset((*decision_words(context.sheet.classes), UNDO))
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError) as error:
            raise InputError(f"port {port} cannot be opened: {error}", fix="name another with --port, or 0 for any") from error

    def process_request(self, request: Any, client_address: Any) -> None:
        """Give a connection its thread; where all are taken, the one that has been silent for longest goes first."""
        if self.connections.admit(request):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection, and free its place however it ends."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.connections.release(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that went away in the middle of an answer is nothing to report."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)

    @property
    def address(self) -> str:
        """Where the page is, token included."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.context.token}/"


def new_token() -> str:
    """A token that nobody guesses: 192 random bits."""
    return secrets.token_urlsafe(24)


class _Handler(BaseHTTPRequestHandler):
    server: ReviewServer
    protocol_version = "HTTP/1.1"
    timeout = _SECONDS_A_REQUEST

    def parse_request(self) -> bool:
        """A request that has come whole keeps its connection until it is answered."""
        is_whole = super().parse_request()
        if is_whole:
            self.server.connections.work(self.connection)
        return is_whole

    def handle_one_request(self) -> None:
        """Answer one request; until the next has come, the connection may be dropped for another."""
        self.server.connections.idle(self.connection)
        super().handle_one_request()

    def do_GET(self) -> None:
        path = self._admitted()
        if path is None:
            return
        picture, context = _PICTURE.fullmatch(path), self.server.context
        if path == "":
            settings = {"thumbnail": "thumbnail/#", "photo": "photo/#", "token": context.token, "key": "",
                        "reviewer": context.decision_log.reviewer, "decided": list(context.decision_log.standing.items())}
            self._send(HTTPStatus.OK, context.sheet.html(settings).encode(), "text/html; charset=utf-8", "no-store")
        elif picture and int(picture[2]) < len(context.sheet.cards):
            jpeg = context.photos.jpeg(context.sheet.cards[int(picture[2])].row, _SIDES[picture[1]])
            self._send(HTTPStatus.OK, jpeg, "image/jpeg", "private, max-age=3600")
        else:
            self._refuse(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_POST(self) -> None:
        path = self._admitted()
        if path is None:
            return
        refusal = self._objection(path)
        if refusal is not None:
            self._refuse(*refusal)
            return
        decision = _decision(self.rfile.read(int(self.headers["Content-Length"])), self.server.words)
        if decision is None or decision[0] not in self.server.known:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, "not a decision about a sample of this queue")
            return
        try:
            self.server.context.decision_log.write(*decision)
        except OSError as error:
            self._refuse(HTTPStatus.INSUFFICIENT_STORAGE, f"the decision could not be written: {error.strerror}")
            return
        saved = json.dumps({"decided": len(self.server.context.decision_log.standing)}).encode()
        self._send(HTTPStatus.OK, saved, "application/json", "no-store")

    def _objection(self, path: str) -> tuple[HTTPStatus, str] | None:
        """Why a POST is not even read."""
        length = self.headers.get("Content-Length", "")
        if not _same(self.headers.get(TOKEN_HEADER, ""), self.server.context.token) or not self._own_origin():
            return HTTPStatus.FORBIDDEN, "the request does not come from the page"
        if path != "decide":
            return HTTPStatus.NOT_FOUND, "there is nothing here"
        if not (length.isascii() and length.isdecimal()):
            return HTTPStatus.LENGTH_REQUIRED, "the request does not say how long it is"
        if len(length) > 9 or int(length) > MAX_BODY_BYTES:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_BODY_BYTES} B"
        return None

    def _admitted(self) -> str | None:
        """What follows the token in the path; None where the request has been refused."""
        if _host_name(self.headers.get("Host", "")) not in _HOSTS:
            self._refuse(HTTPStatus.FORBIDDEN, "this server answers to 127.0.0.1 and localhost only")
            return None
        token, slash, rest = self.path.removeprefix("/").partition("/")
        if not slash or not _same(token, self.server.context.token):
            self._refuse(HTTPStatus.FORBIDDEN, "the address lacks its token: open the one that 'tinysieve review' printed")
            return None
        return rest

    def _own_origin(self) -> bool:
        origin = self.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == self.headers.get("Host")

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        # What the body holds was not read, so the connection cannot go on.
        self.close_connection = True
        self._send(status, (words + "\n").encode(), "text/plain; charset=utf-8", "no-store")

    def _send(self, status: HTTPStatus, body: bytes, kind: str, cache: str) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": kind, "Content-Length": str(len(body)), "Cache-Control": cache,
            "Content-Security-Policy": content_policy() + "; frame-ancestors 'none'", "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin",
        } | ({"Connection": "close"} if self.close_connection else {})
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        return "tinysieve"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the addresses hold the token."""


def _same(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _decision(body: bytes, words: frozenset[str]) -> tuple[str, str] | None:
    try:
        said = parse_json(body.decode("utf-8"), "a decision")
    except (UnicodeDecodeError, InputError):
        return None
    if not isinstance(said, dict):
        return None
    sample_id, word = said.get("sample_id"), said.get("decision")
    known = isinstance(sample_id, str) and word in words if isinstance(word, str) else False
    return (str(sample_id), str(word)) if known else None
