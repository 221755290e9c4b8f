"""Source `folders`: `<split>/<class>/image`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tinysieve.dataset.sources.folders import list_folders, require_classes
from tinysieve.dataset.sources.listing import Listing, draw_holdouts
from tinysieve.dataset.sources.source import USUAL_HOLDOUT, Holdout, Source, SourceContext


@dataclass(frozen=True)
class FolderSource(Source):
    """Folders of images; empty `train_folders` takes all that are there."""

    kind: Literal["folders"] = "folders"
    train_folders: tuple[str, ...] = ()
    holdout: Holdout = USUAL_HOLDOUT

    @property
    def draws(self) -> bool:
        """Splits that have no folder."""
        return True

    def listing(self, given: SourceContext) -> Listing:
        """See `list_folders`."""
        listing = list_folders(given.images.photos, given.images.where, self.train_folders, given.words)
        listing = draw_holdouts(listing, self.holdout.shares(), given.rng)
        require_classes(listing, given.images.where, given.words.names)
        return listing
