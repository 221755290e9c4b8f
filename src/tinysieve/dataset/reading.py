"""The reading pass: the images of a chunk are read and decoded once, and everything that is made of them is made then.

Reading all of Wake Vision takes days of one core, so packing, detecting and embedding share the pass where they run together.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from tinysieve.dataset.chunks import Chunk, Plan
from tinysieve.dataset.executors.executor import Step, Work
from tinysieve.dataset.image_store import content_id, decode_checked
from tinysieve.dataset.images import Pixels, UndecodableImage, decode
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.ground.errors import TinysieveError

# Decoded images that wait for whoever comes next are at most two windows: photos of a megapixel take 3 MB each.
WINDOW = 32
_OPEN_SHARDS = 4


@dataclass(frozen=True, eq=False)
class Seen:
    """One image as it was read.

    Args:
        row: its place in the plan.
        name: in the image store.
        content: hash of its bytes; "" where they could not be read.
        pixels: uint8 [H, W, 3]; None where it cannot be decoded.
        reason: why not.
    """

    row: int
    name: str
    content: str
    pixels: Pixels | None
    reason: str = ""

    @property
    def key(self) -> str:
        """Of this image at this place: copies of one image have several."""
        return f"{self.content}@{self.row}"


class PartWriter(ABC):
    """Makes the parts of one kind in one worker; what a worker opens once, such as a model, lies here."""

    @abstractmethod
    def begin(self) -> None:
        """A chunk begins; what an earlier one left unfinished is forgotten."""

    @abstractmethod
    def prepare(self, image: Seen) -> Any:
        """What is kept of an image; called in any of several threads."""

    @abstractmethod
    def take(self, prepared: Sequence[Any]) -> None:
        """The next images of the chunk, as `prepare` gave them."""

    @abstractmethod
    def write(self, chunk: Chunk) -> None:
        """The chunk is over: write its part whole."""


class Parts(ABC):
    """One kind of result, a part a chunk. Pickles; settings and folders, nothing that is open."""

    @abstractmethod
    def is_done(self, chunk: Chunk) -> bool:
        """Whether the part is there."""

    @abstractmethod
    def open(self, threads: int) -> PartWriter:
        """Called once a worker."""


@dataclass(frozen=True)
class KeyedParts(Parts):
    """Parts that say which images they are of, by `Seen.key`.

    Args:
        folder: that they lie in.
    """

    folder: Path
    suffix: ClassVar[str]

    def path(self, chunk: Chunk) -> Path:
        """Of the part of a chunk."""
        return self.folder / f"{chunk.stem}{self.suffix}"

    def is_done(self, chunk: Chunk) -> bool:
        """Whether the part is there."""
        return self.path(chunk).exists()

    @abstractmethod
    def is_of(self, chunk: Chunk, keys: Sequence[str]) -> bool:
        """Whether the part is there, and is of the images with these keys."""


class Candidates(ABC):
    """What is read of a chunk, and how: all that is listed, or what ingest has accepted. Pickles."""

    @abstractmethod
    def of(self, chunk: Chunk) -> list[tuple[int, str, str]]:
        """Place in the plan, name, and content ("" where that is not known) of each."""

    @abstractmethod
    def see(self, store: ImageStore, row: int, name: str, content: str) -> Seen:
        """Read and decode one image.

        Raises:
            TinysieveError: what is wrong is no matter of this image alone.
        """


@dataclass(frozen=True)
class Listed(Candidates):
    """Everything in the plan; what cannot be decoded is seen too, with the reason."""

    plan: Path

    def of(self, chunk: Chunk) -> list[tuple[int, str, str]]:
        return [(row, name, "") for row, name in enumerate(Plan(self.plan).names(chunk).to_pylist(), chunk.start)]

    def see(self, store: ImageStore, row: int, name: str, content: str) -> Seen:
        """Whatever happens while one file is looked at is a matter of this file; what happens to the store is none."""
        try:
            data = store.read(name)
            return Seen(row, name, content_id(data), decode(data))
        except TinysieveError:
            raise
        except UndecodableImage as error:
            reason = str(error)
        except OSError as error:
            reason = f"cannot be read: {error.strerror}"
        except Exception as error:
            reason = f"cannot be read: {str(error) or type(error).__name__}"
        return Seen(row, name, "", None, reason)


class Accepted(Candidates):
    """What ingest could decode; a file that has changed since stops the work."""

    def see(self, store: ImageStore, row: int, name: str, content: str) -> Seen:
        """Raises ChangedImage where its bytes are others."""
        return Seen(row, name, content, decode_checked(store, name, content))


@dataclass(frozen=True)
class ReadingPass:
    """The work on a chunk: its images are read once, and a part of each kind is written.

    Args:
        store: where images lie.
        candidates: what is read of a chunk.
        kinds: what is made; the last one is written last, and says that the chunk is done.
    """

    store: ImageStore
    candidates: Candidates
    kinds: tuple[Parts, ...]

    @contextmanager
    def __call__(self, threads: int) -> Iterator[Work]:
        """Open everything that the work needs."""
        writers = [kind.open(threads) for kind in self.kinds]
        shard = lru_cache(_OPEN_SHARDS)(self.store.shard)
        with ThreadPoolExecutor(threads, thread_name_prefix="decode") as pool:

            def work(chunk: Chunk, step: Step) -> None:
                behind = 0
                for writer in writers:
                    writer.begin()
                for window in self._windows(shard(chunk.shard), chunk, writers, pool):
                    for writer, prepared in zip(writers, zip(*window, strict=True), strict=True):
                        writer.take(prepared)
                    behind += len(window)
                    step(behind)
                for writer in writers:
                    writer.write(chunk)

            yield work

    def _windows(self, store: ImageStore, chunk: Chunk, writers: Sequence[PartWriter],
                 pool: ThreadPoolExecutor) -> Iterator[list[list[Any]]]:
        """For each window its images, for each image what the writers keep; the next window is decoded meanwhile."""
        def seen(row: int, name: str, content: str) -> list[Any]:
            image = self.candidates.see(store, row, name, content)
            return [writer.prepare(image) for writer in writers]

        asked = self.candidates.of(chunk)
        waiting: deque[list[Future[list[Any]]]] = deque()
        try:
            for start in range(0, len(asked), WINDOW):
                waiting.append([pool.submit(seen, *image) for image in asked[start : start + WINDOW]])
                if len(waiting) > 1:
                    yield [future.result() for future in waiting.popleft()]
            for window in waiting:
                yield [future.result() for future in window]
        finally:
            # Nobody waits for the rest of a chunk that failed.
            for window in waiting:
                for future in window:
                    future.cancel()
