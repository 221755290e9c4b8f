"""A server on loopback for as long as a block runs: what the servers of tests share."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Answering(BaseHTTPRequestHandler):
    """One request; says nothing on standard error."""

    def send(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        """An answer whole, without its body where only the head is asked for."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing."""


@contextmanager
def serving_as(answers: type[Answering], **attributes: Any) -> Iterator[str]:
    """Address of a server whose requests are answered by a class with these attributes."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (answers,), attributes))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
