"""Pictures of a triage: rows of easy, hard and need-review samples of each class, with borders that say which."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.images import Pixels
from tinysieve.filtering.data_parameters.trajectories import TrajectorySummary
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW, TRIAGE_NAMES
from tinysieve.ground.atomic_files import replacing

COLOURS = {EASY: "#2e9e4f", HARD: "#d62728", NEED_REVIEW: "#ff8c00"}
SHOWN = 10
_SIDE, _BORDER, _GAP, _HEADING, _CAPTION, _EMPTY = 112, 5, 8, 130, 20, 48


@dataclass(frozen=True, eq=False)
class Triage:
    """What the pictures show of M samples.

    Args:
        picture: gives the pixels uint8 [H, W, 3] of a sample by its number 0..M-1.
        labels: int [M], index into class_names.
        class_names: words for the classes.
        codes: int8 [M], easy, hard or need review.
        summary: of the trajectories, as far as the triage looked.
        suspicion: float64 [M], 1 surely wrong.
        trajectories: float16 [M, epochs].
        epoch: of the reading, from 0.
    """

    picture: Callable[[int], Pixels]
    labels: NDArray[np.integer]
    class_names: tuple[str, ...]
    codes: Codes
    summary: TrajectorySummary
    suspicion: NDArray[np.float64]
    trajectories: NDArray[np.floating]
    epoch: int

    def classes(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Name and members of each class that occurs."""
        for label, name in enumerate(self.class_names):
            members = np.flatnonzero(self.labels == label)
            if len(members):
                yield name, members

    def foremost(self, members: NDArray[np.int64], code: int) -> NDArray[np.int64]:
        """The members with this triage, the most typical first: coolest, hottest, or widest swing."""
        own = members[self.codes[members] == code]
        summary = self.summary
        order = {EASY: summary.final, HARD: -summary.final, NEED_REVIEW: summary.lowest - summary.highest}[code]
        return np.asarray(own[np.lexsort((own, order[own]))])


def bordered(pixels: Pixels, side: int, border: int, colour: str) -> Image.Image:
    """A square thumbnail of `side` pixels inside a coloured border."""
    framed = Image.new("RGB", (side + 2 * border, side + 2 * border), colour)
    framed.paste(Image.fromarray(np.ascontiguousarray(pixels)).resize((side, side), Image.Resampling.BILINEAR), (border, border))
    return framed


def draw_rows(shown: Triage, members: NDArray[np.int64], title: str, path: Path) -> None:
    """One row each of easy (green), hard (red) and need review (orange) samples with their temperatures, as PNG."""
    cell, line = _SIDE + 2 * _BORDER + _GAP, _SIDE + 2 * _BORDER + _CAPTION + _GAP
    foremost = {code: shown.foremost(members, code) for code in (EASY, HARD, NEED_REVIEW)}
    heights = [line if len(chosen) else _EMPTY for chosen in foremost.values()]
    sheet = Image.new("RGB", (_HEADING + SHOWN * cell + _GAP, 40 + sum(heights)), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    pen.text((_GAP, 10), title, "black", ImageFont.load_default(18))
    for place, (code, chosen) in enumerate(foremost.items()):
        top = 40 + sum(heights[:place])
        middle = top + (_SIDE / 2 - 16 if len(chosen) else 0)
        pen.multiline_text((_GAP, middle), f"{TRIAGE_NAMES[code]}\n{len(chosen) or 'none'}", COLOURS[code], font)
        for column, row in enumerate(chosen[:SHOWN]):
            left = _HEADING + column * cell
            sheet.paste(bordered(shown.picture(int(row)), _SIDE, _BORDER, COLOURS[code]), (left, top))
            pen.text((left + _BORDER, top + _SIDE + 2 * _BORDER + 2), _caption(shown, int(row), code), "black", font)
    save_png(sheet, path)


def _caption(shown: Triage, row: int, code: int) -> str:
    final = f"{shown.summary.final[row]:.2f}"
    # In words: Pillow's own font has no arrow.
    return f"{shown.summary.highest[row]:.2f} to {final}" if code == NEED_REVIEW else final


def save_png(image: Image.Image, path: Path) -> None:
    """Write atomically."""
    with replacing(path) as temporary:
        image.save(temporary, "PNG")
