"""The shipped weights: the file that the recipe names, MCUNet's own variables, read without pickle."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace

import keras
import numpy as np
import pytest

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.training import starting_weights
from tinysieve.training.epochs import fresh_model
from tinysieve.training.mcunet import build_mcunet
from tinysieve.training.recipe import RECIPES
from tinysieve.training.starting_weights import MCUNET_PERSON, shipped_bytes, start_from

SMALL = 32
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def build_small(seed: int) -> keras.Model:
    """Weights do not depend on the size of the images."""
    return build_mcunet(seed, SMALL)


def stored() -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(shipped_bytes()), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def test_it_is_the_file_that_the_recipe_names() -> None:
    assert hashlib.sha256(shipped_bytes()).hexdigest() == MCUNET_PERSON.sha256
    assert len(shipped_bytes()) < 1_500_000
    assert all(np.isfinite(array).all() and array.dtype == np.float16 for array in stored().values())


def test_every_variable_of_the_network_gets_its_own() -> None:
    model, arrays = build_small(3), stored()
    start_from(model, MCUNET_PERSON)
    for variable in model.variables:
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable.value), arrays[variable.path].astype(np.float32))


def test_a_training_starts_there_whatever_its_seed_and_moves_the_last_blocks_only() -> None:
    recipe = replace(RECIPES["demo"], start=MCUNET_PERSON, frozen_blocks=17)
    first, arrays = fresh_model(build_small, recipe, 7), stored()
    images = np.random.default_rng(0).integers(0, 256, (4, SMALL, SMALL, 3)).astype(np.float32)
    first.train_on_batch(images, np.array([0, 1, 0, 1]))
    moved = {variable.path.split("_")[0] for variable in first.variables
             if not np.array_equal(keras.ops.convert_to_numpy(variable.value), arrays[variable.path].astype(np.float32))}
    assert moved == {"head", *(f"block{number}" for number in range(recipe.frozen_blocks + 1, 23))}


def test_another_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting_weights, "shipped_bytes", lambda: b"something else")
    with pytest.raises(InputError, match="mcunet-person-1"):
        start_from(build_small(0), MCUNET_PERSON)


def test_a_missing_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting_weights, "FILE", "nowhere.npz")
    with pytest.raises(MissingRequirement, match=r"nowhere\.npz"):
        shipped_bytes()
