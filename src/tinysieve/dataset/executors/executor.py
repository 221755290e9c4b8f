"""What every executor does: chunks are worked on until their parts are there, whoever does it and however often it dies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from tinysieve.dataset.chunks import Chunk
from tinysieve.ground.errors import TinysieveError
from tinysieve.ground.progress import Progress

ATTEMPTS = 3
# So many chunks that failed for good are no matter of these chunks.
HOPELESS = 8

Step = Callable[[int], None]
"""Hears how many images of the chunk are behind."""
Work = Callable[[Chunk, Step], None]
"""Makes the part of one chunk, and tells a step now and then."""
MakeWork = Callable[[int], AbstractContextManager[Work]]
"""Called once a worker with the threads that it may use; opens there what the work needs: store, detector, backbone."""
IsDone = Callable[[Chunk], bool]
"""Whether the part of a chunk is there."""


class Executor(Protocol):
    """Where chunks are worked on; the parts do not depend on it."""

    def run(self, make_work: MakeWork, chunks: Sequence[Chunk], is_done: IsDone, progress: Progress) -> None:
        """Work on all chunks that are not done.

        A chunk that fails is tried three times in all; the others are finished before it is said.

        Args:
            make_work: pickles, where work goes to other processes.
            chunks: of the plan.
            is_done: pickles too.
            progress: called with (images done, images in all).

        Raises:
            ChunkFailed: names the chunks that failed, and why.
            TinysieveError: what the work said of the first of them, where it says itself what to do.
        """
        ...


class ChunkFailed(TinysieveError):
    """Some chunks could not be worked on; the parts of all others are there."""

    exit_code = 3


def is_final(error: BaseException) -> bool:
    """Whether trying again would say the same: an error that a person must act on."""
    return isinstance(error, TinysieveError)


def refuse_failures(failed: Mapping[Chunk, Exception], total: int) -> None:
    """Say which chunks failed, if any did.

    Args:
        failed: chunks and the last error of each.
        total: chunks in all.

    Raises:
        ChunkFailed, TinysieveError: see `Executor.run`.
    """
    if not failed:
        return
    chunk, error = min(failed.items(), key=lambda pair: pair[0].number)
    if isinstance(error, TinysieveError):
        raise error
    names = ", ".join(str(chunk.number) for chunk in sorted(failed, key=lambda chunk: chunk.number)[:HOPELESS])
    raise ChunkFailed(
        f"{len(failed):,} of {total:,} chunks failed {ATTEMPTS} times: {names}", where=f"chunk {chunk.number}, images "
        f"{chunk.start:,} to {chunk.stop - 1:,} of plan.arrow: {type(error).__name__}: {error}",
        why="their images are missing; the parts of the other chunks are kept",
        fix="mend the cause and run the same command to resume") from error
