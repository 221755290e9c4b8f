"""A source: one way in which people keep images and labels, as an object. Its fields are its settings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import ConfigDict

from tinysieve.dataset.sources.image_places import ImagePlaces
from tinysieve.dataset.sources.label_words import LabelWords
from tinysieve.dataset.sources.listing import Listing
from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.dataset.table_text import TableForm
from tinysieve.ground.settings import Share


@dataclass(frozen=True)
class Holdout:
    """Shares of the labelled images of each class drawn as held-out splits where the source has none."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    validation: Share = 0.1
    test: Share = 0.2

    def shares(self) -> Mapping[str, float]:
        """Share by name of the split."""
        return asdict(self)


USUAL_HOLDOUT = Holdout()


@dataclass(frozen=True, eq=False)
class SourceContext:
    """What a source reads with.

    Args:
        images: what lies in the image store.
        words: which words mean which class.
        form: how text tables are written.
        rng: for splits that must be drawn.
    """

    images: StoredImages
    words: LabelWords
    form: TableForm
    rng: np.random.Generator


@dataclass(frozen=True)
class Source(ABC):
    """Where images and labels come from.

    Subclasses are frozen dataclasses whose fields are their settings; each has a field `kind`, a literal by which the
    configuration names it, and `dataset/sources/registry.py` lists it.

    Args:
        images: where the images lie: a folder, an archive or shard, several of them, or folder names with files of their own.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    images: ImagePlaces

    @property
    def name(self) -> str:
        """Its `kind`."""
        return str(getattr(self, "kind", ""))

    @property
    def tables(self) -> tuple[Path, ...]:
        """Files beside the images whose bytes decide what is listed."""
        return ()

    @property
    def draws(self) -> bool:
        """Whether it may draw splits, so that the seed decides too."""
        return False

    @property
    def label_noise(self) -> str:
        """What is published about wrong labels among those it reads, in sentences; "" where nothing is."""
        return ""

    @abstractmethod
    def listing(self, given: SourceContext) -> Listing:
        """All candidates: which files, with which split and label.

        Raises:
            InputError: what is wrong, with file and line.
        """
