"""Source `table`: CSV, Excel or Parquet with one row an image, or one an annotator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tinysieve.dataset.sources.listing import Listing
from tinysieve.dataset.sources.source import USUAL_HOLDOUT, Holdout, Source, SourceContext
from tinysieve.dataset.sources.tables import Columns, list_table
from tinysieve.ground.settings import FilePath


@dataclass(frozen=True)
class TableSource(Source):
    """A table with columns of its own names."""

    table: FilePath
    kind: Literal["table"] = "table"
    filepath: str = "filename"
    label: str = "person"
    split: str | None = "split"
    holdout: Holdout = USUAL_HOLDOUT

    @property
    def tables(self) -> tuple[Path, ...]:
        """The table."""
        return (self.table,)

    @property
    def draws(self) -> bool:
        """Splits that the table does not give."""
        return True

    def listing(self, given: SourceContext) -> Listing:
        """See `list_table`."""
        columns = Columns(self.filepath, self.label, self.split)
        return list_table(self.table, columns, self.holdout.shares(), given.rng, given.words, given.form, given.images.photos)
