"""Executor: Ray Data, on one machine or many that see the same folders. Needs the extra `scale`; the only module that knows Ray.

Ray gets descriptions of chunks and gives back what failed. The truth is on the disk: a chunk is done when its part is there,
whichever worker made it and whatever Ray lost.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinysieve.dataset.chunks import Chunk
from tinysieve.dataset.executors.executor import ATTEMPTS, HOPELESS, IsDone, MakeWork, Work, is_final, refuse_failures
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.progress import Progress

# With some thousand blocks Ray's scheduler takes longer than the work.
BLOCKS = 400


@dataclass(frozen=True)
class RayDataExecutor:
    """A cluster of Ray.

    Args:
        address: of the cluster; "local" starts one on this machine for as long as the work takes.
        workers: processes; None is one a core, or as many as the GPUs allow.
        gpus_per_worker: GPUs, or shares of one, that each has to itself.

    Raises:
        MissingRequirement: Ray is not installed.
    """

    address: str
    workers: int | None
    gpus_per_worker: float

    def __post_init__(self) -> None:
        _ray()

    def run(self, make_work: MakeWork, chunks: Sequence[Chunk], is_done: IsDone, progress: Progress) -> None:
        """See `Executor.run`; a chunk is tried again by whichever worker is free."""
        waiting, failed = [chunk for chunk in chunks if not is_done(chunk)], dict[Chunk, Exception]()
        counted = _Counted(progress, sum(map(len, chunks)), sum(map(len, chunks)) - sum(map(len, waiting)))
        if waiting:
            with _cluster(self.address):
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
        ray = _ray()
        from ray import cloudpickle

        # In the rows: what the constructor of an actor gets can be lost when the actor is started again.
        asked = cloudpickle.dumps((make_work, is_done))
        blocks = min(len(chunks), BLOCKS)
        rows = [{"asked": asked, "chunks": cloudpickle.dumps([chunks[place] for place in piece])}
                for piece in np.array_split(np.arange(len(chunks)), blocks)]
        dataset = ray.data.from_items(rows, override_num_blocks=blocks)
        resources = {"num_gpus": self.gpus_per_worker} if self.gpus_per_worker else {"num_cpus": 1}
        made = dataset.map_batches(_Worker, batch_size=1, concurrency=self._workers(ray, blocks), **resources)
        errors: dict[int, Exception] = {}
        for row in made.iter_rows():
            counted.add(int(row["images"]))
            errors |= cloudpickle.loads(row["errors"])
        return errors

    def _workers(self, ray: Any, blocks: int) -> int:
        has = ray.cluster_resources()
        most = has.get("GPU", 0) / self.gpus_per_worker if self.gpus_per_worker else has.get("CPU", 1)
        if most < 1:
            raise MissingRequirement(f"a worker asks for {self.gpus_per_worker:g} GPUs, the cluster has {has.get('GPU', 0):g}",
                                     where="executor.gpus_per_worker", fix="start workers with GPUs, or ask for fewer")
        return max(1, min(self.workers or int(most), int(most), blocks))


class _Worker:
    """An actor; opens store, detector and backbone with the first chunk that it gets."""

    def __init__(self) -> None:
        self._asked: bytes | None = None
        self._held: Any = None
        self._work: Work | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        from ray import cloudpickle

        images, errors = 0, dict[int, Exception]()
        chunks = cloudpickle.loads(batch["chunks"][0])
        try:
            work, is_done = self._opened(batch["asked"][0])
        except Exception as error:  # a missing package, say: then it is missing for all of these
            return _answer(0, {chunk.number: _portable(error) for chunk in chunks})
        for chunk in chunks:
            try:
                # Ray repeats what a dead worker had finished of these chunks.
                if not is_done(chunk):
                    work(chunk)
                images += len(chunk)
            except Exception as error:  # whatever it is, it is said of this chunk
                errors[chunk.number] = _portable(error)
        return _answer(images, errors)

    def _opened(self, asked: bytes) -> tuple[Work, IsDone]:
        from ray import cloudpickle

        make_work, is_done = cloudpickle.loads(asked)
        if self._work is None or asked != self._asked:
            self._held = make_work(1)
            self._work, self._asked = self._held.__enter__(), asked
        return self._work, is_done


class _Counted:
    """Images done, over all rounds."""

    def __init__(self, progress: Progress, total: int, done: int) -> None:
        self._progress, self.total, self.done, self.moved = progress, total, done, False

    def add(self, images: int) -> None:
        """So many more."""
        self.done, self.moved = self.done + images, self.moved or images > 0
        self._progress(self.done, self.total)


def _answer(images: int, errors: dict[int, Exception]) -> dict[str, Any]:
    from ray import cloudpickle

    return {"images": [images], "errors": [cloudpickle.dumps(errors)]}


def _portable(error: Exception) -> Exception:
    """The error, or one with its words where it cannot travel."""
    from ray import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(error))
        return error
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")


def _lost(chunk: Chunk) -> Exception:
    return RuntimeError(f"its worker gave no answer, and part {chunk.stem} is not there: do all machines see the same folder?")


def _ray() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingRequirement(f"Ray Data is not installed: {error}", where="executor.kind: ray",
                                 fix="pip install 'tinysieve[scale]'") from error
    return ray


@contextmanager
def _cluster(address: str) -> Iterator[None]:
    """Connected; a cluster that is there already is used and left as it is."""
    ray = _ray()
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=address, log_to_driver=False, include_dashboard=None if address != "local" else False,
                     logging_level="error")
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"no Ray cluster answers at {address}: {error}", where="executor.address",
                             fix="start one with 'ray start --head', or leave the address out for one on this machine") from error
    # Our own progress says how far the work is.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        yield
    finally:
        if ours:
            ray.shutdown()
