"""VOC 2007's photos with all twenty classes: who holds what, and EfficientNet-Lite0 features, made once and kept under runs/."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tinysieve.dataset.images import decode
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.embeddings import ARRAY, read_embeddings
from tinysieve.ground.atomic_files import replacing

AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Photos:
    """The N photos of a folder with `labels.csv` and `images/`, in the file's order.

    Args:
        folder: where they lie.
        table: `labels.csv`; it has `filename`, `split` and `classes`, such as `dog:1|person:2`.
        held: each class that a photo holds, and in which photos, bool [N].
    """

    folder: Path
    table: pd.DataFrame
    held: dict[str, NDArray[np.bool_]]

    @property
    def names(self) -> list[str]:
        """File names [N]."""
        return self.table["filename"].tolist()

    @property
    def paths(self) -> list[Path]:
        """Files [N]."""
        return [self.folder / "images" / name for name in self.names]

    def in_split(self, *splits: str) -> NDArray[np.bool_]:
        """bool [N]: photos of these splits (train, val, test)."""
        return self.table["split"].isin(splits).to_numpy()


def read_photos(folder: Path) -> Photos:
    """Read `labels.csv`. An object counts whatever its size, VOC's "difficult" ones too."""
    table = pd.read_csv(folder / "labels.csv", keep_default_na=False)
    sets = [{entry.split(":")[0] for entry in cell.split("|") if entry} for cell in table["classes"]]
    return Photos(folder, table, {name: np.array([name in held for held in sets]) for name in sorted(set().union(*sets))})


def features_of(photos: Photos, backbone: Lite0Backbone, work: Path) -> NDArray[np.float32]:
    """Features float32 [N, 1280]; half a minute a thousand photos at the first call, read from `work` at the next."""
    half = work / f"lite0-{backbone.fingerprint}" / "made" / ARRAY
    if not half.exists():
        parts = []
        for start in range(0, len(photos.names), AT_ONCE):
            images = np.stack([shrink(decode(path), backbone.side) for path in photos.paths[start : start + AT_ONCE]])
            parts.append(backbone.embed(images).astype(np.float16))
            print(f"embed {start + len(images):,}/{len(photos.names):,}", flush=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        with replacing(half) as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate(parts))
    return np.array(read_embeddings(half, len(photos.names)), np.float32)
