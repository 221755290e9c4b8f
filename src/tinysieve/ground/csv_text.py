"""CSV that a person opens in a spreadsheet: whatever a cell holds, it is shown as text, and read back as the same text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from tinysieve.ground.escaping import csv_cell

# What a spreadsheet may take for a separator as well; and a line's end that the csv module does not quote.
_OTHER_SEPARATORS = frozenset(";\t|\r")


def csv_lines(rows: Iterable[Sequence[object]]) -> str:
    r"""Rows as CSV with bare newlines; texts are escaped as `csv_cell` says, numbers stay numbers.

    >>> csv_lines([("file", "share"), ("=1+1.jpg", -0.5), ("a;=b", 1)])
    'file,share\n\'=1+1.jpg,-0.5\n"a;\'=b","1"\n'
    """
    text = io.StringIO()
    plain, quoted = (csv.writer(text, lineterminator="\n", quoting=how) for how in (csv.QUOTE_MINIMAL, csv.QUOTE_ALL))
    for row in rows:
        cells = [csv_cell(cell) if isinstance(cell, str) else cell for cell in row]
        risky = any(isinstance(cell, str) and not _OTHER_SEPARATORS.isdisjoint(cell) for cell in cells)
        (quoted if risky else plain).writerow(cells)
    return text.getvalue()
