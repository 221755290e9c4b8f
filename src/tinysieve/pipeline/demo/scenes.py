"""The photos that installed packages carry, and by hand, where in them persons are.

All boxes are x1, y1, x2, y2 as shares of width and height.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from tinysieve.ground.errors import MissingRequirement

Box = tuple[float, float, float, float]
EVERYWHERE: tuple[Box, ...] = ((0.0, 0.0, 1.0, 1.0),)


@dataclass(frozen=True)
class Scene:
    """One photo, all of whose crops go to one split.

    Attributes:
        package: the installed package that carries it; `path` is inside of it.
        path: the file.
        split: train, validation or test.
        heads: one box for each person's head; a crop that holds one is a person.
        occupied: where any part of a person is, or may be; a crop that touches none is background.
    """

    package: str
    path: str
    split: str
    heads: tuple[Box, ...] = ()
    occupied: tuple[Box, ...] = ()


SCENES = (
    Scene("skimage", "data/astronaut.png", "train", heads=((0.29, 0.02, 0.60, 0.36),),
          occupied=((0.28, 0.02, 0.62, 0.40), (0.03, 0.28, 0.62, 1.0), (0.03, 0.48, 0.74, 1.0), (0.48, 0.64, 1.0, 1.0))),
    # Through the bus's windows somebody may be seen, so they count as occupied.
    Scene("ultralytics", "assets/bus.jpg", "train", heads=((0.11, 0.355, 0.20, 0.43), (0.31, 0.365, 0.39, 0.43)),
          occupied=((0.0, 0.28, 1.0, 0.46), (0.0, 0.46, 0.46, 0.86), (0.80, 0.34, 1.0, 0.86))),
    # The crowd behind them leaves no background.
    Scene("ultralytics", "assets/zidane.jpg", "train", occupied=EVERYWHERE,
          heads=((0.36, 0.27, 0.53, 0.60), (0.68, 0.05, 0.85, 0.40))),
    Scene("skimage", "data/coffee.png", "train"),
    Scene("skimage", "data/chelsea.png", "train"),
    Scene("skimage", "data/rocket.jpg", "train"),
    Scene("skimage", "data/motorcycle_left.png", "train"),
    Scene("skimage", "data/brick.png", "train"),
    Scene("skimage", "data/gravel.png", "train"),
    # Heads on coins are depictions, and a depiction alone is background.
    Scene("skimage", "data/coins.png", "train"),
    Scene("skimage", "data/camera.png", "validation", heads=((0.31, 0.11, 0.54, 0.40),),
          occupied=((0.28, 0.08, 0.56, 0.30), (0.0, 0.18, 0.68, 0.63), (0.0, 0.60, 0.38, 1.0))),
    Scene("sklearn", "datasets/images/flower.jpg", "validation"),
    Scene("skimage", "data/grass.png", "validation"),
    Scene("skimage", "data/moon.png", "validation"),
    Scene("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "test", heads=((0.30, 0.04, 0.73, 0.53),),
          occupied=((0.25, 0.0, 0.76, 0.60), (0.0, 0.52, 1.0, 1.0))),
    Scene("sklearn", "datasets/images/china.jpg", "test"),
    Scene("skimage", "data/hubble_deep_field.jpg", "test"),
    Scene("skimage", "data/retina.jpg", "test"),
    Scene("skimage", "data/page.png", "test"),
)  # fmt: skip

# Only the detect extra brings Ultralytics; the demo does without its photos where it is absent.
OPTIONAL = ("ultralytics",)


def installed_scenes() -> list[tuple[Scene, Path]]:
    """Every scene whose package is installed, with its file; nothing is imported.

    Raises:
        MissingRequirement: a package that the demo needs, or its photo, is not there.
    """
    files = [(scene, _file_of(scene)) for scene in SCENES]
    for scene, path in files:
        if path is None and scene.package not in OPTIONAL:
            raise MissingRequirement(
                f"the demo's photo {scene.package}/{scene.path} is not installed",
                why="the demo crops its images from photos in Python packages",
                fix="pip install 'tinysieve[demo]'",
            )
    return [(scene, path) for scene, path in files if path is not None]


def _file_of(scene: Scene) -> Path | None:
    spec = importlib.util.find_spec(scene.package)
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0]) / scene.path
    return path if path.is_file() else None
