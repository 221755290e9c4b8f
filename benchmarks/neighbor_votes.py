"""Are neighbours worth a vote? Planted errors on VOC 2007's train split, with and without them as a third signal.

    python benchmarks/neighbor_votes.py [--seeds 3]

Needs the real data folder (TINYSIEVE_SHARED, else ../shared). Labels as in benchmarks/voc2007.py (20 % hidden, wrong ones
planted at Wake Vision's rates, at 25 % each way, and none at all), drawn with seeds of its own; the same boxes, features and
policy. Means over the seeds go to benchmarks/results/neighbor_votes.json.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from voc2007 import HIDDEN, RATES, announce, count_outcome, open_run, true_labels

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.policy import TwoSignals
from tinysieve.filtering.evidence.boxes import align
from tinysieve.filtering.evidence.crop_rule import RULES, Presence, presence
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.filters.disagreement import disagreement
from tinysieve.filtering.filters.neighbor_agreement import neighbor_agreement, positive_share
from tinysieve.filtering.filters.out_of_fold import OutOfFold
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.filters.pseudo_label import pseudo_label
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.detect import DETECTIONS
from tinysieve.pipeline.stages.embed import EMBED, EMBEDDINGS
from tinysieve.pipeline.stages.ingest import samples_of

RESULT = Path(__file__).parent / "results" / "neighbor_votes.json"
SEEDS_FROM = 1
K, SEARCHED = 20, 40
SURE = (0.7, 0.8, 0.9)
NOISE = RATES | {"nothing_planted": (0.0, 0.0)}


def plant(truth: Codes, trained_on: NDArray[np.bool_], rates: tuple[float, float], seed: int) -> Codes:
    """Given labels int8 [N]: in the rows `trained_on` a fifth hidden, wrong ones planted; the others as they are."""
    hide, draw = np.random.default_rng(seed).random((2, len(truth)))
    hidden = hide < HIDDEN
    wrong = ~hidden & (draw < np.array(rates)[truth])
    noisy = np.where(hidden, np.int8(UNLABELED), np.where(wrong, 1 - truth, truth))
    return np.where(trained_on, noisy, truth).astype(np.int8)


def see(run: Run, samples: SampleTable) -> Presence:
    """What the boxes show."""
    examined, boxes = align(DETECTIONS.of(run), samples.sample_ids)
    return presence(boxes, examined, samples.numbers("width"), samples.numbers("height"), RULES["any"],
                    run.config.filter.boxes.negative)


def two_signals(run: Run, seen: Presence, features: np.ndarray, given: Codes,
                trusted: Codes) -> tuple[list[Opinions], np.ndarray]:
    """The default's signals, boxes and out-of-fold classifier, and the latter's P(person)."""
    filters = run.config.filter
    limits = filters.boxes
    p_positive = out_of_fold_probabilities(features, trusted, filters.folds, np.random.default_rng(0))
    return [disagreement(seen, given, limits, "boxes"), pseudo_label(seen, given, limits, "boxes"),
            probable_label(p_positive, "out_of_fold", "out_of_fold", filters.of(OutOfFold).sure)], p_positive


def outcome(opinions: list[Opinions], given: Codes, truth: Codes, eligible: np.ndarray) -> dict[str, float]:
    """What the default policy does with these opinions; F1 of changes counts a drop as found."""
    plan = TwoSignals().decide(opinions, given, eligible)
    made = given.copy()
    made[plan.decisions.rows] = plan.decisions.new_labels
    found = count_outcome(given[eligible], made[eligible], truth[eligible])
    changed = eligible & (given >= 0) & (made != given)
    wrong = eligible & (given >= 0) & (given != truth)
    after = found["left"] + found["newly_wrong"]
    return {"f1_of_changes": 2 * (changed & wrong).sum() / max(changed.sum() + wrong.sum(), 1),
            "wrong_afterwards_per_planted": after / max(found["planted"], 1), "wrong_afterwards": after,
            "dropped_share": (found["dropped"] + found["right_but_dropped"]) / (given[eligible] >= 0).sum(),
            "changed_share": changed.sum() / (given[eligible] >= 0).sum(),
            "pseudo_labels": found["pseudo_labels"], "pseudo_label_accuracy": found["pseudo_label_accuracy"],
            "review": len(plan.review)}


def rankings(near: Neighbors, trusted: Codes, truth: Codes, p_positive: np.ndarray) -> dict[str, float]:
    """AUROC of planted errors among the labelled by each score, 1 all errors first."""
    rows = np.flatnonzero(trusted >= 0)
    wrong = (trusted != truth)[rows]
    if not wrong.any():
        return {}
    voters = near.among(trusted >= 0)
    share = positive_share(voters, trusted, K)[0]
    scores = {"out_of_fold": np.where(trusted == 1, 1 - p_positive, p_positive),
              "neighbor_share": np.where(trusted == 1, 1 - share, share), "knn_shapley": -knn_shapley(voters, trusted, K)}
    return {f"auroc_{name}": float(roc_auc_score(wrong, score[rows])) for name, score in scores.items()}


def main() -> None:
    """All noise settings and seeds; prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = range(SEEDS_FROM, SEEDS_FROM + parser.parse_args().seeds)
    run = open_run("clean")
    run_stages(run, stages_until(run.config, EMBED.name), announce)
    samples, truth = samples_of(run), true_labels(run)
    features = read_embeddings(EMBEDDINGS.path(run), len(samples))
    near, seen = nearest(features, SEARCHED, len(samples), lambda done, total: None), see(run, samples)
    eligible, table = samples.in_split("train", "unlabeled"), {}
    for setting, rates in NOISE.items():
        rows: dict[str, list[dict[str, float]]] = {}
        for seed in seeds:
            given = plant(truth, eligible, rates, seed)
            trusted = np.where(samples.in_split("train"), given, np.int8(UNLABELED))
            opinions, p_positive = two_signals(run, seen, features, given, trusted)
            voters = near.among(trusted >= 0)
            rows.setdefault("rankings", []).append(rankings(near, trusted, truth, p_positive))
            rows.setdefault("boxes, out-of-fold", []).append(outcome(opinions, given, truth, eligible))
            for sure in SURE:
                third = neighbor_agreement(voters, trusted, K, sure, "neighbors")
                same = replace(third, signal=opinions[2].signal)
                for name, heard in ((f"boxes, neighbours at {sure}", [*opinions[:2], third]),
                                    (f"three signals, at {sure}", [*opinions, third]),
                                    (f"one with out-of-fold, {sure}", [*opinions, same])):
                    rows.setdefault(name, []).append(outcome(heard, given, truth, eligible))
        table[setting] = {name: {key: round(float(np.mean([one[key] for one in many])), 4) for key in many[0]}
                          for name, many in rows.items()}
        print(setting)
        for name, values in table[setting].items():
            print(f"  {name:<29}", "  ".join(f"{key} {value:g}" for key, value in values.items()), flush=True)
    RESULT.write_text(json.dumps({"k": K, "seeds": list(seeds), "means": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
