"""The table of docs/filters.md that says what selections are worth to MCUNet."""

from __future__ import annotations

from statistics import fmean, stdev
from typing import Any

import numpy as np

from docsite.result_tables import percent, result, table
from tinysieve.ground.statistics import mcnemar_exact

RANDOM = "random"


def selection_network() -> str:
    """Each way beside the random choice of the same size; pairs of trainings share seed, planting and photos that judge."""
    rows = []
    for setting, trained in result("selection_network").items():
        for name, seeds in trained.items():
            budget, _, way = name.partition(" ")
            runs = list(seeds.values())
            wrong = fmean(run["wrong_labels"] for run in runs)
            rows.append((setting, f"{float(budget):.0%}", way, f"{runs[0]['photos']}", f"{wrong:g}", f"{len(runs)}",
                         percent(fmean(run["accuracy"] for run in runs)),
                         "" if way in (RANDOM, "all") else _beside(seeds, trained.get(f"{budget} {RANDOM}", {}))))
    return table(("labels", "budget", "way", "photos", "wrong labels", "seeds", "accuracy", "less random, points"), rows)


def _beside(seeds: dict[str, Any], random: dict[str, Any]) -> str:
    """Points over the random choice: with the standard error over seeds, or with one seed by McNemar's exact test."""
    pairs = [(run, random[seed]) for seed, run in seeds.items() if seed in random]
    points = [100 * (run["accuracy"] - other["accuracy"]) for run, other in pairs]
    if len(points) > 1:
        return f"{fmean(points):+.1f} ± {stdev(points) / len(points) ** 0.5:.1f}"
    if not pairs:
        return ""
    found = mcnemar_exact(*(_right(run) for run in pairs[0]))
    return f"{points[0]:+.1f} ({found.only_first_right} against {found.only_second_right} photos, p = {found.p_value:.2f})"


def _right(run: dict[str, Any]) -> np.ndarray:
    bits = np.unpackbits(np.frombuffer(bytes.fromhex(run["right"]), np.uint8))
    return np.asarray(bits[: run["images"]], bool)


SELECTION_TABLES = {"selection_network": selection_network}
