"""Weights that ship in models/ for a training to start from, instead of noise. `models/README.md` says what they are.

A recipe that starts from them holds their name and hash, so that other weights are another recipe.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from tinysieve.ground.errors import InputError, MissingRequirement

if TYPE_CHECKING:
    import keras

FILE = "starting_weights.npz"


@dataclass(frozen=True)
class StartingWeights:
    """Which weights.

    Args:
        name: what reports call them.
        sha256: of the file in models/.
    """

    name: str
    sha256: str


# `benchmarks/train_starting_weights.py` makes them and prints such a hash when it ends.
MCUNET_PERSON = StartingWeights("mcunet-person-1", "913c610765e31cfc71975b8e2cf6d0c6fc04ebbe47017447ba0f1e242ed4db9e")


def start_from(model: keras.Model, weights: StartingWeights) -> None:
    """Put the shipped weights into MCUNet of any input size; they are stored in half precision.

    Raises:
        MissingRequirement: the file is not installed.
        InputError: the file is not the one that the recipe names, or the model is another network.
    """
    # Here, since recipes name weights, and every command knows the recipes.
    import numpy as np

    from tinysieve.training.checkpoint import assign

    data = shipped_bytes()
    if (digest := hashlib.sha256(data).hexdigest()) != weights.sha256:
        raise InputError(
            f"the installed starting weights are not {weights.name!r}: SHA-256 {digest[:16]}, expected {weights.sha256[:16]}",
            where=f"models/{FILE}",
            why="the recipe would name weights that it did not start from",
            fix="install tinysieve again",
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        assign(model.variables, {name: stored[name] for name in stored.files}, f"models/{FILE}")


def shipped_bytes() -> bytes:
    """The file as it ships.

    Raises:
        MissingRequirement: it is not installed.
    """
    try:
        return files("tinysieve.models").joinpath(FILE).read_bytes()
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise MissingRequirement(f"the shipped {FILE} is not installed", why="the recipe starts from it",
                                 fix="install tinysieve again") from error
