"""Slices of the test images: columns of the source that are 0/1, and what the pixels themselves say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.samples import SampleTable

# Wake Vision's test CSV; 1 belongs to the slice.
WAKE_VISION = ("near", "medium_distance", "far", "dark", "normal_lighting", "bright", "predominantly_female",
               "predominantly_male", "young", "middle_age", "older", "person_depiction", "non-person_depiction",
               "non-person_non-depiction")
# Share of the image that persons cover: what a person at a distance is, where the source gives the share.
AREA_COLUMN, AREA_EDGES = "person_area_frac", ((0.0, 0.05, "person under 5 %"), (0.05, 0.2, "person 5-20 %"),
                                               (0.2, 1.01, "person over 20 %"))


def slices_of(samples: SampleTable, rows: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Name -> bool [len(rows)], for the columns that the source has."""
    table = samples.table.take(pa.array(rows))
    slices = {}
    for name in WAKE_VISION:
        if name in table.column_names:
            text = pc.cast(table[name], pa.string())
            slices[name] = np.asarray(pc.fill_null(pc.is_in(text, pa.array(["1", "1.0"])), False))
    if AREA_COLUMN in table.column_names:
        area = pc.cast(table[AREA_COLUMN], pa.float64()).to_numpy()
        slices |= {name: (area > low) & (area <= high) for low, high, name in AREA_EDGES}
    return slices



