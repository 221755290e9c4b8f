"""A result that is a list of rows: samples, versions, differences, a review queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tinysieve.face.data_frame import data_frame
from tinysieve.face.html import SHOWN_PICTURES, SHOWN_ROWS, Tile, cell, table_html, tiles_html
from tinysieve.ground.errors import InputError

if TYPE_CHECKING:
    from pandas import DataFrame

# Row -> its thumbnail as JPEG, None where it cannot be shown.
Picture = Callable[[int], bytes | None]


@dataclass(frozen=True, eq=False, repr=False)
class Rows:
    """Rows with names for their columns; in a notebook a table, or thumbnails where the rows are images.

    Args:
        title: what they are.
        table: an Arrow table.
        picture: gives the thumbnail of a row; None where rows are no images.
        captions: columns that stand below a thumbnail.
    """

    title: str
    table: pa.Table
    picture: Picture | None = None
    captions: tuple[str, ...] = ()

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __repr__(self) -> str:
        return f"{self.title}: {len(self):,} rows, columns {', '.join(self.columns)}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.table.column_names)

    def column(self, name: str) -> list[object]:
        """The values of a column.

        Raises:
            InputError: there is none of that name; lists all.
        """
        if name not in self.columns:
            raise InputError(f"no column '{name}'", where=self.title, fix="one of " + ", ".join(self.columns))
        values: list[object] = self.table[name].to_pylist()
        return values

    def to_pandas(self) -> DataFrame:
        """All rows as a data frame.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(self.table)

    def _repr_html_(self) -> str:
        if self.picture is None:
            shown = self.table.slice(0, SHOWN_ROWS).to_pylist()
            return table_html(self.title, self.columns, [tuple(row.values()) for row in shown], len(self))
        shown = self.table.select(list(self.captions)).slice(0, SHOWN_PICTURES).to_pylist()
        tiles = [Tile(self.picture(number), tuple(cell(value) for value in row.values())) for number, row in enumerate(shown)]
        return tiles_html(self.title, tiles, len(self))
