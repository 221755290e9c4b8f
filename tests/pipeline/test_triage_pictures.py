"""Pictures of a triage: each sample inside the border of its kind, the foremost first, the same bytes twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor, ImageDraw, ImageFont

from tinysieve.filtering.data_parameters.trajectories import summarise
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW, RULES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion
from tinysieve.pipeline.pictures.trajectories import draw_triage
from tinysieve.pipeline.pictures.triage import COLOURS, Triage, bordered, draw_rows

# Three easy, two hard and one that rose and fell, of one class; the second class has one easy sample.
TRAJECTORIES = np.float16([[1, 0.9, 0.8], [1, 0.9, 0.7], [1, 1, 0.9], [1, 2, 3], [1, 3, 4], [1, 2.8, 0.8], [1, 0.9, 0.9]])


def shown() -> Triage:
    summary = summarise(TRAJECTORIES, -1)
    # Sample i is a flat grey of 30 * i, so that a picture tells which it is.
    return Triage(lambda one: np.full((8, 8, 3), 30 * one, np.uint8), np.array([0, 0, 0, 0, 0, 0, 1]), ("cat", "big dog"),
                  triage(summary, RULES["tsne_plots"]), summary, suspicion(summary), TRAJECTORIES, 2)


def test_the_foremost_are_the_coolest_the_hottest_and_the_widest() -> None:
    members = np.arange(6)
    assert [shown().foremost(members, code).tolist() for code in (EASY, HARD, NEED_REVIEW)] == [[1, 0, 2], [4, 3], [5]]


def test_rows_hold_pictures_inside_the_colours_of_their_kind(tmp_path: Path) -> None:
    draw_rows(shown(), np.arange(6), "labelled cat", tmp_path / "rows.png")
    pixels = np.asarray(Image.open(tmp_path / "rows.png").convert("RGB")).astype(int)
    first_of_row = {EASY: 1, HARD: 4, NEED_REVIEW: 5}
    for code, sample in first_of_row.items():
        border = (pixels == ImageColor.getrgb(COLOURS[code])).all(axis=2)
        # The heading has the colour too; the first picture's border is the longest upright line of it.
        column = int(border.sum(axis=0).argmax())
        middle = int(np.flatnonzero(border[:, column]).mean())
        assert pixels[middle, column + 30].tolist() == [30 * sample] * 3


def test_a_kind_that_nobody_is_of_takes_a_line_and_no_row(tmp_path: Path) -> None:
    for name, members in (("all", np.arange(6)), ("easy", np.arange(3))):
        draw_rows(shown(), members, "labelled cat", tmp_path / f"{name}.png")
    full, short = (np.asarray(Image.open(tmp_path / f"{name}.png")).shape[0] for name in ("all", "easy"))
    assert short < full - 2 * 64


def test_what_is_written_on_pictures_has_glyphs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pillow's own font draws a box for what it does not know, such as an arrow."""
    written: list[str] = []
    for name in ("text", "multiline_text"):
        draw = getattr(ImageDraw.ImageDraw, name)
        monkeypatch.setattr(ImageDraw.ImageDraw, name, lambda self, place, words, *rest, draw=draw, **more: (
            written.append(words), draw(self, place, words, *rest, **more)))
    draw_triage(shown(), tmp_path, seed=0)
    font = ImageFont.load_default(20)
    unknown = bytes(font.getmask("\N{RIGHTWARDS ARROW}"))
    assert "2.80 to 0.80" in written
    assert {letter for letter in "".join(written) if letter.strip() and bytes(font.getmask(letter)) == unknown} == set()


def test_a_border_goes_all_around() -> None:
    made = np.asarray(bordered(np.zeros((4, 4, 3), np.uint8), 10, 2, "#ff0000"))
    assert made.shape == (14, 14, 3)
    red = (made == (255, 0, 0)).all(axis=2)
    assert red.sum() == 14 * 14 - 10 * 10
    assert not red[2:-2, 2:-2].any()


def test_all_pictures_of_all_classes_and_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        draw_triage(shown(), tmp_path / name, seed=0)
    expected = {"rows-cat.png", "rows-big-dog.png", "map-cat.png", "map-big-dog.png", "trajectories.png"}
    assert {path.name for path in (tmp_path / "one").iterdir()} == expected
    for name in expected:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
