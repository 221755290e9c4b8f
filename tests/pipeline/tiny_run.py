"""The whole pipeline on forty small pictures: a run that takes seconds and has everything a run has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
CONFIG = """\
run: {run}
workers: 2
dataset:
  source: {{kind: folders, images: {images}}}
  rule: any
filter: {{detector: {{kind: presence_head}}, out_of_fold: {{sure: 1.0}}}}
policy: {{kind: default, drop_confidence: 2, label_votes: 1}}
train: {{recipe: {{base: {recipe}, epochs: 2, batch_size: 16}}}}
quantize: {{calibration_images: 4}}
verify: {{tflm_images: 2, ram: 512KiB}}
"""


@dataclass(frozen=True)
class TinyRun:
    """A finished run: its configuration, images, run folder, and the seconds it took."""

    config: Path
    images: Path
    run: Path
    seconds: float


def write_config(path: Path, images: Path, run: Path, recipe: str = "demo") -> Path:
    """A configuration over these images; two epochs of the recipe, and room enough that no stripes are searched for."""
    path.write_text(CONFIG.format(run=run, images=images, recipe=recipe))
    return path


def make_images(root: Path) -> None:
    """Coarse noise in the folders of a data set; no person in it, which is all the same to the machinery."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 4), ("test", 4)):
        for name in ("person", "background"):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
                Image.fromarray(coarse).resize((210, 150)).save(root / split / name / f"{number}.jpg")
    (root / "unlabeled_images").mkdir()
    for number in range(4):
        coarse = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((210, 150)).save(root / "unlabeled_images" / f"{number}.jpg")
