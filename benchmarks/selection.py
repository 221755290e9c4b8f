"""Is a selection worth more than a random choice of the same size?

    python benchmarks/selection.py [--seeds 8]

VOC 2007 (TINYSIEVE_SHARED, else ../shared), features of the default backbone. For each seed a pool of four fifths of the train
photos is drawn; each way chooses 10, 25 and 50 % of it, a ridge classifier learns on what was chosen and answers the frozen test
photos. Every way is held against the random choice from the same pool. Twice: with VOC's labels, and with wrong ones planted at
Wake Vision's rates before the choice. Writes benchmarks/results/selection.json, prints Markdown.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits
from voc2007 import RATES, announce, open_run

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.filter import Evidence
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.selection import registry
from tinysieve.filtering.selection.choose import choose
from tinysieve.filtering.selection.settings import Selection, Step
from tinysieve.filtering.selection.way import Rows, Way
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import silent
from tinysieve.pipeline.engine.stages import run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.embed import features_of
from tinysieve.pipeline.stages.ingest import samples_of

RESULT = Path(__file__).parent / "results" / "selection.json"
# Best of 300 to 10,000 on half of the train photos.
PENALTY = 1000.0
BUDGETS = (0.1, 0.25, 0.5)
SETTINGS = {"labels as they come": (0.0, 0.0), "Wake Vision's rates planted": RATES["wake_vision_rates"]}
WAYS: dict[str, tuple[Step, ...]] = {
    "random": (Step("random"),),
    "uniqueness": (Step("uniqueness"),),
    "representativeness": (Step("representativeness"),),
    "uniqueness (keeps 30 %), representativeness": (Step("uniqueness", 0.3), Step("representativeness")),
    "coverage": (Step("coverage"),),
    "label_quality": (Step("label_quality"),),
    "label_quality (keeps 80 %), coverage": (Step("label_quality", 0.8), Step("coverage")),
    "label_quality (keeps 80 %), random": (Step("label_quality", 0.8), Step("random")),
    "uncertainty": (Step("uncertainty"),),
    "label_quality (keeps 80 %), uncertainty": (Step("label_quality", 0.8), Step("uncertainty")),
}


@dataclass(frozen=True)
class Known:
    """The evidence that selections read, of one pool."""

    features: NDArray[np.floating]
    neighbors: Neighbors
    p_positive: NDArray[np.float32]


class Remembered(Way):
    """A way that orders the same rows once for all budgets."""

    def __init__(self, way: Way) -> None:
        self.way, self.orders = way, {}

    def order(self, evidence: Evidence, rows: Rows, labels: Codes, rng: np.random.Generator) -> Rows:
        """See `Way`."""
        key = rows.tobytes()
        if key not in self.orders:
            self.orders[key] = self.way.order(evidence, rows, labels, rng)
        return self.orders[key]


def taught(features: NDArray[np.floating], labels: Codes, test: NDArray[np.floating], truth: Codes) -> tuple[float, float]:
    """Accuracy and AUROC on the test photos of a classifier taught on these."""
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-3
    model = RidgeClassifier(alpha=PENALTY).fit((features - mean) / spread, labels)
    margin = model.decision_function((test - mean) / spread)
    return float(((margin > 0) == truth).mean()), float(roc_auc_score(truth, margin))


def one_seed(seed: int, features: NDArray[np.floating], given: Codes, test: NDArray[np.floating], truth: Codes) -> dict[str, Any]:
    """Accuracy and AUROC by budget and way, from one pool."""
    rng = np.random.default_rng(seed)
    pool = np.sort(rng.choice(len(features), round(0.8 * len(features)), replace=False))
    mine, labels = features[pool], given[pool]
    known = Known(mine, nearest(mine, 3, len(mine), silent),
                  out_of_fold_probabilities(mine, labels, 5, np.random.default_rng(seed)))
    made: dict[str, Any] = {}
    # Another pool has other orders.
    registry.WAYS.update({name: Remembered(getattr(way, "way", way)) for name, way in registry.WAYS.items()})
    for budget in BUDGETS:
        for name, steps in WAYS.items():
            again = np.random.default_rng(seed)
            rows = choose(Selection(budget, steps), cast(Evidence, known), labels, np.arange(len(pool)), again)
            made[f"{budget:g} {name}"] = taught(mine[rows], labels[rows], test, truth)
    made["1 all"] = taught(mine, labels, test, truth)
    return made


def noisy(labels: Codes, rates: tuple[float, float], rng: np.random.Generator) -> Codes:
    """Labels with wrong ones planted."""
    wrong = rng.random(len(labels)) < np.asarray(rates)[labels]
    return np.where(wrong, 1 - labels, labels).astype(np.int8)


def summary(seeds: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over seeds, and the difference to the random choice with the standard error of its mean."""
    table: dict[str, Any] = defaultdict(dict)
    for key in seeds[0]:
        budget, _, name = key.partition(" ")
        values = np.array([seed[key] for seed in seeds])
        row = {"accuracy": round(float(values[:, 0].mean()), 4), "auroc": round(float(values[:, 1].mean()), 4)}
        if name != "all":
            beside = values - np.array([seed[f"{budget} random"] for seed in seeds])
            error = beside.std(axis=0, ddof=1) / np.sqrt(len(seeds)) if len(seeds) > 1 else np.zeros(2)
            row |= {"accuracy_over_random": round(float(beside[:, 0].mean()), 4), "standard_error": round(float(error[0]), 4),
                    "auroc_over_random": round(float(beside[:, 1].mean()), 4), "auroc_standard_error": round(float(error[1]), 4)}
        table[budget][name] = row
    return dict(table)


def show(setting: str, table: dict[str, Any]) -> None:
    """A Markdown table of accuracies, each with its difference to the random choice in points."""
    print(f"\n{setting}\n\n| way | " + " | ".join(f"{budget:.0%} of the photos" for budget in BUDGETS) + " |")
    print("|---" * (len(BUDGETS) + 1) + "|")
    for name in WAYS:
        cells = []
        for budget in BUDGETS:
            row = table[f"{budget:g}"][name]
            cells.append(f"{row['accuracy']:.3f} ({100 * row['accuracy_over_random']:+.1f} ± {100 * row['standard_error']:.1f})")
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(f"all: {table['1']['all']['accuracy']:.3f}", flush=True)


def main() -> None:
    """Both settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--settings", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    args = parser.parse_args()
    run = open_run("clean")
    run_stages(run, [stage for stage in stages_until(run.config, "embed") if stage.name in ("ingest", "embed")], announce)
    samples, features = samples_of(run), np.asarray(features_of(run), np.float32)
    train, test = (np.flatnonzero(samples.in_split(split) & (samples.labels > UNLABELED)) for split in ("train", "test"))
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for setting in args.settings:
        seeds: list[dict[str, Any]] = []
        for seed in range(args.seeds):
            given = noisy(samples.labels[train], SETTINGS[setting], np.random.default_rng(1000 + seed))
            with threadpool_limits(1):
                seeds.append(one_seed(seed, features[train], given, features[test], samples.labels[test]))
            results[setting] = {"pools": len(seeds), "photos": round(0.8 * len(train)), "test": len(test)} | summary(seeds)
            write_text(RESULT, json.dumps(results, indent=1) + "\n")
            print(setting, seed, flush=True)
        show(setting, results[setting])


if __name__ == "__main__":
    main()
