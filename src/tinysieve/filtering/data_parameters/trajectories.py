"""Temperatures after every epoch, float16 [N, epochs] on disk: six million samples and thirty epochs are 360 MB.

An epoch is one contiguous column. A fit that is killed goes on after its last finished epoch, and ends in the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from tinysieve.ground.array_file import create_array
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError

HalfArray = NDArray[np.float16]
Arrays = Mapping[str, NDArray[np.generic]]

ARRAY = "trajectories.npy"
STATE = "temperatures.state.npz"


@dataclass(frozen=True, eq=False)
class TrajectoryLog:
    """Where a fit keeps its temperatures and what it needs to go on.

    Args:
        folder: receives `trajectories.npy` and, until the fit is finished, a state.
        identity: of data, settings and seed; a state of another fit is not continued.
        samples: N.
        epochs: columns.
    """

    folder: Path
    identity: str
    samples: int
    epochs: int

    def resume(self) -> tuple[int, Arrays]:
        """Finished epochs and the state after them; (0, {}) and a new file where there is nothing to go on from."""
        self.folder.mkdir(parents=True, exist_ok=True)
        state = self._stored()
        note = json.loads(state.pop("note").tobytes()) if state else {}
        if note.get("identity") == self.identity and (self.folder / ARRAY).is_file():
            return int(note["done"]), state
        create_array(self.folder / ARRAY, np.float16, (self.samples, self.epochs), fortran_order=True)
        return 0, {}

    def append(self, epoch: int, sigma: NDArray[np.floating], state: Arrays) -> None:
        """Keep temperatures float [N] as column `epoch` (from 0), then the state that follows it."""
        rows = open_memmap(self.folder / ARRAY, "r+")
        rows[:, epoch] = sigma
        # The column must be on disk before the note that says so.
        rows.flush()
        note = json.dumps({"identity": self.identity, "done": epoch + 1})
        with replacing(self.folder / STATE) as temporary, temporary.open("wb") as file:
            np.savez(file, **{**state, "note": np.frombuffer(note.encode(), np.uint8)})  # type: ignore[arg-type]

    def finish(self) -> HalfArray:
        """Take the state away and give the trajectories, a read-only memory map."""
        (self.folder / STATE).unlink(missing_ok=True)
        return read_trajectories(self.folder / ARRAY)

    def _stored(self) -> dict[str, NDArray[np.generic]]:
        path = self.folder / STATE
        if not path.is_file():
            return {}
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}


@dataclass(frozen=True, eq=False)
class TrajectorySummary:
    """What triage looks at, each float32 [N]: the temperature in the end, its extremes on the way, and its mean."""

    final: NDArray[np.float32]
    highest: NDArray[np.float32]
    lowest: NDArray[np.float32]
    mean: NDArray[np.float32]


def read_trajectories(path: Path) -> HalfArray:
    """Open trajectories as a read-only memory map, float16 [N, epochs].

    Raises:
        InputError: no such file, or not of this kind.
    """
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot read trajectories: {error}", where=str(path), fix="run 'tinysieve data-parameters'") from error
    if rows.ndim != 2 or rows.dtype.kind != "f" or not rows.shape[1]:
        raise InputError(f"trajectories are {rows.dtype} {list(rows.shape)}, expected float [N, epochs]", where=str(path))
    return rows


def summarise(trajectories: NDArray[np.floating], epoch: int) -> TrajectorySummary:
    """Look at the trajectories up to and with `epoch` (from 0; -1 is the last), an epoch at a time.

    >>> summarise(np.array([[1.0, 3.0, 2.0, 9.0]]), 2).mean
    array([2.], dtype=float32)
    """
    epochs = trajectories.shape[1]
    if not -epochs <= epoch < epochs:
        raise InputError(f"epoch {epoch} of {epochs}", fix="epochs are counted from 0")
    last = epoch % epochs
    highest = np.array(trajectories[:, 0], np.float32)
    lowest, total = highest.copy(), highest.copy()
    for column in range(1, last + 1):
        sigma = np.asarray(trajectories[:, column], np.float32)
        np.maximum(highest, sigma, out=highest)
        np.minimum(lowest, sigma, out=lowest)
        total += sigma
    return TrajectorySummary(np.array(trajectories[:, last], np.float32), highest, lowest, total / np.float32(last + 1))
