"""Files behind an address, by fsspec: read by range, asked again when a server fails, blocks kept on this disk.

The only module that imports fsspec. No option is given to it: credentials come from the environment and from nowhere else.
"""

from __future__ import annotations

import hashlib
import random
import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tinysieve.dataset.stores.block_cache import BLOCK, BlockCache
from tinysieve.dataset.stores.ranged_file import RangedFile
from tinysieve.dataset.stores.store import DamagedFile, Unreachable
from tinysieve.ground.errors import InputError, MissingRequirement, TinysieveError

T = TypeVar("T")
# What pip must have for each kind of address.
PACKAGES = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub", "http": "aiohttp",
            "https": "aiohttp", "memory": "fsspec"}
EXTRA = "pip install 'tinysieve[remote]'"
_STAMPS = ("ETag", "etag", "md5Hash", "crc32c", "generation", "Content-MD5", "blob_id", "lfs", "LastModified", "Last-Modified",
           "last_modified", "mtime", "updated", "created")
_LONGEST_WAIT, _LOCKS = 30.0, 64
# Answers of a web server that asking again does not change.
_FINAL = (401, 403, 404, 410)
_HOPELESS = (FileNotFoundError, PermissionError, IsADirectoryError, NotImplementedError)


class Remote:
    """The file system behind addresses of one kind.

    Args:
        address: any of them.
        retries: how often a request that failed is sent again.
    """

    def __init__(self, address: str, retries: int) -> None:
        self._scheme, self._retries = address.partition("://")[0].lower(), retries
        self._system = _file_system(self._scheme, address)

    def paths(self, pattern: str) -> list[str]:
        """Addresses of the files that a pattern names, sorted.

        Raises:
            InputError: a web server, which has no list of its files.
            Unreachable: nobody answers.
        """
        if self._scheme in ("http", "https"):
            raise InputError("a web server does not list its files", where=pattern,
                             fix="name each file under dataset.source.images, without * or ?")
        names = self._ask(pattern, lambda: self._system.glob(self._system._strip_protocol(pattern)))
        return sorted(f"{self._scheme}://{str(name).lstrip('/')}" for name in names)

    def listing(self, folder: str) -> dict[str, dict[str, Any]]:
        """Every file below a folder, by its name from there."""
        if self._scheme in ("http", "https"):
            raise InputError("a web server does not list its files", where=folder,
                             fix="name archives or shards, file by file")
        root = str(self._system._strip_protocol(folder)).rstrip("/")
        found = self._ask(folder, lambda: self._system.find(root, detail=True))
        return {str(name)[len(root):].lstrip("/"): about for name, about in found.items() if about.get("type") == "file"}

    def about(self, address: str) -> dict[str, Any]:
        """What is known of a file without reading it."""
        return dict(self._ask(address, lambda: self._system.info(address)))

    def is_folder(self, address: str) -> bool:
        """Whether an address without the ending of a file is one that holds files."""
        return self._scheme not in ("http", "https") and bool(self._ask(address, lambda: self._system.isdir(address)))

    def gives_parts(self, address: str, size: int) -> bool:
        """Whether ranges are answered; of web servers some send the whole file, which must not be fetched to find out."""
        if self._scheme not in ("http", "https") or size < 2:
            return True

        def second_byte() -> bool:
            with self._system.open(address, size=size, block_size=BLOCK, cache_type="none") as file:
                file.seek(1)
                try:
                    return len(file.read(1)) == 1
                except ValueError:
                    return False

        return self._ask(address, second_byte)

    def read(self, address: str, start: int, length: int) -> bytes:
        """Bytes by range.

        Raises:
            DamagedFile: the server gives others than were asked for.
            Unreachable: nobody answers.
        """
        return self._ask(address, lambda: _exactly(self._system.cat_file(address, start=start, end=start + length), length))

    def _ask(self, address: str, request: Callable[[], T]) -> T:
        for attempt in range(self._retries + 1):
            try:
                return request()
            except _HOPELESS as error:
                raise _refused(address, error) from error
            except (TinysieveError, KeyboardInterrupt):
                raise
            # Each file system has errors of its own for what may pass.
            except Exception as error:
                if getattr(error, "status", 0) in _FINAL:
                    raise _refused(address, error) from error
                if attempt == self._retries:
                    raise _unreachable(address, error, attempt + 1) from error
                time.sleep(min(0.5 * 2**attempt, _LONGEST_WAIT) * (0.5 + random.random() / 2))
        raise AssertionError("a last attempt either answers or raises")


class RemoteFile(RangedFile):
    """A file behind an address; what is read passes through the cache, block by block.

    Args:
        remote: its file system.
        address: where it lies.
        cache: blocks that were read.
        about: what a listing said of it; asked for where none did.
    """

    def __init__(self, remote: Remote, address: str, cache: BlockCache, about: dict[str, Any] | None = None) -> None:
        about = remote.about(address) if about is None else about
        size = about.get("size")
        if size is None:
            raise _whole_only(address)
        said = [f"{key}={about[key]}" for key in _STAMPS if about.get(key)]
        super().__init__(address, int(size), "; ".join([str(size), *said]))
        self._remote, self._cache = remote, cache
        self._key = hashlib.blake2b(f"{address}\0{self.stamp}".encode(), digest_size=12).hexdigest()
        self._locks, self._gives_parts = [threading.Lock() for _ in range(_LOCKS)], False

    def _read(self, start: int, length: int) -> bytes:
        if not length:
            return b""
        first, last = start // BLOCK, (start + length - 1) // BLOCK
        data = b"".join(self._blocks(first, last))
        return data[start - first * BLOCK : start - first * BLOCK + length]

    def _blocks(self, first: int, last: int) -> list[bytes]:
        """Blocks in order; a run of missing ones is one request, and threads that want the same wait for it."""
        with self._locks[first % _LOCKS]:
            blocks = [self._cache.get(self._name(number), self._length(number)) for number in range(first, last + 1)]
            missing = [first + place for place, block in enumerate(blocks) if block is None]
            if missing:
                self._require_parts()
                start, end = missing[0] * BLOCK, min((missing[-1] + 1) * BLOCK, self.size)
                data = self._remote.read(self.name, start, end - start)
                for number in range(missing[0], missing[-1] + 1):
                    block = data[number * BLOCK - start : (number + 1) * BLOCK - start]
                    blocks[number - first] = block
                    self._cache.put(self._name(number), block)
        return [block for block in blocks if block is not None]

    def _require_parts(self) -> None:
        if not self._gives_parts and not self._remote.gives_parts(self.name, self.size):
            raise _whole_only(self.name)
        self._gives_parts = True

    def _name(self, number: int) -> str:
        return f"{self._key}-{number:08d}"

    def _length(self, number: int) -> int:
        return min(BLOCK, self.size - number * BLOCK)


def _file_system(scheme: str, address: str) -> Any:
    if scheme not in PACKAGES:
        raise InputError(f"addresses of the kind '{scheme}' are not read", where=address,
                         fix="use a path, or one of " + ", ".join(f"{name}://" for name in PACKAGES if name != "memory"))
    try:
        import fsspec

        return fsspec.filesystem(scheme)
    except ImportError as error:
        raise MissingRequirement(f"an address {scheme}:// needs the package {PACKAGES[scheme]}", where=address,
                                 fix=EXTRA) from error
    except Exception as error:
        raise Unreachable(f"{scheme}:// cannot be used: {_words(error)}", where=address,
                          fix="credentials come from the environment: see the documentation of "
                              f"{PACKAGES[scheme]}") from error


def _exactly(data: bytes, length: int) -> bytes:
    if len(data) > length:
        raise DamagedFile(f"the server sent {len(data):,} bytes for {length:,}", where="a request for a range",
                          why="it does not answer range requests", fix="download the file and name its path")
    if len(data) < length:
        raise ConnectionError(f"{len(data):,} bytes came of {length:,}")
    return data


def _whole_only(address: str) -> InputError:
    return InputError("the server does not give parts of a file", where=address,
                      why="an archive is read where its images lie, and never as a whole",
                      fix="download the file and name its path, or use a server that answers range requests")


def _refused(address: str, error: Exception) -> TinysieveError:
    if isinstance(error, FileNotFoundError) or getattr(error, "status", 0) == 404:
        return InputError("there is no such file", where=address, fix="correct the address in dataset.source.images")
    return Unreachable(f"the server refuses: {_words(error)}", where=address,
                       fix="give credentials in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                           "GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN), or correct the address")


def _unreachable(address: str, error: Exception, attempts: int) -> Unreachable:
    return Unreachable(f"no answer after {attempts} attempts: {_words(error)}", where=address,
                       why="the images behind it are not known to be broken",
                       fix="run the same command to resume; dataset.store.retries sets how often a request is repeated")


def _words(error: Exception) -> str:
    # An address that was signed holds what is nobody's business.
    text = re.sub(r"\?\S*", "?...", f"{type(error).__name__}: {error}")
    return " ".join(text.split())[:300]
