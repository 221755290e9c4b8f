"""Work whose parts tell their chunk, in as many seconds as are asked for; imported by workers in other processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinysieve.dataset.chunks import Chunk, cut
from tinysieve.dataset.executors.executor import Step, Work
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError

CHUNKS = cut(np.zeros(180, np.int32), 3)


@dataclass(frozen=True)
class SlowWork:
    """Writes a part a chunk.

    Args:
        folder: of the parts.
        seconds: that each takes.
        fails: numbers of chunks that fail.
        refuses: numbers of chunks that end in an error for a person.
        hangs: numbers of chunks that never end where they are tried for the first time.
        full: on the first of Ray's nodes that works, the disk is full for as long as a file of that name is there.
        straggles: the first node takes so many seconds more for each.
    """

    folder: Path
    seconds: float
    fails: tuple[int, ...] = ()
    refuses: tuple[int, ...] = ()
    hangs: tuple[int, ...] = ()
    full: Path | None = None
    straggles: float = 0

    @contextmanager
    def __call__(self, threads: int) -> Iterator[Work]:
        self.folder.mkdir(parents=True, exist_ok=True)
        first = (self.full is not None or self.straggles > 0) and self._on_first_node()

        def work(chunk: Chunk, step: Step) -> None:
            time.sleep(self.seconds + self.straggles * first)
            if first and self.full is not None and self.full.exists():
                Path("/dev/full").write_text("part")
            tried = self.folder / f"{chunk.stem}.hung"
            if chunk.number in self.hangs and not tried.exists():
                tried.touch()
                time.sleep(10_000)
            if chunk.number in self.fails:
                (self.folder / f"{chunk.stem}.try-{time.monotonic_ns()}").touch()
                raise RuntimeError("no")
            if chunk.number in self.refuses:
                raise InputError("its bytes are others", where=f"{chunk.number}.jpg", fix="bring it back")
            with replacing(self.path(chunk)) as temporary:
                temporary.write_text(f"{chunk.start} to {chunk.stop}")
            (self.folder / f"{chunk.stem}.process").write_text(str(os.getpid()))

        yield work

    def _on_first_node(self) -> bool:
        """Whether this process is on the node that said so first."""
        import ray

        node, said = ray.get_runtime_context().get_node_id(), self.folder / "first-node"
        mine = said.with_suffix(f".{os.getpid()}")
        mine.write_text(node)
        with suppress(FileExistsError):
            said.hardlink_to(mine)
        return said.read_text() == node

    def path(self, chunk: Chunk) -> Path:
        """Of a part."""
        return self.folder / f"{chunk.stem}.part"

    def is_done(self, chunk: Chunk) -> bool:
        """Whether it is there."""
        return self.path(chunk).exists()


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Of all parts, by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.part"))}
