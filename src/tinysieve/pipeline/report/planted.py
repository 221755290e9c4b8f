"""What became of planted wrong labels, where the truth is known: the demo plants some, and no filter reads the truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.image_places import ImagePlaces, local_paths
from tinysieve.dataset.sources.tables import read_table

TRUTH_FILE = "truth.csv"
_COLUMNS = {"filename", "person"}


def truth_file(images: ImagePlaces) -> Path | None:
    """`truth.csv` beside the image folder or archive, if it has the columns `filename` and `person`; else None."""
    path = next((place.parent / TRUTH_FILE for place in local_paths(images)), Path(TRUTH_FILE))
    return path if path.is_file() and set(read_table(path).column_names) >= _COLUMNS else None


def planted_counts(samples: SampleTable, before: Codes, after: Codes, path: Path) -> dict[str, int]:
    """How the wrong labels of version 0 ended, and right ones that are wrong now.

    Args:
        samples: N samples.
        before: int8 [N], labels of version 0.
        after: int8 [N], labels now.
        path: CSV with `filename` and `person` (1 or 0); images that are not in it are taken as right.
    """
    truth = read_table(path)
    place = pc.fill_null(pc.index_in(samples.table["filepath"], truth["filename"].combine_chunks()), -1).to_numpy()
    said = np.where(truth["person"].to_numpy() == "1", np.int8(POSITIVE), np.int8(NEGATIVE))
    right = np.where(place >= 0, said[place], before) if len(said) else before
    labelled = before > UNLABELED
    wrong, sound = labelled & (before != right), labelled & (before == right)
    gone = after <= UNLABELED
    return {"planted": int(wrong.sum()), "mended": int((wrong & (after == right)).sum()), "dropped": int((wrong & gone).sum()),
            "left": int((wrong & ~gone & (after != right)).sum()), "newly wrong": int((sound & ~gone & (after != right)).sum())}
