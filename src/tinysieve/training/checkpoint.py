"""Weights and training state as plain numpy archives: any backend reads them, and equal numbers are equal bytes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch did. Losses are mean cross-entropies in nats; accuracies are fractions in [0, 1].

    Training figures are running means while the weights move and on augmented images; validation figures are
    of the weights at the end of the epoch.
    """

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float


def save_weights(model: keras.Model, path: Path) -> None:
    """Write the model's variables, keyed by their path in the model, atomically."""
    _write(path, _named_arrays(model.variables))


def load_weights(model: keras.Model, path: Path) -> None:
    """Read what `save_weights` wrote into a model of the same architecture.

    Raises:
        InputError: the file holds other variables; names the first that differs.
    """
    with np.load(path) as stored:
        assign(model.variables, {name: stored[name] for name in stored.files}, path)


def save_state(model: keras.Model, history: list[EpochRecord], identity: str, path: Path) -> None:
    """Write weights, optimizer state and history in one atomic file: the end of the last finished epoch."""
    arrays = {f"model/{name}": array for name, array in _named_arrays(model.variables).items()}
    arrays |= {f"optimizer/{name}": array for name, array in _named_arrays(model.optimizer.variables).items()}
    note = json.dumps({"identity": identity, "history": [asdict(record) for record in history]})
    _write(path, {**arrays, "note": np.frombuffer(note.encode(), np.uint8)})


def load_state(model: keras.Model, identity: str, path: Path) -> list[EpochRecord]:
    """Put a saved state back into a compiled model.

    Returns:
        The history so far, one record a finished epoch.

    Raises:
        InputError: the state belongs to other data, another recipe or another seed.
    """
    with np.load(path) as stored:
        note = json.loads(stored["note"].tobytes())
        if note["identity"] != identity:
            raise InputError(
                "the folder holds the training state of another run",
                where=str(path),
                why="its data, recipe, seed or Keras backend differ; resuming would mix two runs",
                fix="delete it, or train in another folder",
            )
        arrays = {name: stored[name] for name in stored.files}
    for prefix, variables in (("model/", model.variables), ("optimizer/", model.optimizer.variables)):
        part = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
        assign(variables, part, path)
    return [EpochRecord(**record) for record in note["history"]]


def _named_arrays(variables: list[keras.Variable]) -> dict[str, NDArray[np.generic]]:
    from keras import ops

    # The value, not the variable: numpy's conversion of a Keras variable is deprecated.
    return {variable.path: np.asarray(ops.convert_to_numpy(variable.value)) for variable in variables}


def assign(variables: list[keras.Variable], arrays: dict[str, NDArray[np.generic]], where: Path | str) -> None:
    """Put arrays into the variables of the same path.

    Raises:
        InputError: a name or a shape differs; names the first, and `where` the arrays come from.
    """
    names = [variable.path for variable in variables]
    if set(names) != set(arrays):
        odd = sorted(set(names) ^ set(arrays))[0]
        raise InputError(f"variable {odd!r} is in the model or in the file, not in both", where=str(where))
    for variable in variables:
        if tuple(variable.shape) != arrays[variable.path].shape:
            got, expected = list(arrays[variable.path].shape), list(variable.shape)
            raise InputError(f"{variable.path} has shape {got}, the model expects {expected}", where=str(where))
        variable.assign(arrays[variable.path])


def _write(path: Path, arrays: dict[str, NDArray[np.generic]]) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
