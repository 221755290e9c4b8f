"""Sources `wake_vision` and `open_images`: published CSV files, one or more a split, over one image folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tinysieve.dataset.sources.listing import Listing
from tinysieve.dataset.sources.open_images import list_open_images
from tinysieve.dataset.sources.source import Source, SourceContext
from tinysieve.dataset.sources.tables import list_wake_vision
from tinysieve.ground.settings import FilePath


@dataclass(frozen=True)
class SplitTables(Source):
    """Tables of each split."""

    train: tuple[FilePath, ...]
    validation: tuple[FilePath, ...]
    test: tuple[FilePath, ...]

    @property
    def tables(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.train, *self.validation, *self.test)

    @property
    def by_split(self) -> Mapping[str, tuple[Path, ...]]:
        """What is held out comes first, so that a photo in two splits stays there."""
        return {"test": self.test, "validation": self.validation, "train": self.train}


@dataclass(frozen=True)
class WakeVisionSource(SplitTables):
    """Wake Vision's CSV files."""

    kind: Literal["wake_vision"] = "wake_vision"

    def listing(self, given: SourceContext) -> Listing:
        """See `list_wake_vision`."""
        return list_wake_vision(self.by_split, given.words, given.form)


@dataclass(frozen=True)
class OpenImagesSource(SplitTables):
    """Open Images' CSVs of verified image labels; `label_names` is what they call the positive class."""

    label_names: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: Literal["open_images"] = "open_images"

    def listing(self, given: SourceContext) -> Listing:
        """See `list_open_images`."""
        return list_open_images(self.by_split, self.label_names, given.words.names, given.form)
