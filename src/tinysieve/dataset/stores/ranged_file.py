"""A file whose bytes are read by range, and as a stream for libraries that want one."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from pathlib import Path

from tinysieve.dataset.stores.store import DamagedFile


class RangedFile(ABC):
    """Bytes at offsets; may be read from several threads.

    Args:
        name: path or address.
        size: bytes in all.
        stamp: changes whenever the bytes may have changed.
    """

    def __init__(self, name: str, size: int, stamp: str) -> None:
        self.name, self.size, self.stamp = name, size, stamp

    @property
    def stem(self) -> str:
        """The file's name without folders and endings."""
        return self.name.rstrip("/").rpartition("/")[2].split(".")[0]

    def read_at(self, start: int, length: int) -> bytes:
        """Exactly these bytes.

        Raises:
            DamagedFile: the file ends before them.
            Unreachable: nobody answers.
        """
        if start < 0 or length < 0 or start + length > self.size:
            raise ends_early(self.name, start + length, self.size)
        data = self._read(start, length)
        if len(data) != length:
            raise ends_early(self.name, start + length, start + len(data))
        return data

    def up_to(self, start: int, length: int) -> bytes:
        """These bytes, or fewer where the file ends before."""
        return self.read_at(start, max(min(length, self.size - start), 0)) if start < self.size else b""

    @abstractmethod
    def _read(self, start: int, length: int) -> bytes:
        """Bytes within the file."""


class LocalFile(RangedFile):
    """A file of this machine."""

    def __init__(self, path: Path) -> None:
        about = path.stat()
        self._path = path
        super().__init__(str(path), about.st_size, f"{about.st_size}-{about.st_mtime_ns}")

    def _read(self, start: int, length: int) -> bytes:
        # Opened each time: a data set may have more shards than a process may have files.
        with self._path.open("rb", buffering=0) as file:
            file.seek(start)
            return _all_of(file, length)


def _all_of(file: io.RawIOBase | io.FileIO, length: int) -> bytes:
    """One system call gives 2 GiB at most."""
    parts = []
    while length > 0 and (part := file.read(length)):
        parts.append(part)
        length -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


class ByteStream(io.RawIOBase):
    """A `RangedFile` as a file object that can seek.

    Args:
        file: whose bytes.
        ahead: bytes fetched at once where less is asked for.
        at_most: more than this in one call is refused: what a header may demand.
    """

    def __init__(self, file: RangedFile, ahead: int = 0, at_most: int = 1 << 40) -> None:
        super().__init__()
        self._file, self._place, self._ahead, self._at_most = file, 0, ahead, at_most
        self._start, self._held = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def size(self) -> int:
        """What pyarrow asks for."""
        return self._file.size

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._file.size}[whence]
        self._place = max(base + offset, 0)
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._file.size - self._place, 0)
        length = left if size is None or size < 0 else min(size, left)
        if length > self._at_most:
            raise DamagedFile(f"a header demands {length:,} bytes", where=f"{self._file.name} at byte {self._place:,}",
                              fix="the file is damaged or hostile: get it again from where it was published")
        inside = self._place - self._start
        if not 0 <= inside <= len(self._held) - length:
            self._start, inside = self._place, 0
            self._held = self._file.up_to(self._place, min(max(length, self._ahead), left))
        data = self._held[inside : inside + length]
        self._place += len(data)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def ends_early(name: str, wanted: int, size: int) -> DamagedFile:
    """The error of a file that was cut off."""
    return DamagedFile(f"the file ends at byte {size:,}, but says that it has {wanted:,}", where=name,
                       why="it was cut off, most likely while it was copied or downloaded",
                       fix="get it again and compare its size with the published one")
