"""Photos that are one grey all over, so that whoever sees one knows which it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from part_pass import PlannedPhotos
from PIL import Image

from tinysieve.dataset.chunks import IMAGES_A_CHUNK


def grey_photos(base: Path, greys: Iterable[int], images_a_chunk: int = IMAGES_A_CHUNK) -> PlannedPhotos:
    """Photos named after their greys, planned in this order; those of another call in the same `base` stay."""
    greys = list(greys)
    (base / "photos").mkdir(parents=True, exist_ok=True)
    for grey in greys:
        Image.new("RGB", (5 + grey % 3, 9), (grey, grey, grey)).save(base / "photos" / f"{grey}.png")
    return PlannedPhotos.of(base / "photos", [f"{grey}.png" for grey in greys], base / "work", images_a_chunk)


def spoil(photos: PlannedPhotos, grey: int) -> None:
    """Cut the file of one of them."""
    path = photos.folder / f"{grey}.png"
    path.write_bytes(path.read_bytes()[:40])


def grey_of(image: np.ndarray) -> int:
    """Which photo it is."""
    return int(image[0, 0, 0])
