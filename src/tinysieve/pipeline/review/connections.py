"""The connections that a server holds: a bounded number, of which silent ones are dropped when others come."""

from __future__ import annotations

import contextlib
import socket
import time
from threading import Condition


class Connections:
    """Places for at most `most` connections, each with a thread.

    A connection is idle until a whole request has come, so that one who sends a letter a minute holds no place against others.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._idle_since: dict[int, tuple[float, socket.socket]] = {}
        self._held: set[int] = set()
        self._freed = Condition()

    def admit(self, connection: socket.socket, patience_s: float = 1.0) -> bool:
        """Take a place for a new connection, if need be that of the one that has been idle for longest; False where all work."""
        deadline = time.monotonic() + patience_s
        with self._freed:
            while len(self._held) >= self.most:
                self._drop_one()
                if not self._freed.wait(deadline - time.monotonic()):
                    return False
            self._held.add(id(connection))
            self._idle_since[id(connection)] = (time.monotonic(), connection)
            return True

    def idle(self, connection: socket.socket) -> None:
        """It waits for a request."""
        with self._freed:
            self._idle_since[id(connection)] = (time.monotonic(), connection)

    def work(self, connection: socket.socket) -> None:
        """A request has come."""
        with self._freed:
            self._idle_since.pop(id(connection), None)

    def release(self, connection: socket.socket) -> None:
        """Its thread has ended."""
        with self._freed:
            self._idle_since.pop(id(connection), None)
            self._held.discard(id(connection))
            self._freed.notify_all()

    def _drop_one(self) -> None:
        """End the longest silence; its thread sees the end of the stream and frees the place."""
        if self._idle_since:
            _, connection = self._idle_since.pop(min(self._idle_since, key=lambda connection: self._idle_since[connection][0]))
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
