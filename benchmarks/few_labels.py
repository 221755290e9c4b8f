"""Who judges labels well where there are few: a few hundred photos to some thousand, nothing set anew in between.

    python benchmarks/few_labels.py [--parts labels looks calibration downstream] [--plantings 10] [--again]

Photos are drawn anew for each planting from a half of VOC 2007's train split, the halves in turn (300, 800 or 1,600 photos), or
are all 3,422 of it, or the 256 COCO photos. A fifth of the labels is hidden and wrong ones are planted: at Wake Vision's rates,
at 25 % each way, none. What is known of scores beforehand was learnt from other photos: the other half and val, val alone for
3,422, and what ships (train and val) for COCO's; see benchmarks/learn_weight_priors.py. Settings were chosen on plantings 0 to 9:
benchmarks/few_labels_settings.py.
Results go to benchmarks/results/few_labels.json; a finished row is not made again.

Two detectors: YOLO11n with the second look, and the shipped presence head (no download).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from cleanlab.filter import find_label_issues
from few_labels_inputs import HEAD, YOLO, Draw, Pool, coco_pool, drawn, joined, planted, voc_pools
from learn_weight_priors import learn_from
from sklearn.linear_model import LogisticRegression
from voc2007 import RATES as TWO_RATES

from tinysieve.dataset.classes import DROPPED, UNLABELED, Codes
from tinysieve.filtering.decisions.consensus import Beliefs, Consensus, weigh
from tinysieve.filtering.decisions.policy import Plan, TwoSignals
from tinysieve.filtering.decisions.weight_prior import KnownWeights, best_known, shipped
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.opinion import ABSTAIN, Opinions, opine
from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "few_labels.json"
RATES = TWO_RATES | {"nothing_planted": (0.0, 0.0)}
SIZES = ("300", "800", "1600", "3422", "coco256")
DETECTORS = {YOLO: "YOLO11n", HEAD: "shipped head"}
ASKED = (0, 20, 50, 100)
SEEDS_FROM = 100
Facts = dict[str, Any]


def nobody(draw: Draw) -> Codes:
    """Nobody has looked."""
    return np.full(len(draw.given), UNLABELED, np.int8)


def beliefs_about(draw: Draw, detector: str, verified: Codes | None = None, **settings: float) -> Beliefs:
    """What the consensus believes with this detector; the head is a witness of its own only beside boxes of another."""
    scores = draw.scores(detector, detector == YOLO)
    return weigh(scores, draw.given, draw.given >= 0, nobody(draw) if verified is None else verified,
                 best_known(draw.known, scores), **settings)


def opinions_of(draw: Draw, detector: str) -> list[Opinions]:
    """Votes of detector, classifier and, beside YOLO, head, with the default's limits."""
    limits, scores = PresenceLimits(), draw.scores(detector, detector == YOLO)
    seen = draw.pool.seen if detector == YOLO else draw.pool.seen_by_head
    silent, confidence = np.isnan(seen.confidence), np.nan_to_num(seen.confidence)
    cases = [(silent, ABSTAIN, "silent"), (confidence >= limits.positive, 1, "a box"),
             (confidence >= limits.negative, ABSTAIN, "a doubtful box"), (~silent, 0, "no box")]
    made = [opine("disagreement", detector, cases, np.maximum(confidence, 1 - confidence), "no label"),
            probable_label(draw.p_positive, "out_of_fold", "out_of_fold", 0.6)]
    if detector == YOLO:
        head = 1 / (1 + np.exp(-scores[-1].values))
        made.append(probable_label(head, "presence_head", "presence_head", 0.8))
    return made


def labels_after(draw: Draw, plan: Plan) -> Codes:
    """The given labels with a policy's decisions carried out."""
    made = draw.given.copy()
    made[plan.decisions.rows] = plan.decisions.new_labels
    return made


def consensus(draw: Draw, detector: str, policy: Consensus, **settings: float) -> Codes:
    """Labels after the consensus."""
    everybody = np.ones(len(draw.given), bool)
    plan = policy.decide(opinions_of(draw, detector), beliefs_about(draw, detector, **settings), draw.given, everybody)
    return labels_after(draw, plan)


def two_signals(draw: Draw, detector: str) -> Codes:
    """Labels after the policy `default`."""
    plan = TwoSignals().decide(opinions_of(draw, detector), draw.given, np.ones(len(draw.given), bool))
    return labels_after(draw, plan)


def follow_detector(draw: Draw, detector: str) -> Codes:
    """Labels after the seed's rule: a box from .3 on is a person, none is none."""
    seen = draw.pool.seen if detector == YOLO else draw.pool.seen_by_head
    return (np.nan_to_num(seen.confidence) >= 0.3).astype(np.int8)


def cleanlab(draw: Draw, detector: str) -> Codes:
    """cleanlab's issues go."""
    rows = np.flatnonzero(draw.given >= 0)
    pred_probs = np.stack([1 - draw.p_positive, draw.p_positive], axis=1)[rows].astype(np.float64)
    issues = find_label_issues(draw.given[rows].astype(int), pred_probs, n_jobs=1)
    made = draw.given.copy()
    made[rows[issues]] = DROPPED
    return made


def mistakenness(draw: Draw, detector: str) -> Codes:
    """FiftyOne's rule on the same probabilities: what the classifier contradicts is flipped."""
    return np.where(draw.given >= 0, (draw.p_positive > 0.5).astype(np.int8), draw.given)


PEERS: dict[str, Callable[[Draw, str], Codes]] = {
    "consensus (ours)": lambda draw, detector: consensus(draw, detector, Consensus()),
    "consensus without prior": lambda draw, detector: consensus(draw, detector, Consensus(), prior_photos=0.0),
    "two signals (default)": two_signals, "detector alone (seed)": follow_detector, "cleanlab": cleanlab,
    "FiftyOne mistakenness": mistakenness}


def judged(draw: Draw, made: Codes) -> dict[str, float]:
    """What became of the planted errors and of the right labels."""
    rows = draw.given >= 0
    given, truth, made = draw.given[rows], draw.pool.truth[rows], made[rows]
    wrong, changed, dropped = given != truth, made != given, made < 0
    planted_errors, newly = int(wrong.sum()), int((~wrong & ~dropped & changed).sum())
    left = int((wrong & ~dropped & (made != truth)).sum())
    found = {"dropped": float(dropped.mean()), "newly_wrong": newly / len(given)}
    if planted_errors:
        found |= {"wrong_after": (left + newly) / planted_errors,
                  "f1": 2 * float((changed & wrong).sum()) / (int(changed.sum()) + planted_errors)}
    return found


def summary(many: list[dict[str, float]]) -> Facts:
    """Mean and standard deviation of each measure over the plantings."""
    return {key: {"mean": round(float(np.mean([one[key] for one in many])), 4),
                  "sd": round(float(np.std([one[key] for one in many], ddof=1)), 4)} for key in many[0]}


def against(ours: list[dict[str, float]], theirs: list[dict[str, float]], measure: str) -> Facts:
    """Mean difference in the same plantings with its interval of 95 % (Student's t)."""
    from scipy.stats import t

    differences = np.array([one[measure] - other[measure] for one, other in zip(ours, theirs, strict=True)])
    half = float(t.ppf(0.975, len(differences) - 1) * differences.std(ddof=1) / np.sqrt(len(differences)))
    mean = float(differences.mean())
    return {"mean": round(mean, 4), "low": round(mean - half, 4), "high": round(mean + half, 4)}


Source = Callable[[int], tuple[Pool, Sequence[KnownWeights]]]


def sources() -> dict[str, Source]:
    """The photos of each size by seed, and what is known beforehand from others."""
    (train, val, _), coco = voc_pools(), coco_pool()
    order, half = np.random.default_rng(0).permutation(len(train.truth)), len(train.truth) // 2
    halves = [train.take(np.sort(rows)) for rows in (order[:half], order[half:])]
    boxes, of_head = ((YOLO, False), (YOLO, True)), known_from(val, ((HEAD, False),))
    of_other = [[*known_from(joined(other, val), boxes), *of_head] for other in reversed(halves)]
    of_val = [*known_from(val, boxes), *of_head]

    def few(count: int) -> Source:
        return lambda seed: (drawn(halves[seed % 2], count, seed), of_other[seed % 2])

    return {str(count): few(count) for count in (300, 800, 1600)} | {
        "3422": lambda seed: (train, of_val), "coco256": lambda seed: (coco, shipped())}


def known_from(pool: Pool, by: Sequence[tuple[str, bool]]) -> list[KnownWeights]:
    """Learnt from a pool as what ships is."""
    return [KnownWeights.from_dict(entry) for entry in learn_from(pool, by)]


def label_rows(draws: list[Draw]) -> Facts:
    """Every judge on the same draws, with both detectors, and ours against each peer."""
    rows: Facts = {}
    for detector, called in DETECTORS.items():
        by_peer = {name: [judged(draw, judge(draw, detector)) for draw in draws] for name, judge in PEERS.items()}
        ours = by_peer["consensus (ours)"]
        measure = "wrong_after" if "wrong_after" in ours[0] else "newly_wrong"
        rows[called] = {name: summary(many) | {"ours_less": against(ours, many, measure)} for name, many in by_peer.items()}
        shares = [beliefs_about(draw, detector).model.prior_share for draw in draws]
        rows[called]["prior_share"] = round(float(np.mean(shares)), 3)
    return rows


def look_rows(draws: list[Draw]) -> Facts:
    """Wrong labels left after a person's answers, half from the top of the queue and half at random."""
    rows: Facts = {}
    for looks in ASKED:
        many = []
        for number, draw in enumerate(draws):
            everybody, verified = np.ones(len(draw.given), bool), nobody(draw)
            plan = Consensus().decide(opinions_of(draw, YOLO), beliefs_about(draw, YOLO), draw.given, everybody)
            random = np.random.default_rng(number).permutation(np.flatnonzero(draw.given >= 0))
            asked = np.concatenate([plan.review[: looks // 2], random])
            asked = asked[np.sort(np.unique(asked, return_index=True)[1])][:looks]
            verified[asked] = draw.pool.truth[asked]
            after = Consensus().decide(opinions_of(draw, YOLO), beliefs_about(draw, YOLO, verified), draw.given, everybody)
            many.append(judged(draw, labels_after(draw, after)))
        rows[str(looks)] = summary(many)
    return rows


def calibration_rows(draws: list[Draw]) -> Facts:
    """Wrong labels promised and found, by band of the probability of error."""
    edges = np.array([0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0000001])
    rows: Facts = {}
    for detector, called in DETECTORS.items():
        promised = np.concatenate([beliefs_about(draw, detector).p_wrong(draw.given)[draw.given >= 0] for draw in draws])
        wrong = np.concatenate([(draw.given != draw.pool.truth)[draw.given >= 0] for draw in draws])
        band = np.digitize(promised, edges[1:-1])
        rows[called] = [{"from": float(edges[code]), "promised": round(float(promised[band == code].mean()), 3),
                         "found": round(float(wrong[band == code].mean()), 3), "labels": int((band == code).sum())}
                        for code in np.unique(band)]
    return rows


def downstream_rows(draws: list[Draw]) -> Facts:
    """Accuracy on the test photos of a linear classifier of frozen features taught by each judge, less that by noisy labels."""
    _, _, test = voc_pools()

    def accuracy(draw: Draw, labels: Codes) -> float:
        rows = labels >= 0
        taught = LogisticRegression(C=0.01, max_iter=300).fit(draw.pool.features[rows], labels[rows])
        return float((taught.predict(test.features) == test.truth).mean())

    noisy = [{"gain": accuracy(draw, draw.given)} for draw in draws]
    judges = PEERS | {"true labels": lambda draw, detector: np.where(draw.given >= 0, draw.pool.truth, draw.given)}
    return {"noisy": summary(noisy)} | {
        name: against([{"gain": accuracy(draw, judge(draw, YOLO))} for draw in draws], noisy, "gain")
        for name, judge in judges.items()}


PARTS = {"labels": (label_rows, SIZES), "looks": (look_rows, ("300", "800", "1600")),
         "calibration": (calibration_rows, SIZES), "downstream": (downstream_rows, ("300", "800", "1600"))}


def show(rate: str, size: str, rows: Facts) -> None:
    """One size and rate as lines of a Markdown table."""
    for detector, by_peer in rows.items():
        for name, row in by_peer.items():
            if isinstance(row, dict):
                cells = [f"{row[key]['mean']:.3f} ± {row[key]['sd']:.3f}" if key in row else ""
                         for key in ("wrong_after", "dropped", "f1", "newly_wrong")]
                print(f"| {rate} | {size} | {detector} | {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Every part, size and rate that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--plantings", type=int, default=10)
    parser.add_argument("--again", action="store_true", help="measure what has a result too")
    args = parser.parse_args()
    results: Facts = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    by_size = sources()
    print("| planted | photos | detector | judge | wrong after, per planted | dropped | F1 of changes | newly wrong |\n"
          "|---|---:|---|---|---:|---:|---:|---:|")
    for size in SIZES:
        for rate, shares in RATES.items():
            wanted = [part for part in args.parts if size in PARTS[part][1]]
            missing = [part for part in wanted if args.again or f"{size}, {rate}" not in results.get(part, {})]
            seeds = range(SEEDS_FROM, SEEDS_FROM + args.plantings) if missing else ()
            photos = [by_size[size](seed) for seed in seeds]
            draws = [planted(pool, shares, seed, known) for seed, (pool, known) in zip(seeds, photos, strict=True)]
            for part in missing:
                results.setdefault(part, {})[f"{size}, {rate}"] = PARTS[part][0](draws)
                write_text(RESULT, json.dumps(results, indent=1) + "\n")
            if "labels" in wanted:
                show(rate, size, results["labels"][f"{size}, {rate}"])


if __name__ == "__main__":
    main()
