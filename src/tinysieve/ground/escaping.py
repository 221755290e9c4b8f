"""Text from outside on its way into another language: there it stays text, whatever it holds.

A label, a file name, a board's name or an operator's name comes from a stranger's file. Pasted into C, a quotation mark ends
the string and the rest is code that runs. One function for each language; each gives ``Escaped``, so that a template can
refuse whatever did not pass through one of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

# An underscore inside a word is no emphasis, and readers of the plain text are spared the backslash.
_MARKDOWN = re.compile(r"([\\`*\[\]<>|~$&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
_LINE_START = re.compile(r"^(\s*)(\d+(?=[.)])|[-+=:#])")
_CODE = re.compile(r"`([^`]+)`")
# What spreadsheets take for the beginning of a formula, full-width signs included, behind apostrophes of our own and spaces.
# A semicolon separates cells where the comma stands in numbers, and there what follows it begins a cell too.
_FORMULA = "('*[ \\t\\r\\n]*[-=+@\\t\\r\\n\uff1d\uff0b\uff0d\uff20])"
FORMULA, ESCAPED_FORMULA = f"(^|;){_FORMULA}", f"(^|;)'{_FORMULA}"
_C_PLAIN = frozenset(b" !#$%&'()*+,-./:;<=>@[]^_`{|}~" + bytes(c for c in range(128) if chr(c).isalnum()))


class Escaped(str):
    """Text that is safe in the language that it was made for."""

    __slots__ = ()


def one_line(text: str) -> str:
    """The text without line breaks, control characters and marks that reorder what a person reads: each becomes its escape.

    >>> one_line("a\\nb\\x1b[31m")
    'a\\\\nb\\\\x1b[31m'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def c_string(text: str) -> Escaped:
    r"""A string literal of C and C++ with quotation marks: the UTF-8 bytes of the text.

    Octal escapes, since a hexadecimal one would swallow digits that follow; no ``?``, so no trigraphs.

    >>> print(c_string('a"};\n'), c_string("é"))
    "a\"};\012" "\303\251"
    """
    plain = {ord('"'): '\\"', ord("\\"): "\\\\"}
    encoded = text.encode("utf-8", "surrogatepass")
    return Escaped('"' + "".join(chr(b) if b in _C_PLAIN else plain.get(b, f"\\{b:03o}") for b in encoded) + '"')


def c_float(value: float) -> Escaped:
    """A float literal of C; ValueError for what has none.

    >>> c_float(0.5)
    '0.5f'
    """
    if not math.isfinite(value):
        raise ValueError(f"{value} has no literal in C")
    return Escaped(f"{float(value)!r}f")


def c_numbers(values: Iterable[int]) -> Escaped:
    """Whole numbers with commas between, for an initialiser of C.

    >>> c_numbers((1, 32, 32, 3))
    '1, 32, 32, 3'
    """
    return Escaped(", ".join(str(int(value)) for value in values))


def c_comment(text: str) -> Escaped:
    r"""Text inside a comment of C, either kind: one line of ASCII that neither ends the comment nor goes on in the next line.

    >>> print(c_comment("end */ int x;\\"), c_comment("// /* open"))
    end * / int x;/ / / / * open
    """
    line = one_line(text).encode("ascii", "replace").decode().replace("\\", "/").replace("?", ".")
    return Escaped(re.sub(r"(?<=[*/])(?=[*/])", " ", line))


def identifier(text: str) -> Escaped:
    """A name for C, CMake and make out of any text: ASCII letters, digits and underscores, a letter first.

    >>> identifier("my model-2"), identifier("9é"), identifier("")
    ('my_model_2', 'm_9_', 'm_')
    """
    name = re.sub(r"[^A-Za-z0-9_]", "_", text)
    return Escaped(name if re.match(r"[A-Za-z]", name) else f"m_{name}")


def config_value(text: str) -> Escaped:
    r"""A value for CMake, INI and YAML files: one quoted line in which none of the three finds a variable or an escape.

    Readers of the three disagree on what a backslash means, so signs that are special in one of them become ``_``.

    >>> print(config_value('a "${HOME}"; $(shell id)\n[env]'))
    "a __{HOME}__ _(shell id)_n_env_"
    """
    return Escaped('"' + re.sub(r'[\\"\'$%;#`\[\]@<>]', "_", one_line(text)) + '"')


def markdown(text: str) -> Escaped:
    r"""Text in a paragraph, heading or table of Markdown: no link, no HTML, no list, no code, one line.

    >>> print(markdown("[a](javascript:x) <img src=x> `b`"))
    \[a\](javascript:x) \<img src=x\> \`b\`
    """
    return Escaped(_LINE_START.sub(_behind_backslash, _MARKDOWN.sub(r"\\\1", _no_links(one_line(text)))))


def markdown_with_code(text: str) -> Escaped:
    r"""The same, where text between two backquotes stays code: for sentences that a person wrote to be read.

    >>> print(markdown_with_code("call `make <x>`, [not](this)"))
    call `make <x>`, \[not\](this)
    """
    pieces = _CODE.split(one_line(text))
    return Escaped("".join(f"`{piece}`" if at % 2 else markdown(piece) for at, piece in enumerate(pieces)))


def csv_cell(text: str) -> Escaped:
    """Text in a cell of a spreadsheet: what would be a formula there gets an apostrophe in front, as people write it.

    `csv_text` takes it off again, also where the text itself began with apostrophes.

    >>> csv_cell("=1+1"), csv_cell("'=1+1"), csv_cell("'quoted'"), csv_cell("a;=b")
    ("'=1+1", "''=1+1", "'quoted'", "a;'=b")
    """
    return Escaped(re.sub(FORMULA, r"\1'\2", text))


def csv_text(cell: str) -> str:
    """The text that `csv_cell` was given.

    >>> csv_text("'=1+1"), csv_text("''=1+1"), csv_text("'quoted'"), csv_text("=1+1")
    ('=1+1', "'=1+1", "'quoted'", '=1+1')
    """
    return re.sub(ESCAPED_FORMULA, r"\1\2", cell)


def _behind_backslash(match: re.Match[str]) -> str:
    start = match[2]
    return f"{match[1]}\\{start}" if not start.isdigit() else f"{match[1]}{start}\\"


def _no_links(text: str) -> str:
    """Bare addresses become links in many viewers; a space behind the scheme or ``www.`` keeps them text."""
    return re.sub(r"(?i)(://|\bwww\.|\bmailto:|@)(?=\S)", r"\1 ", text)
