"""Results as HTML for a notebook. Every text is escaped: names of files, classes and reasons come from anywhere."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

SHOWN_ROWS, SHOWN_PICTURES = 20, 24


@dataclass(frozen=True)
class Tile:
    """A thumbnail as JPEG bytes (None: it cannot be shown) and the lines below it."""

    picture: bytes | None
    lines: tuple[str, ...]


def table_html(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], total: int) -> str:
    """A table of the given rows; `total` counts those that are not shown too."""
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = ["<tr>" + "".join(f"<td>{escape(cell(value))}</td>" for value in row) + "</tr>" for row in rows]
    return f"<div>{_title(title)}<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>" \
           f"{_more(total - len(body))}</div>"


def tiles_html(title: str, tiles: Sequence[Tile], total: int) -> str:
    """Thumbnails side by side; `total` counts those that are not shown too."""
    return (f'<div>{_title(title)}<div style="display:flex;flex-wrap:wrap;gap:8px">{"".join(map(_tile, tiles))}</div>'
            f"{_more(total - len(tiles))}</div>")


def cell(value: object) -> str:
    """A value as a person reads it; nothing for None.

    >>> cell(327680), cell(0.123456), cell(True), cell(None)
    ('327,680', '0.1235', 'yes', '')
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else ""
    return "" if value is None else str(value)


def _tile(tile: Tile) -> str:
    if tile.picture is None:
        shown = '<div style="height:60px">no picture</div>'
    else:
        source = base64.b64encode(tile.picture).decode("ascii")
        alternative = escape(tile.lines[0] if tile.lines else "")
        shown = f'<img alt="{alternative}" src="data:image/jpeg;base64,{source}" style="max-width:144px;max-height:144px">'
    lines = "".join(f"<div>{escape(line)}</div>" for line in tile.lines if line)
    return f'<div style="width:150px;font-size:smaller;overflow-wrap:anywhere">{shown}{lines}</div>'


def _title(title: str) -> str:
    return f"<p><b>{escape(title)}</b></p>"


def _more(hidden: int) -> str:
    return f"<p>and {hidden:,} more</p>" if hidden > 0 else ""
