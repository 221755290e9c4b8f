"""Sources `wake_vision` and `open_images`: published CSV files, one or more a split, over one image folder.

A split without a file is drawn from the training photos: one chunk of Wake Vision's train_large comes with neither of the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from tinysieve.dataset.sources.listing import Listing, draw_holdouts
from tinysieve.dataset.sources.near_names import take_near_names
from tinysieve.dataset.sources.open_images import list_open_images
from tinysieve.dataset.sources.source import USUAL_HOLDOUT, Holdout, Source, SourceContext
from tinysieve.dataset.sources.tables import list_wake_vision
from tinysieve.ground.settings import FilePath

# 1,902 of 25,635 and 1,360 of 25,636 of the test split's automatic labels, in the authors' table of corrected ones.
_LABEL_NOISE = (
    "Of Wake Vision's automatic box labels 7.4 % of the backgrounds and 5.3 % of the persons were wrong when people checked them "
    "(6.4 % together): a perfect model would measure about 93.6 %, and differences shrink to 87 %. The image-level labels of "
    "train_large are published as about 15 % wrong: 85 % and 70 %.")


@dataclass(frozen=True)
class SplitTables(Source):
    """Tables of each split; where `validation` or `test` has none, `holdout` says how much is drawn from train."""

    train: Annotated[tuple[FilePath, ...], Field(min_length=1)]
    validation: tuple[FilePath, ...] = ()
    test: tuple[FilePath, ...] = ()
    holdout: Holdout = USUAL_HOLDOUT

    @property
    def tables(self) -> tuple[Path, ...]:
        """All of them."""
        return (*self.train, *self.validation, *self.test)

    @property
    def by_split(self) -> Mapping[str, tuple[Path, ...]]:
        """What is held out comes first, so that a photo in two splits stays there."""
        return {"test": self.test, "validation": self.validation, "train": self.train}

    @property
    def draws(self) -> bool:
        """Splits that have no table."""
        return not (self.validation and self.test)

    def with_holdouts(self, listing: Listing, given: SourceContext) -> Listing:
        """Draw the splits that have no table, among photos that are there: a table may list many that were not downloaded."""
        if not self.draws:
            return listing
        photos = given.images.photos
        return draw_holdouts(take_near_names(listing, photos), self.holdout.shares(), given.rng, photos)


@dataclass(frozen=True)
class WakeVisionSource(SplitTables):
    """Wake Vision's CSV files."""

    kind: Literal["wake_vision"] = "wake_vision"

    @property
    def label_noise(self) -> str:
        """From the verified labels that its authors published, and their article."""
        return _LABEL_NOISE

    def listing(self, given: SourceContext) -> Listing:
        """See `list_wake_vision`."""
        return self.with_holdouts(list_wake_vision(self.by_split, given.words, given.form), given)


@dataclass(frozen=True, kw_only=True)
class OpenImagesSource(SplitTables):
    """Open Images' CSVs of verified image labels; `label_names` is what they call the positive class."""

    label_names: Annotated[tuple[str, ...], Field(min_length=1)]
    kind: Literal["open_images"] = "open_images"

    def listing(self, given: SourceContext) -> Listing:
        """See `list_open_images`."""
        listed = list_open_images(self.by_split, self.label_names, given.words, given.form)
        return self.with_holdouts(listed, given)
