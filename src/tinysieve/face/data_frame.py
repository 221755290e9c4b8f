"""Results as pandas data frames; pandas is no dependency of the program, so it is imported here and only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from tinysieve.ground.errors import MissingRequirement

if TYPE_CHECKING:
    from pandas import DataFrame


def data_frame(table: pa.Table) -> DataFrame:
    """The table as a data frame.

    Raises:
        MissingRequirement: pandas is not installed.
    """
    try:
        import pandas  # noqa: F401
    except ImportError as error:
        raise MissingRequirement("pandas is not installed", why="to_pandas() gives a pandas DataFrame",
                                 fix="pip install pandas") from error
    return table.to_pandas()
