"""The forms in which one file name is written: by archives, operating systems, address bars, exporters and spreadsheets.

Each function maps names to names, string [N] -> string [N]. What a form does not concern comes out as a name that no file has.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.sources.image_folder import SUFFIXES

Key = Callable[[pa.Array], pa.Array]

_ENDING = r"(?i)(" + "|".join(re.escape(suffix) for suffix in SUFFIXES) + ")$"
# Around names that a program printed: b'a.jpg', PosixPath('a.jpg'), "a.jpg".
_PRINTED = r"""^(?:b|u|[A-Za-z]*Path\()?['"](.*)['"]\)?$"""
_INVISIBLE = "\u200b\u200e\u200f\ufeff"
# Label Studio puts eight hex digits before an upload's name.
_UPLOADED = r"(?s)^(?:.*/)?[0-9a-f]{8}-([^/]+)$"
_NUMBER = r"^0*(\d+?)(?:\.0)?$"


def same(keys: pa.Array) -> pa.Array:
    """As they are."""
    return keys


def lower(keys: pa.Array) -> pa.Array:
    """In lower case."""
    return pc.utf8_lower(keys)


def form(keys: pa.Array) -> pa.Array:
    """In Unicode's composed form."""
    return pc.utf8_normalize(keys, form="NFC")


def written(keys: pa.Array) -> pa.Array:
    """Composed, with the signs of a path alone."""
    return form(signs(keys))


def signs(keys: pa.Array) -> pa.Array:
    """Without backslashes, quotes, spaces around, and what addresses add."""
    keys = pc.replace_substring_regex(pc.utf8_trim(pc.utf8_trim_whitespace(keys), _INVISIBLE), _PRINTED, r"\1")
    keys = pc.replace_substring(keys, "\\", "/")
    coded = pc.match_substring_regex(keys, r"%[0-9A-Fa-f]{2}|^\w+://|^\w+:/")
    if pc.any(coded).as_py():
        paths = [_address_path(key) for key in keys.filter(coded).to_pylist()]
        keys = pc.replace_with_mask(keys, coded, pa.array(paths, pa.string()))
    return pc.replace_substring_regex(keys, r"^(\./+|/+)+", "")


def _address_path(text: str) -> str:
    return unquote(urlsplit(text).path) if "://" in text else unquote(text)


def last_parts(keys: pa.Array, count: int) -> pa.Array:
    """The last folders and the file."""
    return pc.replace_substring_regex(keys, rf"(?s)^.*/((?:[^/]+/){{{count - 1}}}[^/]+)$", r"\1")


def bare(keys: pa.Array) -> pa.Array:
    """Without the ending of an image."""
    return pc.replace_substring_regex(keys, _ENDING, "")


def bare_lower(keys: pa.Array) -> pa.Array:
    """Both."""
    return bare(lower(keys))


def uploaded(keys: pa.Array) -> pa.Array:
    """The file of an upload, without the mark before its name."""
    return _where(keys, _UPLOADED)


def number(keys: pa.Array) -> pa.Array:
    """A file that is called by a number, without the zeros before it, which a spreadsheet or pandas drops."""
    return _where(bare(keys), _NUMBER)


def any_form(keys: pa.Array) -> pa.Array:
    """The loosest form: two names that any other form makes alike are alike in it."""
    keys = bare_lower(last_parts(written(keys), 1))
    return pc.replace_substring_regex(pc.replace_substring_regex(keys, r"^[0-9a-f]{8}-(.+)$", r"\1"), _NUMBER, r"\1")


def shared_folder(keys: pa.Array) -> str:
    """The folders that all of them share, with a slash behind."""
    folders = pc.unique(pc.replace_substring_regex(keys, r"[^/]+$", "")).to_pylist()
    return posixpath.commonpath(folders) + "/" if all(folders) else ""


def below(keys: pa.Array, folder: str) -> pa.Array:
    """What lies below a folder."""
    return pc.if_else(pc.starts_with(keys, folder), pc.utf8_slice_codeunits(keys, len(folder)), keys) if folder else keys


def _where(keys: pa.Array, pattern: str) -> pa.Array:
    """The group of a pattern; of what it does not match, a name that no file has."""
    matched = pc.match_substring_regex(keys, pattern)
    other = pc.binary_join_element_wise("\0", keys, "")
    return pc.if_else(matched, pc.replace_substring_regex(keys, pattern, r"\1"), other)
