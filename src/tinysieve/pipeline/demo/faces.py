"""The hundred faces of Labeled Faces in the Wild that scikit-image carries: a hundred photos, nearly as many persons.

They are 25 x 25 grey values. So that neither colour nor sharpness tells the classes apart, as many backgrounds are made as
coarse. The hundred "non-faces" of the same file are not used: some of them show half a face, most are black.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.images import Pixels
from tinysieve.ground.errors import MissingRequirement

FILE = "data/lfw_subset.npy"
FACES, SIDE = 100, 25


def installed_faces() -> NDArray[np.uint8]:
    """The faces, uint8 [100, 25, 25].

    Raises:
        MissingRequirement: scikit-image or its file is not there.
    """
    spec = importlib.util.find_spec("skimage")
    path = Path(spec.submodule_search_locations[0]) / FILE if spec and spec.submodule_search_locations else None
    if path is None or not path.is_file():
        raise MissingRequirement(f"the demo's faces, skimage/{FILE}, are not installed",
                                 why="the demo takes its images from Python packages", fix="pip install 'tinysieve[demo]'")
    return np.rint(np.load(path, allow_pickle=False)[:FACES] * 255).astype(np.uint8)


def enlarged(gray: NDArray[np.uint8], side: int) -> Pixels:
    """uint8 [side, side, 3] of grey values [H, W]."""
    return np.repeat(cv2.resize(gray, (side, side), interpolation=cv2.INTER_CUBIC)[..., None], 3, axis=2).astype(np.uint8)


def as_coarse(crop: Pixels) -> Pixels:
    """The crop with no more detail than a face has: grey, SIDE x SIDE, enlarged again."""
    gray = cv2.resize(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return enlarged(np.asarray(gray, np.uint8), crop.shape[0])
