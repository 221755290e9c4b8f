"""Blocks of remote files on this disk, bounded: what was not asked for longest goes first."""

from __future__ import annotations

import contextlib
import os
import threading
import zlib
from collections import OrderedDict
from pathlib import Path

BLOCK = 1 << 20
_SUM = 4
_ENDING = ".block"


class BlockCache:
    """Blocks by name, each with its checksum: one that a crash has torn is fetched again.

    Args:
        folder: made where it is not there; what lies in it from earlier runs is used.
        limit: bytes in all.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._total, self._lock = 0, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(".*.tmp"):
            path.unlink(missing_ok=True)
        for path in sorted(folder.glob(f"*{_ENDING}"), key=lambda path: path.stat().st_mtime):
            self._count(path.name, path.stat().st_size)

    def get(self, name: str, length: int) -> bytes | None:
        """A block, None where it is not there or not whole."""
        try:
            data = (self._folder / f"{name}{_ENDING}").read_bytes()
        except OSError:
            return None
        if len(data) != length + _SUM or zlib.crc32(data[:-_SUM]) != int.from_bytes(data[-_SUM:], "little"):
            return None
        with self._lock:
            if f"{name}{_ENDING}" in self._sizes:
                self._sizes.move_to_end(f"{name}{_ENDING}")
        return data[:-_SUM]

    def put(self, name: str, data: bytes) -> None:
        """Keep a block, as far as there is room: a full disk is no reason to stop."""
        path = self._folder / f"{name}{_ENDING}"
        temporary = self._folder / f".{name}.{os.getpid()}-{threading.get_ident()}.tmp"
        try:
            temporary.write_bytes(data + zlib.crc32(data).to_bytes(_SUM, "little"))
            temporary.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink()
            return
        with self._lock:
            self._count(path.name, len(data) + _SUM)
            while self._total > self._limit and len(self._sizes) > 1:
                gone, size = self._sizes.popitem(last=False)
                self._total -= size
                (self._folder / gone).unlink(missing_ok=True)

    def _count(self, name: str, size: int) -> None:
        self._total += size - self._sizes.pop(name, 0)
        self._sizes[name] = size
