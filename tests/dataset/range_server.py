"""A web server on loopback that answers range requests, and can be told to fail."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from tests.loopback import Answering, serving_as


@dataclass
class RangeServer:
    """What it serves, how it fails, and what was asked of it.

    Args:
        folder: whose files it serves.
        drops: so many answers to GET break off in the middle.
        status: so many are this error instead: (how many, code).
        ranges: whether it knows what a range is.
    """

    folder: Path
    drops: int = 0
    status: tuple[int, int] = (0, 503)
    ranges: bool = True
    sent: int = 0
    asked: list[str] = field(default_factory=list)
    address: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """A server for as long as the block lasts."""
    state = RangeServer(folder)
    with serving_as(_Handler, state=state) as state.address:
        yield state


class _Handler(Answering):
    state: RangeServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        state, path = self.state, unquote(self.path.partition("?")[0]).lstrip("/")
        with state.lock:
            state.asked.append(path)
            fails, code = state.status
            fail = body and fails > 0
            drop = body and not fail and state.drops > 0
            state.status, state.drops = (fails - fail, code), state.drops - drop
        file = state.folder / path
        if fail or not file.is_file():
            self.send_response(code if fail else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = file.read_bytes()
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")) if state.ranges else None
        part = data[int(wanted[1]) : int(wanted[2]) + 1] if wanted else data
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", f'"{len(data)}-{file.stat().st_mtime_ns}"')
        if state.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if wanted:
            self.send_header("Content-Range", f"bytes {wanted[1]}-{wanted[2]}/{len(data)}")
        self.end_headers()
        if body:
            sent = part[: len(part) // 2] if drop else part
            self.wfile.write(sent)
            with state.lock:
                state.sent += len(sent)
        self.close_connection = drop
