"""What gzip unpacks to, by range: read onwards from where the last reader was, or from the nearest kept state before it.

Gzip has no index. Whoever reads in the order of the archive pays for unpacking it once; a step back costs what lies between two
kept states. A file of more than a few thousand photos is better packed as plain tar: photos do not get smaller by gzip.
"""

from __future__ import annotations

import threading
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any

from tinysieve.dataset.stores.ranged_file import RangedFile, ends_early
from tinysieve.dataset.stores.store import DamagedFile

_PACKED, _UNPACKED = 1 << 18, 1 << 22
# Of what was unpacked last so much is kept, for threads that are not quite in order.
_WINDOW = 1 << 25
_STATES, _FIRST_SPACING = 24, 1 << 24
# Deflate makes a thousand bytes of one; photos never get there.
_MOST_FOLD, _ALWAYS = 100, 1 << 28
_UNKNOWN = 1 << 62


@dataclass(frozen=True)
class _State:
    """Unpacking as it stood: `out` bytes given, `taken` bytes of the file eaten but for `rest`."""

    out: int
    taken: int
    rest: bytes
    inflate: Any


class GzipStream(RangedFile):
    """The unpacked bytes of a gzip file of one or several members; their number is not known before the end."""

    def __init__(self, file: RangedFile) -> None:
        super().__init__(file.name, _UNKNOWN, file.stamp)
        self._file, self._lock = file, threading.Lock()
        self._states = [_State(0, 0, b"", zlib.decompressobj(31))]
        self._spacing = _FIRST_SPACING
        self._go_to(self._states[0])

    def read_at(self, start: int, length: int) -> bytes:
        data = self.up_to(start, length)
        if len(data) != length:
            raise ends_early(self.name, start + length, start + len(data))
        return data

    def up_to(self, start: int, length: int) -> bytes:
        with self._lock:
            return self._read(start, length)

    def _read(self, start: int, length: int) -> bytes:
        nearest = max((state for state in self._states if state.out <= start), key=lambda state: state.out)
        if start < self._window_start or nearest.out > self._out:
            self._go_to(nearest)
        while self._out < start + length and self._step():
            self._forget_before(start)
        return self._cut(start, min(start + length, self._out) - start) if start < self._out else b""

    def _here(self) -> _State:
        return _State(self._out, self._taken, self._rest, self._inflate.copy())

    def _go_to(self, state: _State) -> None:
        self._out, self._taken, self._rest, self._inflate = state.out, state.taken, state.rest, state.inflate.copy()
        self._window: deque[bytes] = deque()
        self._window_start = self._out

    def _step(self) -> bool:
        """Unpack some more; False at the end."""
        if self._inflate.eof:
            return self._next_member()
        more = bool(self._rest) or self._refill()
        try:
            data = self._inflate.decompress(self._rest, _UNPACKED)
        except zlib.error as error:
            raise DamagedFile(f"gzip cannot be unpacked: {error}", where=f"{self.name} near byte {self._taken:,}",
                              fix="get the file again and compare its size with the published one") from error
        self._rest = self._inflate.unconsumed_tail
        if not (more or data or self._inflate.eof):
            raise ends_early(self.name, self._file.size + 1, self._file.size)
        self._keep(data)
        return True

    def _next_member(self) -> bool:
        """Begin with what follows the end of a member, perhaps after padding; False where nothing does."""
        self._rest = self._inflate.unused_data.lstrip(b"\0")
        while not self._rest and self._refill():
            self._rest = self._rest.lstrip(b"\0")
        if self._rest:
            self._inflate = zlib.decompressobj(31)
        return bool(self._rest)

    def _refill(self) -> bool:
        length = min(_PACKED, self._file.size - self._taken)
        self._rest = self._file.read_at(self._taken, length) if length else b""
        self._taken += length
        return bool(length)

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        self._out += len(data)
        self._window.append(data)
        if self._out > _ALWAYS + _MOST_FOLD * self._taken:
            raise DamagedFile(f"{self._taken:,} bytes unpack to more than {self._out:,}", where=self.name,
                              why="no archive of photos does", fix="the file is hostile: do not use it")
        if self._out >= self._states[-1].out + self._spacing:
            self._states.append(self._here())
            if len(self._states) > _STATES:
                self._states, self._spacing = self._states[::2], self._spacing * 2

    def _forget_before(self, start: int) -> None:
        while self._window and self._window_start + len(self._window[0]) < min(start, self._out - _WINDOW):
            self._window_start += len(self._window.popleft())

    def _cut(self, start: int, length: int) -> bytes:
        parts, at = [], self._window_start
        for data in self._window:
            if at < start + length and at + len(data) > start:
                parts.append(data[max(start - at, 0) : start + length - at])
            at += len(data)
        return parts[0] if len(parts) == 1 else b"".join(parts)
