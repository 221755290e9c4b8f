"""Is a selection worth more than a random choice to the network that ships? MCUNet fine-tuned on what each way chooses.

    python benchmarks/selection_network.py [--seeds 3]

583 of VOC 2007's 733 validation photos are chosen from: no label of theirs taught the starting weights. The recipe `finetune`
learns from a quarter or half of them, or from all; the other 150 choose the epoch, the 797 test photos judge the int8 model.
Twice: with VOC's labels, and with wrong ones planted at Wake Vision's rates before the choice. A seed plants, draws and trains
anew; photos that choose and judge stay the same.
Writes benchmarks/results/selection_network.json after each training; a finished one is not made again.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from few_labels_network import Photos, train_and_answer
from own_photos import TUNED
from selection import SETTINGS, WAYS, Known, noisy
from starting_weights import figures

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.filter import Evidence
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.selection.choose import choose
from tinysieve.filtering.selection.settings import Selection, Step
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import silent

RESULT = Path(__file__).parent / "results" / "selection_network.json"
BUDGETS = (0.25, 0.5)
JUDGED = ("random", "coverage", "label_quality (keeps 80 %), uncertainty", "uniqueness (keeps 30 %), representativeness")
ALL = "1 all"


@dataclass(frozen=True, eq=False)
class Offered:
    """The photos that may be chosen, as one seed sees them.

    Args:
        known: evidence of the T photos.
        labels: int8 [T], with the planted errors.
        truth: int8 [T].
    """

    known: Known
    labels: Codes
    truth: Codes

    @classmethod
    def of(cls, photos: Photos, setting: str, seed: int) -> Offered:
        """Plants the setting's errors and lets the classifier judge the labels out of fold."""
        features, truth = photos.pool.features[photos.teach], photos.pool.truth[photos.teach]
        labels = noisy(truth, SETTINGS[setting], np.random.default_rng(1000 + seed))
        seen = out_of_fold_probabilities(features, labels, 5, np.random.default_rng(seed))
        return cls(Known(features, nearest(features, 3, len(features), silent), seen), labels, truth)

    def chosen(self, budget: float, steps: tuple[Step, ...], seed: int) -> np.ndarray:
        """Rows of the T photos that the program's own `policy.select` keeps."""
        return choose(Selection(budget, steps), cast(Evidence, self.known), self.labels, np.arange(len(self.labels)),
                      np.random.default_rng(seed))


def plan(offered: Offered, seed: int) -> dict[str, np.ndarray]:
    """What each training learns from, by budget and way: all photos, then each choice."""
    return {ALL: np.arange(len(offered.labels))} | {f"{budget:g} {way}": offered.chosen(budget, WAYS[way], seed)
                                                    for budget in BUDGETS for way in JUDGED}


def trained(photos: Photos, offered: Offered, rows: np.ndarray, seed: int) -> dict[str, Any]:
    """One training: how many of its labels were wrong, and what it is right about; `right` has a bit a test photo."""
    labels = offered.labels[rows]
    taught, answers = train_and_answer(photos, photos.teach[rows], labels, seed)
    wrong, right = int((labels != offered.truth[rows]).sum()), np.packbits(answers == photos.test_truth).tobytes().hex()
    return taught | {"wrong_labels": wrong} | figures(answers, photos.test_truth) | {"right": right}


def main() -> None:
    """Every training that has no result yet, one seed after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    photos = Photos.read()
    for seed in range(options.seeds):
        for setting in SETTINGS:
            offered = Offered.of(photos, setting, seed)
            for name, rows in plan(offered, seed).items():
                done = results.setdefault(setting, {}).setdefault(name, {})
                place = f"seed {seed}, {TUNED.digest}"
                if place not in done:
                    done[place] = trained(photos, offered, rows, seed)
                    write_text(RESULT, json.dumps(results, indent=1) + "\n")
                    print(f"\n{setting}, {name}, {place}: {done[place]['accuracy']:.4f}", flush=True)


if __name__ == "__main__":
    main()
