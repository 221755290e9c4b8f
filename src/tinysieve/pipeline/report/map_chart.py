"""The report's map of the data, coloured by label and by what changed."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, ClassNames
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.engine.words import count
from tinysieve.pipeline.report.data_map import DataMap, make_map
from tinysieve.pipeline.report.figures import BAD, BASELINE, INK, MENDED, Chart, draw
from tinysieve.pipeline.stages.embed import EMBEDDINGS

# Words, bool [n], colour, marker, its size in points, opacity.
Group = tuple[str, NDArray[np.bool_], str, str, float, float]


def map_of(run: Run, samples: SampleTable, first: Version, last: Version) -> DataMap | None:
    """The map of a run; None where its features are not there any more."""
    path = EMBEDDINGS.path(run)
    if not path.exists():
        return None
    return make_map(read_embeddings(path, len(samples)), first.labels, last.labels, run.config.seed)


def map_charts(data: DataMap, classes: ClassNames) -> tuple[Chart, Chart]:
    """By label now, and by what changed since version 0; shapes differ too, for eyes and printers without colours."""
    shown = f"{count(len(data.rows), 'image', 'images')} of {count(data.total)}, near each other where they look alike; "
    return (_chart("map-label", "by label now", shown, data, _by_label(data, classes)),
            _chart("map-change", "by what changed", shown, data, _by_change(data, classes)))


def _by_label(data: DataMap, classes: ClassNames) -> list[Group]:
    after = data.after
    return [(classes.negative, after == NEGATIVE, BASELINE, "o", 2.6, 0.9),
            (classes.positive, after == POSITIVE, MENDED, "o", 2.6, 0.9),
            ("no label or dropped", after < NEGATIVE, INK, "x", 3.2, 0.9)]


def _by_change(data: DataMap, classes: ClassNames) -> list[Group]:
    before, after = data.before, data.after
    changed = before != after
    gone = changed & (after == DROPPED)
    return [("as it came", ~changed, BASELINE, "o", 2.2, 0.4),
            (f"to {classes.negative}", changed & (after == NEGATIVE), BAD, "v", 5.0, 1.0),
            (f"to {classes.positive}", changed & (after == POSITIVE), MENDED, "^", 5.0, 1.0),
            ("dropped", gone, INK, "x", 4.4, 1.0),
            ("label taken away", changed & ~gone & (after < NEGATIVE), INK, "+", 5.0, 1.0)]


def _chart(name: str, title: str, shown: str, data: DataMap, groups: list[Group]) -> Chart:
    present = [group for group in groups if group[1].any()]
    words = ", ".join(f"{words} {count(int(rows.sum()))}" for words, rows, *_ in present)

    def paint(axes: Axes) -> None:
        for words, rows, colour, marker, size, alpha in present:
            x, y = data.places[rows].T
            axes.plot(x, y, marker, color=colour, markersize=size, alpha=alpha, markeredgewidth=0.9 if marker in "x+" else 0.0,
                      label=f"{words} ({count(int(rows.sum()))})")
        axes.set(xticks=[], yticks=[], title=title)
        axes.grid(visible=False)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.legend(ncols=2, loc="upper left", bbox_to_anchor=(-0.02, 0.0), markerscale=1.6, handletextpad=0.3)

    return draw(name, f"Map of {shown}{title}: {words}", 4.6, paint)
