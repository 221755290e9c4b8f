"""Fixed means fixed: a recipe is a constant, and a change is another recipe."""

from __future__ import annotations

import dataclasses

import pytest

from tinysieve.ground.errors import InputError
from tinysieve.training.recipe import RECIPES, Recipe, derive, recipe_named
from tinysieve.training.starting_weights import StartingWeights

PUBLISHED = [("challenge-1", 512, 100), ("challenge-2", 128, 50), ("seed", 32, 50)]


@pytest.mark.parametrize(("name", "batch", "epochs"), PUBLISHED)
def test_published_recipes(name, batch, epochs):
    recipe = recipe_named(name)
    assert (recipe.batch_size, recipe.epochs, recipe.learning_rate, recipe.rotation) == (batch, epochs, 1e-3, 0.2)
    assert recipe.horizontal_flip
    assert recipe.comparable


def test_demo_says_that_it_is_not_comparable():
    assert not RECIPES["demo"].comparable
    assert "not comparable" in RECIPES["demo"].source


def test_a_recipe_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        RECIPES["seed"].epochs = 14


def test_a_derived_recipe_has_another_name_and_hash():
    changed = derive(RECIPES["seed"], epochs=14)
    assert (changed.name, changed.epochs, changed.comparable) == ("seed+epochs=14", 14, False)
    assert changed.digest != RECIPES["seed"].digest
    assert RECIPES["seed"].epochs == 50


def test_deriving_nothing_is_the_recipe_itself():
    assert derive(RECIPES["seed"], epochs=50) is RECIPES["seed"]


def test_the_order_of_changes_does_not_matter():
    one = derive(RECIPES["seed"], epochs=3, batch_size=8)
    assert one == derive(RECIPES["seed"], batch_size=8, epochs=3)
    assert one.name == "seed+batch_size=8+epochs=3"


def test_the_hash_follows_the_numbers_and_not_the_names():
    assert dataclasses.replace(RECIPES["seed"], name="x", source="y").digest == RECIPES["seed"].digest
    numbers = {"batch_size": 31, "epochs": 51, "learning_rate": 2e-3, "rotation": 0.1, "horizontal_flip": False,
               "norm_momentum": 0.9}
    digests = {dataclasses.replace(RECIPES["seed"], **{key: value}).digest for key, value in numbers.items()}
    assert len(digests | {RECIPES["seed"].digest}) == len(numbers) + 1


def test_unknown_names_list_the_valid_ones():
    with pytest.raises(InputError, match="challenge-1, challenge-2, seed, finetune, demo"):
        recipe_named("challenge-3")
    with pytest.raises(InputError, match="epochs"):
        derive(RECIPES["seed"], epoch=3)
    with pytest.raises(InputError, match="name"):
        derive(RECIPES["seed"], name="challenge-1")


OUT_OF_RANGE = [("batch_size", 0), ("epochs", 0), ("learning_rate", 0.0), ("rotation", 0.7), ("norm_momentum", 1.0)]


@pytest.mark.parametrize(("setting", "value"), OUT_OF_RANGE)
def test_values_out_of_range_are_refused_by_name(setting, value):
    with pytest.raises(InputError, match=f"{setting} = {value}"):
        Recipe("x", **{"batch_size": 1, "epochs": 1, setting: value})


def test_the_hash_follows_the_weights_and_the_frozen_blocks():
    noise, weights = dataclasses.replace(RECIPES["finetune"], start=None, frozen_blocks=0), StartingWeights("w", "1" * 64)
    others = [dataclasses.replace(noise, start=weights), dataclasses.replace(noise, start=weights, frozen_blocks=16),
              dataclasses.replace(noise, start=StartingWeights("w", "0" * 64))]
    assert len({recipe.digest for recipe in (noise, *others)}) == 4
    assert derive(others[0], epochs=1).start == weights


def test_a_recipe_from_noise_keeps_the_hash_that_it_had_before_there_were_weights():
    assert not {"start", "frozen_blocks"} & RECIPES["challenge-1"].settings.keys()
    assert RECIPES["seed"].digest == "34b768e4349415b8"


def test_trained_weights_are_never_comparable_and_noise_is_never_frozen():
    with pytest.raises(InputError, match="cannot be comparable"):
        Recipe("x", 1, 1, start=StartingWeights("w", "0" * 64))
    with pytest.raises(InputError, match="17 blocks of noise"):
        Recipe("x", 1, 1, comparable=False, frozen_blocks=17)
