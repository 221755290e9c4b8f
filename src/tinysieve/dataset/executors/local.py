"""Executor: this process, chunk after chunk, with threads inside of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tinysieve.dataset.chunks import Chunk
from tinysieve.dataset.executors.executor import ATTEMPTS, HOPELESS, IsDone, MakeWork, Step, Work, is_final, refuse_failures
from tinysieve.ground.progress import Progress


@dataclass(frozen=True)
class LocalExecutor:
    """Threads of this process.

    Args:
        threads: that decode the images of a chunk.
    """

    threads: int

    def run(self, make_work: MakeWork, chunks: Sequence[Chunk], is_done: IsDone, progress: Progress) -> None:
        """See `Executor.run`."""
        waiting = [chunk for chunk in chunks if not is_done(chunk)]
        total, failed = sum(map(len, chunks)), dict[Chunk, Exception]()
        done = total - sum(map(len, waiting))
        if not waiting:
            progress(total, total)
            return
        with make_work(self.threads) as work:
            for chunk in waiting:
                error = attempted(work, chunk, from_there(progress, done, total))
                if error is not None:
                    failed[chunk] = error
                    if len(failed) == HOPELESS:
                        break
                else:
                    done += len(chunk)
                    progress(done, total)
        refuse_failures(failed, len(chunks))


def from_there(progress: Progress, done: int, total: int) -> Step:
    """Progress within a chunk that begins where `done` images are behind."""
    return lambda images: progress(done + images, total)


def attempted(work: Work, chunk: Chunk, step: Step) -> Exception | None:
    """Try a chunk as often as it is tried; the last error, None where it was done."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            work(chunk, step)
            return None
        except Exception as error:  # whatever it is, it is said of this chunk
            if is_final(error) or attempt == ATTEMPTS:
                return error
    return None
