"""What runs in each process of a Ray cluster: opens the work once, then makes the parts of the chunks that it is sent."""

from __future__ import annotations

from typing import Any

from tinysieve.dataset.executors.executor import IsDone, Work


class Worker:
    """An actor; opens store, detector and backbone with the first chunk that it gets."""

    def __init__(self) -> None:
        self._asked: bytes | None = None
        self._held: Any = None
        self._work: Work | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """One row, with the work and some chunks, to one row with images that are done and errors by chunk."""
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
                    work(chunk, _unheard)
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


def _unheard(images: int) -> None:
    """A cluster's progress counts whole chunks: nobody hears a worker before it answers."""


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
