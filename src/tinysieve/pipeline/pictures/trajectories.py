"""Pictures of trajectories: where samples lie by how their temperatures went (t-SNE), and how some of them went."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.data_parameters.triage import EASY, HARD, NEED_REVIEW, TRIAGE_NAMES
from tinysieve.ground.atomic_files import replacing
from tinysieve.pipeline.pictures.triage import COLOURS, Triage, bordered, draw_rows, save_png

CROWD = 450
_CANVAS, _THUMB, _THUMB_BORDER, _MARGIN, _HEAD = 1500, 40, 4, 30, 70
# As the published plots have it, where there are samples enough.
_PERPLEXITY = 50
_LINES = 4


def draw_triage(shown: Triage, folder: Path, seed: int, map_every: int = 1) -> None:
    """All pictures of a triage: rows of every class, a map of each `map_every`-th class, and the chosen trajectories."""
    for number, (name, members) in enumerate(shown.classes()):
        file = name.replace(" ", "-")
        heading = f"labelled {name}, with temperatures at the end (need review: from the highest to the end)"
        draw_rows(shown, members, heading, folder / f"rows-{file}.png")
        if number % map_every == 0:
            title = f"labelled {name}: t-SNE of the temperatures' trajectories"
            draw_map(shown, members, title, folder / f"map-{file}.png", seed)
    title = "temperatures: the foremost of each kind (thin, pictured) and its median (wide)"
    draw_trajectories(shown, title, folder / "trajectories.png")


def draw_map(shown: Triage, members: NDArray[np.int64], title: str, path: Path, seed: int) -> None:
    """t-SNE of the trajectories of a class, each sample as a thumbnail with the border of its triage, as PNG.

    At most CROWD samples: up to a third each of the hard and of those that need review, the rest easy ones at even distances.
    """
    chosen = _crowd(shown, members)
    places = _positions(np.log(np.asarray(shown.trajectories[chosen], np.float32)), seed)
    sheet = Image.new("RGB", (_CANVAS, _CANVAS + _HEAD), "white")
    _entitle(ImageDraw.Draw(sheet), title, shown.codes[members], shown.codes[chosen])
    # Easy ones first: what matters lies on top.
    for number in np.argsort(shown.codes[chosen] != EASY, kind="stable"):
        row = int(chosen[number])
        thumb = bordered(shown.picture(row), _THUMB, _THUMB_BORDER, COLOURS[int(shown.codes[row])])
        x, y = _MARGIN + places[number] * (_CANVAS - 2 * _MARGIN - _THUMB)
        sheet.paste(thumb, (round(x), round(y) + _HEAD))
    save_png(sheet, path)


def draw_trajectories(shown: Triage, title: str, path: Path) -> None:
    """Temperatures by epoch of a few samples of each triage, over the median of all of its kind, as PNG."""
    everyone, epochs = np.arange(len(shown.codes)), np.arange(1, shown.trajectories.shape[1] + 1)
    foremost = {code: shown.foremost(everyone, code) for code in (EASY, HARD, NEED_REVIEW)}
    kinds = {code: own for code, own in foremost.items() if len(own)}
    figure = Figure(figsize=(12, 5.2), layout="constrained")
    axes, *beside = figure.subplots(1, 1 + len(kinds), gridspec_kw={"width_ratios": (13 - len(kinds), *[1] * len(kinds))})
    for place, (code, own) in zip(beside, kinds.items(), strict=True):
        place.set_axis_off()
        axes.plot(epochs, _median(shown.trajectories, own), color=COLOURS[code], linewidth=4, alpha=0.35,
                  label=f"{TRIAGE_NAMES[code]}: median of {len(own):,}")
        for row in own[:_LINES]:
            axes.plot(epochs, shown.trajectories[row].astype(np.float32), color=COLOURS[code], linewidth=1.2)
        _stack(place, shown, own[:_LINES], code)
    _finish(axes, shown.epoch, title)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=110, metadata={"Software": None})


def _entitle(pen: ImageDraw.ImageDraw, title: str, everyone: Codes, chosen: Codes) -> None:
    """The title, and below it each kind in the colour of its borders with how many of it are drawn."""
    pen.text((10, 8), title, "black", ImageFont.load_default(22))
    font, left = ImageFont.load_default(19), 10.0
    for code in (EASY, HARD, NEED_REVIEW):
        total, drawn = int((everyone == code).sum()), int((chosen == code).sum())
        said = f"{TRIAGE_NAMES[code]}: {'none' if not total else f'{drawn:,}' if drawn == total else f'{drawn:,} of {total:,}'}"
        pen.rectangle((left, 43, left + 15, 58), fill=COLOURS[code])
        pen.text((left + 23, 39), said, COLOURS[code], font)
        left += 55 + pen.textlength(said, font)


def _crowd(shown: Triage, members: NDArray[np.int64]) -> NDArray[np.int64]:
    notable = [shown.foremost(members, code)[: CROWD // 3] for code in (HARD, NEED_REVIEW)]
    easy = members[shown.codes[members] == EASY]
    room = CROWD - sum(len(part) for part in notable)
    spread = easy[np.unique(np.linspace(0, len(easy) - 1, min(room, len(easy))).astype(np.int64))] if len(easy) else easy
    return np.sort(np.concatenate([*notable, spread]))


def _positions(trajectories: NDArray[np.float32], seed: int) -> NDArray[np.float64]:
    """float64 [n, 2] in [0, 1]."""
    from sklearn.manifold import TSNE

    count, epochs = trajectories.shape
    if count < 4 or epochs < 2 or not trajectories.std(axis=0).any():
        return np.stack([np.linspace(0, 1, count), np.full(count, 0.5)], axis=1)
    tsne = TSNE(n_components=2, learning_rate="auto", init="pca", perplexity=min(_PERPLEXITY, (count - 1) / 3), random_state=seed)
    made = tsne.fit_transform(trajectories).astype(np.float64)
    span = np.ptp(made, axis=0)
    return np.asarray((made - made.min(axis=0)) / np.where(span > 0, span, 1))


def _median(trajectories: NDArray[np.floating], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.array([np.median(trajectories[:, epoch][rows]) for epoch in range(trajectories.shape[1])])


def _stack(axes: Axes, shown: Triage, rows: NDArray[np.int64], code: int) -> None:
    """A column of thumbnails, one for each line of this colour, most extreme on top."""
    axes.imshow(np.vstack([np.asarray(bordered(shown.picture(int(row)), 96, 6, COLOURS[code])) for row in rows]))
    axes.set_title(TRIAGE_NAMES[code], fontsize=9, color=COLOURS[code])


def _finish(axes: Axes, epoch: int, title: str) -> None:
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.yaxis.set_minor_formatter(ScalarFormatter())
    axes.axhline(1, color="#888888", linewidth=0.8)
    axes.axvline(epoch + 1, color="#444444", linewidth=1, linestyle="--", label=f"read after epoch {epoch + 1}")
    axes.margins(x=0.01)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set(xlabel="epoch", ylabel="temperature (logits are divided by it)", title=title)
    axes.legend(loc="upper left", fontsize=9)
