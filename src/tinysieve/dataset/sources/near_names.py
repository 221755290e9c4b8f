"""Rows whose file is not there, and files that no row names: brought together where they can mean each other only.

Archives, operating systems and exporters change names on their way: the Unicode form of an accent, upper and lower case, the
folders in front, the ending. A label is never lost to that without a word, and never given to a file that might be another.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.sources.image_folder import SUFFIXES
from tinysieve.dataset.sources.listing import Listing
from tinysieve.ground.errors import InputError

_ENDING = r"(?i)(" + "|".join(re.escape(suffix) for suffix in SUFFIXES) + ")$"
_SHOWN = 3

_Key = Callable[[pa.Array], pa.Array]


@dataclass(frozen=True)
class _Likeness:
    """One way in which a row's name may differ from its file's."""

    words: str
    rows: _Key
    files: _Key


def take_near_names(listing: Listing, files: pa.Array) -> Listing:
    """Rows whose name is nearly that of exactly one file that no other row names get that file's name; notes count them by kind.

    Args:
        listing: what the source says.
        files: string [F], the photos that are there.

    Raises:
        InputError: a row could mean several files, or several rows one; with the pairs.
    """
    names = listing.table["filepath"].combine_chunks()
    named = pc.unique(names).drop_null()
    lost = named.filter(pc.invert(pc.is_in(named, files)))
    free = files.filter(pc.invert(pc.is_in(files, named)))
    rows, free = _comparable(lost, free)
    if not len(rows):
        return listing
    taken, notes = {}, []
    for likeness in _likenesses(rows, free, (_shared_folder(_lower(_written(named))), _shared_folder(_lower(_form(files))))):
        pairs = _pairs(rows, free, likeness)
        if pairs:
            notes.append(_note(pairs, likeness.words))
            taken.update(pairs)
            rows = rows.filter(pc.invert(pc.is_in(rows, pa.array(list(pairs), pa.string()))))
            free = free.filter(pc.invert(pc.is_in(free, pa.array(list(pairs.values()), pa.string()))))
    if not taken:
        return listing
    place = pc.index_in(names, pa.array(list(taken), pa.string()))
    renamed = pc.coalesce(pa.array(list(taken.values()), pa.string()).take(place), names)
    table = listing.table.set_column(listing.table.column_names.index("filepath"), "filepath", renamed)
    return replace(listing, table=table, notes=(*listing.notes, *notes))


def _comparable(lost: pa.Array, free: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Only those that share the last part of their name with another: of millions of rows a few."""
    row_keys, file_keys = (_bare(_lower(_last_parts(key, 1))) for key in (_written(lost), _form(free)))
    return lost.filter(pc.is_in(row_keys, file_keys)), free.filter(pc.is_in(file_keys, row_keys))


def _likenesses(rows: pa.Array, files: pa.Array, roots: tuple[str, str]) -> Iterator[_Likeness]:
    """From what changes least to what changes most; `roots` are the folders that all rows, and all files, share."""
    slashes = pc.count_substring(_written(pa.concat_arrays([rows, files])), "/")
    depths = sorted(count + 1 for count in pc.unique(slashes).to_pylist())
    yield _Likeness("with other signs (slashes, spaces, %20)", _signs, _same)
    yield _Likeness("in another Unicode form", _written, _form)
    yield _Likeness("in other upper and lower case", lambda keys: _lower(_written(keys)), lambda keys: _lower(_form(keys)))
    for change, words in ((_same, ""), (_lower, " and other upper and lower case")):
        for depth in reversed(depths):
            yield _Likeness(f"with other folders in front{words}", _tail(_written, depth, change), _whole(_form, change))
            yield _Likeness(f"with other folders in front{words}", _whole(_written, change), _tail(_form, depth, change))
    yield _Likeness("below another folder", lambda keys: _below(_lower(_written(keys)), roots[0]),
                    lambda keys: _below(_lower(_form(keys)), roots[1]))
    yield _Likeness("with another ending", lambda keys: _bare(_lower(_written(keys))), lambda keys: _bare(_lower(_form(keys))))
    for depth in reversed(depths):
        words = "with another ending and other folders in front"
        yield _Likeness(words, _tail(_written, depth, _bare_lower), _whole(_form, _bare_lower))
        yield _Likeness(words, _whole(_written, _bare_lower), _tail(_form, depth, _bare_lower))


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


def _same(keys: pa.Array) -> pa.Array:
    return keys


def _lower(keys: pa.Array) -> pa.Array:
    return pc.utf8_lower(keys)


def _form(keys: pa.Array) -> pa.Array:
    return pc.utf8_normalize(keys, form="NFC")


def _written(keys: pa.Array) -> pa.Array:
    return _form(_signs(keys))


def _signs(keys: pa.Array) -> pa.Array:
    """Backslashes, spaces around, and what addresses add."""
    keys = pc.replace_substring(pc.utf8_trim_whitespace(keys), "\\", "/")
    coded = pc.match_substring_regex(keys, r"%[0-9A-Fa-f]{2}|^\w+://|^\w+:/")
    if pc.any(coded).as_py():
        paths = [_address_path(key) for key in keys.filter(coded).to_pylist()]
        keys = pc.replace_with_mask(keys, coded, pa.array(paths, pa.string()))
    return pc.replace_substring_regex(keys, r"^(\./+|/+)+", "")


def _address_path(text: str) -> str:
    return unquote(urlsplit(text).path) if "://" in text else unquote(text)


def _last_parts(keys: pa.Array, count: int) -> pa.Array:
    return pc.replace_substring_regex(keys, rf"^.*/((?:[^/]+/){{{count - 1}}}[^/]+)$", r"\1")


def _bare(keys: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(keys, _ENDING, "")


def _bare_lower(keys: pa.Array) -> pa.Array:
    return _bare(_lower(keys))


def _shared_folder(keys: pa.Array) -> str:
    """The folders that all of them share, with a slash behind."""
    folders = pc.unique(pc.replace_substring_regex(keys, r"[^/]+$", "")).to_pylist()
    return posixpath.commonpath(folders) + "/" if all(folders) else ""


def _below(keys: pa.Array, folder: str) -> pa.Array:
    return pc.if_else(pc.starts_with(keys, folder), pc.utf8_slice_codeunits(keys, len(folder)), keys) if folder else keys


def _tail(form: _Key, count: int, change: _Key) -> _Key:
    return lambda keys: change(_last_parts(form(keys), count))


def _whole(form: _Key, change: _Key) -> _Key:
    return lambda keys: change(form(keys))
