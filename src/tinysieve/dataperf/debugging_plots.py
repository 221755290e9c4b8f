"""Pictures of the debugging benchmark: accuracy against inspected rows, and how soon against how long it took."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinysieve.dataperf.debugging import CleaningCurve, TaskEvaluation
from tinysieve.dataperf.debugging_setup import DebuggingSetup, TaskSetup
from tinysieve.dataperf.submissions import read_seconds
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError

OVERALL = "fraction_fixes_speed"
_NAMES = {"mc_shapley": "TMC Shapley x100", "neighbor_shapley (datascope)": "DataScope Shapley", "random": "Random",
          "influence_function": "Influence Function", "influence_function_corrected": "Influence Function, corrected"}
_MARKERS, _COLOURS = "osD^vP*X<>", 10
_STYLE: Any = {"svg.hashsalt": "tinysieve", "svg.fonttype": "none", "font.size": 9.5, "axes.spines.top": False,
               "axes.spines.right": False, "axes.grid": True, "grid.linewidth": 0.5, "grid.alpha": 0.5,
               "axes.axisbelow": True, "legend.frameon": False, "text.parse_math": False}


def shown_name(method: str) -> str:
    """What the legend calls a method; the published names where there are."""
    return _NAMES.get(method, method)


def read_evaluation(path: Path, data_id: str) -> TaskEvaluation:
    """Read a result file, ours or the original's.

    Raises:
        InputError: missing, not JSON, or without the keys; names the file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        points: dict[str, list[tuple[float, int]]] = {}
        for point in data["submitted_evaluations"]:
            points.setdefault(point["submission"], []).append((float(point["accuracy"]), int(point["fixes"])))
        before = float(data["before_acc"])
    except FileNotFoundError as error:
        raise InputError("no result of this task", where=str(path), fix="run 'tinysieve dataperf debugging' first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"not a result file of the debugging benchmark: {error!r}", where=str(path)) from error
    curves = [CleaningCurve(method, tuple(y for y, _ in curve), tuple(x for _, x in curve)) for method, curve in points.items()]
    # Result files do not hold the accuracy of the true labels; lists that are whole end there.
    return TaskEvaluation(data_id, before, max(curve.accuracies[-1] for curve in curves) if curves else before, tuple(curves))


def plot_task(folder: Path, evaluation: TaskEvaluation, colours: Mapping[str, str]) -> list[Path]:
    """Draw `{data_id}_evaluation.png` and `.svg`: a curve a submission, dashed the accuracy before cleaning.

    Args:
        folder: for the pictures.
        evaluation: of the task.
        colours: of the methods.
    """
    def paint(axes: Axes) -> None:
        axes.axhline(evaluation.accuracy_before, color="0.45", linestyle="--", linewidth=1.2,
                     label=f"before cleaning ({evaluation.accuracy_before:.2f})")
        for curve in evaluation.curves:
            steps = range(1, len(curve.accuracies) + 1)
            axes.plot(steps, curve.accuracies, linewidth=1.3, color=colours[curve.method],
                      label=f"{shown_name(curve.method)} (score={curve.fraction_fixes:.4f})")
        axes.set(xlabel="rows inspected", ylabel="test accuracy", title=f"Task {evaluation.data_id}")
        axes.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1.01, 1.0))

    return _draw(folder, f"{evaluation.data_id}_evaluation", (9.0, 4.2), paint)


def plot_overall(folder: Path, setup: DebuggingSetup, evaluations: Sequence[TaskEvaluation],
                 colours: Mapping[str, str]) -> list[Path]:
    """Draw `fraction_fixes_speed.png` and `.svg`: share of inspections against seconds, a colour a method, a marker a task.

    A submission without a time file is left out. Nothing is drawn where no submission has one.
    """
    seconds = {(evaluation.data_id, curve.method): read_seconds(setup.submission_folder, evaluation.data_id, curve.method)
               for evaluation in evaluations for curve in evaluation.curves}
    timed = {key: value for key, value in seconds.items() if value is not None and value > 0}
    if not timed:
        return []
    return _draw(folder, OVERALL, (7.6, 4.2), lambda axes: _scatter(axes, evaluations, timed, colours))


def _scatter(axes: Axes, evaluations: Sequence[TaskEvaluation], seconds: Mapping[tuple[str, str], float],
             colours: Mapping[str, str]) -> None:
    for place, task in enumerate(evaluations):
        for curve in task.curves:
            if (task.data_id, curve.method) in seconds:
                axes.plot(seconds[task.data_id, curve.method], curve.fraction_fixes, _MARKERS[place % len(_MARKERS)],
                          color=colours[curve.method], markersize=7, alpha=0.85, linestyle="none")
    for method in sorted({method for _, method in seconds}):
        axes.plot([], [], "-", color=colours[method], linewidth=5, label=shown_name(method))
    for place, task in enumerate(evaluations):
        axes.plot([], [], _MARKERS[place % len(_MARKERS)], color="0.35", linestyle="none", label=task.data_id)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set(xlabel="seconds to rank", ylabel="share of inspections until 95 % of the last accuracy",
             title="Lower is better, left is faster", ylim=(-0.03, None))
    axes.legend(fontsize=8.5, loc="upper left", bbox_to_anchor=(1.01, 1.0))


def _draw(folder: Path, name: str, inches: tuple[float, float], paint: Callable[[Axes], None]) -> list[Path]:
    paths = [folder / f"{name}.png", folder / f"{name}.svg"]
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=inches, layout="constrained")
        paint(figure.add_subplot())
        for path in paths:
            with replacing(path) as temporary:
                kind = path.suffix.removeprefix(".")
                figure.savefig(temporary, format=kind, dpi=130, metadata={"Date": None} if kind == "svg" else None)
    return paths


def plot_results(setup: DebuggingSetup, tasks: Sequence[TaskSetup]) -> list[Path]:
    """Draw every task's curves and the overall figure into the results folder; gives the files."""
    folder = setup.results_folder
    evaluations = [read_evaluation(folder / f"{task.data_id}_evaluation.json", task.data_id) for task in tasks]
    methods = sorted({curve.method for evaluation in evaluations for curve in evaluation.curves})
    colours = {method: f"C{place % _COLOURS}" for place, method in enumerate(methods)}
    drawn = [path for evaluation in evaluations for path in plot_task(folder, evaluation, colours)]
    return drawn + plot_overall(folder, setup, evaluations, colours)
