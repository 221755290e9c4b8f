"""Rows whose file is not there, and files that no row names: brought together where they can mean each other only.

Archives, operating systems and exporters change names on their way: the Unicode form of an accent, upper and lower case, the
folders in front, the ending. A label is never lost to that without a word, and never given to a file that might be another.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.sources import name_forms as forms
from tinysieve.dataset.sources.listing import Listing
from tinysieve.dataset.sources.name_forms import Key
from tinysieve.ground.errors import InputError

_SHOWN = 3


@dataclass(frozen=True)
class _Likeness:
    """One way in which a row's name may differ from its file's."""

    words: str
    rows: Key
    files: Key


def take_near_names(listing: Listing, files: pa.Array) -> Listing:
    """Rows whose name is nearly that of exactly one file that no other row names get that file's name; notes count them by kind.

    A row that spells the name of a file otherwise than the rows that name it (its case, its Unicode form, its slashes) is one
    more row about that photo.

    Args:
        listing: what the source says.
        files: string [F], the photos that are there.

    Raises:
        InputError: a row could mean several files, or several rows one; with the pairs.
    """
    names = listing.table["filepath"].combine_chunks()
    named = pc.unique(names).drop_null()
    lost = named.filter(pc.invert(pc.is_in(named, files)))
    if not len(lost):
        return listing
    is_named = pc.is_in(files, named)
    keys = forms.any_form(lost)
    rows, free = _comparable(lost, keys, files.filter(pc.invert(is_named)))
    taken, notes = _taken(rows, free, (_roots(forms.written, named), _roots(forms.form, files))) if len(rows) else ({}, [])
    again, owned = _comparable(lost, keys, files.filter(is_named))
    again = again.filter(pc.invert(pc.is_in(again, pa.array(list(taken), pa.string()))))
    for likeness in _spellings() if len(again) else ():
        pairs = {row: file for row, file in _one_to_one(again, owned, likeness).items() if row not in taken}
        if pairs:
            notes.append(_note_again(pairs, likeness.words))
            taken.update(pairs)
    if not taken:
        return listing
    place = pc.index_in(names, pa.array(list(taken), pa.string()))
    renamed = pc.coalesce(pa.array(list(taken.values()), pa.string()).take(place), names)
    table = listing.table.set_column(listing.table.column_names.index("filepath"), "filepath", renamed)
    return replace(listing, table=table, notes=(*listing.notes, *notes))


def _roots(change: Key, keys: pa.Array) -> str:
    return forms.shared_folder(forms.lower(change(keys)))


def _comparable(lost: pa.Array, keys: pa.Array, files: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Only those that are alike in the loosest form: of millions of rows a few; `keys` are the rows in it."""
    file_keys = forms.any_form(files)
    return lost.filter(pc.is_in(keys, file_keys)), files.filter(pc.is_in(file_keys, keys))


def _taken(rows: pa.Array, free: pa.Array, roots: tuple[str, str]) -> tuple[dict[str, str], list[str]]:
    """Row name -> file name by the first likeness in which they are alike, with a note for each likeness."""
    taken: dict[str, str] = {}
    notes = []
    for likeness in _likenesses(rows, free, roots):
        pairs = _pairs(rows, free, likeness)
        if pairs:
            notes.append(_note(pairs, likeness.words))
            taken.update(pairs)
            rows = rows.filter(pc.invert(pc.is_in(rows, pa.array(list(pairs), pa.string()))))
            free = free.filter(pc.invert(pc.is_in(free, pa.array(list(pairs.values()), pa.string()))))
    return taken, notes


def _spellings() -> Iterator[_Likeness]:
    """Ways to spell one path."""
    yield _Likeness("with other signs (slashes, spaces, quotes, %20)", forms.signs, forms.same)
    yield _Likeness("in another Unicode form", forms.written, forms.form)
    yield _Likeness("in other upper and lower case", _lowered(forms.written), _lowered(forms.form))


def _likenesses(rows: pa.Array, files: pa.Array, roots: tuple[str, str]) -> Iterator[_Likeness]:
    """From what changes least to what changes most; `roots` are the folders that all rows, and all files, share."""
    yield from _spellings()
    slashes = pc.count_substring(forms.written(pa.concat_arrays([rows, files])), "/")
    depths = sorted((count + 1 for count in pc.unique(slashes).to_pylist()), reverse=True)
    for change, words in ((forms.same, ""), (forms.lower, " and other upper and lower case")):
        yield from _other_folders(f"with other folders in front{words}", depths, change)
    yield _Likeness("below another folder", lambda keys: forms.below(_lowered(forms.written)(keys), roots[0]),
                    lambda keys: forms.below(_lowered(forms.form)(keys), roots[1]))
    yield _Likeness("with another ending", _whole(forms.written, forms.bare_lower), _whole(forms.form, forms.bare_lower))
    yield from _other_folders("with another ending and other folders in front", depths, forms.bare_lower)
    file = _tail(forms.form, 1, forms.lower)
    yield _Likeness("with the mark of an upload to Label Studio", _whole(_lowered(forms.written), forms.uploaded), file)
    yield _Likeness("by its number without the zeros", _whole(forms.written, forms.number), lambda keys: forms.number(file(keys)))


def _other_folders(words: str, depths: list[int], change: Key) -> Iterator[_Likeness]:
    for depth in depths:
        yield _Likeness(words, _tail(forms.written, depth, change), _whole(forms.form, change))
        yield _Likeness(words, _whole(forms.written, change), _tail(forms.form, depth, change))


def _one_to_one(rows: pa.Array, files: pa.Array, likeness: _Likeness) -> dict[str, str]:
    """Row name -> file name where only one file is alike; several rows may be."""
    keys, found = likeness.files(files).to_pylist(), likeness.rows(rows).to_pylist()
    count = Counter(keys)
    only = {key: file for key, file in zip(keys, files.to_pylist(), strict=True) if count[key] == 1}
    return {row: only[key] for row, key in zip(rows.to_pylist(), found, strict=True) if key in only}


def _pairs(rows: pa.Array, files: pa.Array, likeness: _Likeness) -> dict[str, str]:
    """Row name -> file name where their keys are equal."""
    if not len(rows) or not len(files):
        return {}
    row_codes, file_codes = _codes(likeness.rows(rows), likeness.files(files))
    count = int(max(row_codes.max(), file_codes.max())) + 1
    of_rows, of_files = np.bincount(row_codes, minlength=count), np.bincount(file_codes, minlength=count)
    unclear = np.flatnonzero((of_rows > 0) & (of_files > 0) & (of_rows + of_files > 2))
    if len(unclear):
        shown = [(rows.filter(pa.array(row_codes == code)).to_pylist(), files.filter(pa.array(file_codes == code)).to_pylist())
                 for code in unclear[:_SHOWN]]
        raise _ambiguous(shown, len(unclear), likeness.words)
    place = np.full(count, -1)
    place[file_codes] = np.arange(len(file_codes))
    chosen = np.flatnonzero(place[row_codes] >= 0)
    theirs = files.take(pa.array(place[row_codes[chosen]]))
    return dict(zip(rows.take(pa.array(chosen)).to_pylist(), theirs.to_pylist(), strict=True))


def _codes(rows: pa.Array, files: pa.Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    codes = pa.concat_arrays([rows, files]).dictionary_encode().indices.to_numpy().astype(np.int64)
    return codes[: len(rows)], codes[len(rows) :]


def _ambiguous(groups: list[tuple[list[str], list[str]]], count: int, words: str) -> InputError:
    shown = "; ".join(f"{' and '.join(map(repr, rows[:_SHOWN]))} with {' or '.join(map(repr, files[:_SHOWN]))}"
                      for rows, files in groups)
    return InputError(f"{count:,} names without a file could mean several files {words}, or several names one file: {shown}",
                      why="a label would be given to a photo by guess",
                      fix="write the path of the file into the row, or take the row out")


def _note(pairs: dict[str, str], words: str) -> str:
    row, file = next(iter(pairs.items()))
    return f"{len(pairs):,} photo{'s are' if len(pairs) > 1 else ' is'} named by the table {words}: {row!r} is {file!r}"


def _note_again(pairs: dict[str, str], words: str) -> str:
    row, file = next(iter(pairs.items()))
    return (f"{len(pairs):,} name{'s are' if len(pairs) > 1 else ' is'} written {words} than in another row, and counted as "
            f"one more row about the photo: {row!r} is {file!r}")


def _lowered(change: Key) -> Key:
    return lambda keys: forms.lower(change(keys))


def _tail(form: Key, count: int, change: Key) -> Key:
    return lambda keys: change(forms.last_parts(form(keys), count))


def _whole(form: Key, change: Key) -> Key:
    return lambda keys: change(form(keys))
