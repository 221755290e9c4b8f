"""Executor: Ray Data, on one machine or many that see the same folders. Needs the extra `scale`.

Ray gets descriptions of chunks and gives back what failed. The truth is on the disk: a chunk is done when its part is there,
whichever worker made it and whatever Ray lost.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysieve.dataset.chunks import Chunk
from tinysieve.dataset.executors.executor import ATTEMPTS, HOPELESS, IsDone, MakeWork, is_final, refuse_failures
from tinysieve.dataset.executors.ray_session import cluster, ray_package, start_again
from tinysieve.dataset.executors.ray_worker import Worker
from tinysieve.ground.errors import MissingRequirement
from tinysieve.ground.progress import Progress

# With some thousand blocks Ray's scheduler takes longer than the work.
BLOCKS = 400
# A task whose node has gone can be waited for forever.
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True)
class RayDataExecutor:
    """A cluster of Ray.

    Args:
        address: of the cluster; "local" starts one on this machine for as long as the work takes.
        workers: processes; None is one a core, or as many as the GPUs allow.
        gpus_per_worker: GPUs, or shares of one, that each has to itself.
        patience: seconds without an answer or a new part, after which all workers are started anew.

    Raises:
        MissingRequirement: Ray is not installed.
    """

    address: str
    workers: int | None
    gpus_per_worker: float
    patience: float = PATIENCE_SECONDS

    def __post_init__(self) -> None:
        ray_package()

    def run(self, make_work: MakeWork, chunks: Sequence[Chunk], is_done: IsDone, progress: Progress) -> None:
        """See `Executor.run`; a chunk is tried again by whichever worker is free."""
        waiting, failed = [chunk for chunk in chunks if not is_done(chunk)], dict[Chunk, Exception]()
        counted = _Counted(progress, sum(map(len, chunks)), sum(map(len, chunks)) - sum(map(len, waiting)))
        if waiting:
            with cluster(self.address):
                for _ in range(ATTEMPTS):
                    errors = self._round(make_work, waiting, is_done, counted)
                    failed |= {chunk: errors.get(chunk.number) or _lost(chunk) for chunk in waiting if not is_done(chunk)}
                    waiting = [chunk for chunk in waiting if not is_done(chunk) and not is_final(failed[chunk])]
                    if not waiting or (len(waiting) > HOPELESS and not counted.moved):
                        break
        progress(counted.done, counted.total)
        refuse_failures({chunk: error for chunk, error in failed.items() if not is_done(chunk)}, len(chunks))

    def _round(self, make_work: MakeWork, chunks: Sequence[Chunk], is_done: IsDone, counted: _Counted) -> dict[int, Exception]:
        """Each chunk tried once; what failed, by number."""
        ray = ray_package()
        from ray import cloudpickle

        # In the rows: what the constructor of an actor gets can be lost when the actor is started again.
        asked = cloudpickle.dumps((make_work, is_done))
        blocks = min(len(chunks), BLOCKS)
        rows = [{"asked": asked, "chunks": cloudpickle.dumps([chunks[place] for place in piece])}
                for piece in np.array_split(np.arange(len(chunks)), blocks)]
        dataset = ray.data.from_items(rows, override_num_blocks=blocks)
        resources = {"num_gpus": self.gpus_per_worker} if self.gpus_per_worker else {"num_cpus": 1}
        made = dataset.map_batches(Worker, batch_size=1, concurrency=self._workers(ray, blocks), **resources)
        errors: dict[int, Exception] = {}
        for row in self._answers(made, lambda: sum(map(is_done, chunks))):
            counted.add(int(row["images"]))
            errors |= cloudpickle.loads(row["errors"])
        return errors

    def _answers(self, made: Any, parts_there: Callable[[], int]) -> Iterator[dict[str, Any]]:
        """Rows as they come; ends early where nothing moves any more, or Ray gives up, since the disk says what is missing."""
        answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

        def collect() -> None:
            try:
                for row in made.iter_rows():
                    answers.put(row)
            except Exception as error:  # of any kind; the chunks concerned are tried again
                logging.getLogger(__name__).warning("Ray gave up: %s", error)
            answers.put(None)

        collector = threading.Thread(target=collect, daemon=True)
        collector.start()
        there = parts_there()
        while True:
            try:
                row = answers.get(timeout=self.patience)
            except queue.Empty:
                if (now := parts_there()) > there:
                    there = now
                    continue
                start_again(collector)
                return
            if row is None:
                return
            yield row

    def _workers(self, ray: Any, blocks: int) -> int:
        has = ray.cluster_resources()
        most = has.get("GPU", 0) / self.gpus_per_worker if self.gpus_per_worker else has.get("CPU", 1)
        if most < 1:
            raise MissingRequirement(f"a worker asks for {self.gpus_per_worker:g} GPUs, the cluster has {has.get('GPU', 0):g}",
                                     where="executor.gpus_per_worker", fix="start workers with GPUs, or ask for fewer")
        return max(1, min(self.workers or int(most), int(most), blocks))


class _Counted:
    """Images done, over all rounds."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress, self.total, self.done, self.moved = progress, total, done, False

    def add(self, images: int) -> None:
        """So many more."""
        self.done, self.moved = self.done + images, self.moved or images > 0
        self._progress(self.done, self.total)


def _lost(chunk: Chunk) -> Exception:
    return RuntimeError(f"its worker gave no answer, and part {chunk.stem} is not there: do all machines see the same folder?")
