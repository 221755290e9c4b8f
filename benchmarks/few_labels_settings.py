"""How the consensus's settings for few labels were chosen: one changed at a time, on plantings that no table reports.

    python benchmarks/few_labels_settings.py [--plantings 10]

The draws of benchmarks/few_labels.py with other seeds (0 to 9) and YOLO11n's boxes; results go to
benchmarks/results/few_labels_settings.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from few_labels import RATES, Facts, judged, labels_after, nobody, opinions_of, sources, summary
from few_labels_inputs import YOLO, Draw, planted

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.decisions.consensus import Consensus, weigh
from tinysieve.filtering.decisions.weight_prior import best_known
from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "few_labels_settings.json"
SIZES = ("300", "800", "coco256")
SHIPPED = Consensus()
# What differs from what ships, and whether the presence head is heard beside the boxes.
CHOICES: dict[str, tuple[Consensus, bool]] = {
    "as it ships": (SHIPPED, True), "prior_photos: 0": (Consensus(prior_photos=0), True),
    "prior_photos: 100": (Consensus(prior_photos=100), True), "prior_photos: 1000": (Consensus(prior_photos=1000), True),
    "harm: 2": (Consensus(harm=2), True), "harm: 2.5": (Consensus(harm=2.5), True),
    "flip_signals: 2": (Consensus(flip_signals=2), True), "presence_head: false": (SHIPPED, False)}


def made_with(draw: Draw, policy: Consensus, with_head: bool) -> Codes:
    """Labels after the consensus under these settings."""
    scores = draw.scores(YOLO, with_head)
    beliefs = weigh(scores, draw.given, draw.given >= 0, nobody(draw), best_known(draw.known, scores), policy.prior_photos)
    plan = policy.decide(opinions_of(draw, YOLO), beliefs, draw.given, np.ones(len(draw.given), bool))
    return labels_after(draw, plan)


def main() -> None:
    """Every size and rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plantings", type=int, default=10)
    plantings = parser.parse_args().plantings
    by_size, results = sources(), dict[str, Facts]()
    for size in SIZES:
        for rate, shares in RATES.items():
            drawn = [(seed, *by_size[size](seed)) for seed in range(plantings)]
            draws = [planted(pool, shares, seed, known) for seed, pool, known in drawn]
            results[f"{size}, {rate}"] = {name: summary([judged(draw, made_with(draw, *choice)) for draw in draws])
                                          for name, choice in CHOICES.items()}
            write_text(RESULT, json.dumps(results, indent=1) + "\n")
            for name, row in results[f"{size}, {rate}"].items():
                print(size, rate, name, {key: value["mean"] for key, value in row.items()}, flush=True)


if __name__ == "__main__":
    main()
