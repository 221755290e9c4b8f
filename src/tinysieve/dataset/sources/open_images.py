"""Open Images' CSVs, as CVAT, Datumaro and FiftyOne write them too: a row a label that somebody verified, 1 for there, 0 for not.

Most labels of a photo say nothing of our class: a photo without a row about it is not known to lack it, and stays unlabeled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.sources.label_words import LabelWords, as_text
from tinysieve.dataset.sources.listing import Listing, make_listing
from tinysieve.dataset.table_file import AS_WRITTEN, TableFile, open_table
from tinysieve.dataset.table_text import TableForm
from tinysieve.ground.errors import InputError


def list_open_images(tables: Mapping[str, Sequence[Path]], label_names: Sequence[str], words: LabelWords,
                     form: TableForm = AS_WRITTEN) -> Listing:
    """Rows `ImageID, LabelName, Confidence` by split; the image is called as its id with any ending.

    Annotation tools write a label for the other class too: a row about a LabelName that means the negative class says that.

    Args:
        tables: split name -> CSV files.
        label_names: the LabelName of our class, such as /m/01g317.
        words: what the classes are called, and which words mean the negative one.
        form: how the tables are written.

    Raises:
        InputError: a column is missing, a confidence is neither 0 nor 1 nor between, or no row at all is about our class.
    """
    parts: list[pa.Table] = []
    notes: list[str] = []
    about = 0
    for split, paths in tables.items():
        for path in paths:
            file = open_table(path, form)
            codes = _codes(file, label_names, words)
            about += int((codes != UNLABELED).sum())
            ids = pc.cast(file.table[file.column("ImageID")], pa.string())
            # One row that says nothing stands for all of its photo.
            kept = (codes != UNLABELED) | _first_of_silent(ids, codes)
            mine = TableFile(path, file.table.filter(pa.array(kept)), file.lines[kept], file.counted)
            listing = make_listing(ids.filter(pa.array(kept)), pa.array([split] * int(kept.sum()), pa.string()),
                                   words.names.names(codes[kept]), None, mine)
            parts.append(listing.table)
            notes += file.notes
    if not about:
        raise InputError(f"no row has the LabelName {' or '.join(label_names)}", where=str(next(iter(tables.values()))[0]),
                         fix="set dataset.source.label_names to what the column LabelName calls the class")
    return Listing(pa.concat_tables(parts, promote_options="permissive"), notes=tuple(notes))


def _codes(file: TableFile, label_names: Sequence[str], words: LabelWords) -> Codes:
    """int8 [rows]: POSITIVE or NEGATIVE where a row is about our class."""
    called = as_text(file.table[file.column("LabelName")])
    mine = np.asarray(pc.is_in(called, pa.array(list(label_names))))
    absent = [name for name in pc.unique(called).drop_null().to_pylist()
              if name not in label_names and words.named(name) == words.names.negative]
    other = np.asarray(pc.is_in(called, pa.array(absent, pa.string())))
    try:
        confidence = pc.cast(as_text(file.table[file.column("Confidence")]), pa.float64()).to_numpy()
    except pa.ArrowException as error:
        raise InputError(f"a Confidence is no number: {error}", where=str(file.path), fix="write 0 or 1") from error
    wrong = np.flatnonzero((mine | other) & ~((confidence >= 0) & (confidence <= 1)))
    if len(wrong):
        raise InputError(f"confidence {confidence[wrong[0]]:g} is not within 0..1", where=file.place(int(wrong[0])),
                         fix="write 0 or 1")
    said = np.where(mine, np.where(confidence >= 0.5, POSITIVE, NEGATIVE), UNLABELED)
    # That the other class is not there says nothing of ours.
    return np.where(other & (confidence >= 0.5), NEGATIVE, said).astype(np.int8)


def _first_of_silent(ids: pa.ChunkedArray, codes: Codes) -> np.ndarray:
    """The first row of each photo of which no row is about our class."""
    photo = ids.combine_chunks().dictionary_encode().indices.to_numpy()
    speaks = np.zeros(int(photo.max(initial=-1)) + 1, bool)
    speaks[photo[codes != UNLABELED]] = True
    first = np.zeros(len(photo), bool)
    first[np.unique(photo, return_index=True)[1]] = True
    return first & ~speaks[photo]
