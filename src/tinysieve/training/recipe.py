"""The fixed recipes: a recipe is a constant with a hash, and a change is another recipe with another name.

Only recipes that a published script used are comparable to its numbers; everything derived says that it is not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.training.starting_weights import MCUNET_PERSON, StartingWeights

LATER = ("start", "frozen_blocks", "norm_momentum")


@dataclass(frozen=True)
class Recipe:
    """Every hyper-parameter of a training run.

    Args:
        name: what the report calls it.
        batch_size: images a step.
        epochs: passes over the training images.
        learning_rate: of Adam (Keras' defaults otherwise), constant.
        rotation: largest rotation either way as a fraction of a full turn, [0, 0.5]; 0.2 is 72 degrees.
        horizontal_flip: whether half of the images are mirrored.
        comparable: whether its accuracy may stand beside the published numbers.
        source: the script that it reproduces, or why it is not comparable.
        start: shipped weights that the training starts from; None is noise, as every published recipe does.
        frozen_blocks: how many of the network's first blocks, and the stem, keep those weights and moments. A step then costs
            little more than looking, and TensorFlow traces a third of the graph.
        norm_momentum: share of batch normalisation's moving moments that a step keeps; 0.99 is Keras' own and needs some two
            hundred steps before the moments mean anything.
    """

    name: str
    batch_size: int
    epochs: int
    learning_rate: float = 1e-3
    rotation: float = 0.2
    horizontal_flip: bool = True
    comparable: bool = True
    source: str = ""
    start: StartingWeights | None = None
    frozen_blocks: int = 0
    norm_momentum: float = 0.99

    def __post_init__(self) -> None:
        limits = {
            "batch_size": self.batch_size >= 1,
            "epochs": self.epochs >= 1,
            "learning_rate": 0 < self.learning_rate < 1,
            "rotation": 0 <= self.rotation <= 0.5,
            "norm_momentum": 0 <= self.norm_momentum < 1,
        }
        for setting, holds in limits.items():
            if not holds:
                raise InputError(
                    f"{setting} = {getattr(self, setting)} in recipe {self.name!r} is out of range",
                    fix="batch_size, epochs at least 1; learning_rate in (0, 1), rotation in [0, 0.5], norm_momentum in [0, 1)",
                )
        if self.start and self.comparable:
            raise InputError(f"recipe {self.name!r} starts from trained weights, so it cannot be comparable",
                             fix="comparable=False")
        if self.frozen_blocks and not self.start:
            raise InputError(f"recipe {self.name!r} would freeze {self.frozen_blocks} blocks of noise",
                             fix="name the weights to start from")

    @property
    def settings(self) -> dict[str, Any]:
        """All values by name. What recipes got later is left out where it is as it was before: their hashes stay."""
        later = {field.name: field.default for field in fields(self) if field.name in LATER}
        return {key: value for key, value in dataclasses.asdict(self).items() if key not in later or value != later[key]}

    @property
    def digest(self) -> str:
        """SHA-256 of what changes the weights (not of the names), 16 hexadecimal digits."""
        words = ("name", "comparable", "source")
        values = {key: value for key, value in self.settings.items() if key not in words}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("challenge-1", 512, 100, source="Wake Vision challenge 1, data_centric_track.py"),
        Recipe("challenge-2", 128, 50, source="Wake Vision challenge 2, data_centric.py"),
        Recipe("seed", 32, 50, source="the data-centric submission that relabels with YOLO11"),
        # The last six blocks: trained whole, at 3e-4, the network forgot on 583 photos some of what the weights know.
        Recipe("finetune", 32, 20, 1e-4, 0.05, comparable=False, start=MCUNET_PERSON, frozen_blocks=16, norm_momentum=0.95,
               source="for hundreds or thousands of photos of your own, from the shipped weights; not comparable"),
        # The last three blocks alone: a step costs half, TensorFlow traces a third of the graph, and on the demo's validation
        # photos the loss is as low as with six.
        Recipe("demo", 8, 8, 3e-4, 0.05, comparable=False, start=MCUNET_PERSON, frozen_blocks=19, norm_momentum=0.95,
               source="for demonstration, from the shipped weights; not comparable"),
    )
}


def recipe_named(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        InputError: no such recipe; the message lists those that there are.
    """
    if name not in RECIPES:
        raise InputError(f"recipe {name!r} does not exist", fix=f"choose one of: {', '.join(RECIPES)}")
    return RECIPES[name]


def derive(base: Recipe, **changes: int | float | bool) -> Recipe:
    """Another recipe, named after what differs, and never comparable; the base itself where nothing differs.

    >>> derive(RECIPES["seed"], epochs=14).name
    'seed+epochs=14'
    """
    known = {field.name for field in fields(Recipe)} - {"name", "comparable", "source", *LATER}
    for setting in changes:
        if setting not in known:
            raise InputError(f"a recipe has no setting {setting!r}", fix=f"choose from: {', '.join(sorted(known))}")
    different = {key: value for key, value in changes.items() if value != getattr(base, key)}
    if not different:
        return base
    name = base.name + "".join(f"+{key}={different[key]}" for key in sorted(different))
    words: dict[str, Any] = {"name": name, "comparable": False, "source": f"derived from {base.name}"}
    return dataclasses.replace(base, **{**different, **words})
