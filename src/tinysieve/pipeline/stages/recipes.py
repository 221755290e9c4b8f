"""From the configuration to a recipe of training."""

from __future__ import annotations

from tinysieve.pipeline.config.sections import Config, RecipeChanges
from tinysieve.training.recipe import Recipe, derive, recipe_named


def recipe_of(config: Config) -> Recipe:
    """The published recipe, or one derived from it under a name that says what differs."""
    wanted = config.train.recipe
    if isinstance(wanted, RecipeChanges):
        return derive(recipe_named(wanted.base), **wanted.model_dump(exclude={"base"}, exclude_none=True))
    return recipe_named(wanted)
