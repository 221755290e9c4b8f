"""Who finds wrong labels best: every peer on the same inputs in one run.

    python benchmarks/label_quality.py [--parts voc2007 cifar10n published calibration] [--seeds 10]

Needs the real data folder (TINYSIEVE_SHARED, else ../shared). `voc2007`: train split of VOC 2007, a fifth hidden, wrong labels
planted at Wake Vision's rates, at 15, 25 and 30 % each way, and none; seeds that nothing was chosen on. `cifar10n`: six columns
of labels that people gave (10 classes, so boxes, and with them the consensus, have no part). `published`: the confident-learning
authors' own probabilities. `calibration`: what the consensus promises against what is true. A contestant runs in a process of
its own; memory is what its peak adds to the inputs. A part is skipped where benchmarks/results/label_quality.json has it
(--again measures anew). Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from label_quality_inputs import Inputs, cifar_inputs, published_inputs, voc_inputs
from label_quality_peers import CLASS_PEERS, PERSON_PEERS, PROBABILITY_PEERS, Verdict, beliefs_about
from sklearn.metrics import average_precision_score, roc_auc_score

from tinysieve.filtering.decisions.filter_precision import filter_precision
from tinysieve.ground.atomic_files import write_text

RESULT = Path(__file__).parent / "results" / "label_quality.json"
# The policy's settings were chosen on seeds 1 to 3.
SEEDS_FROM = 4
# What is given with its standard deviation over the seeds.
SCATTER = ("f1_of_changes", "wrong_afterwards_per_planted", "dropped_share")
PARTS = ("voc2007", "cifar10n", "published", "calibration")
EDGES = (0.0, 0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
COLUMNS = {
    "AUROC": ("auroc", ".4f"), "average precision": ("average_precision", ".3f"),
    "precision at the true number": ("precision_at_true_number", ".3f"), "F1 of changes": ("f1_of_changes", ".3f"),
    "wrong left": ("left", ".0f"), "newly wrong": ("newly_wrong", ".0f"),
    "wrong after, per planted": ("wrong_afterwards_per_planted", ".3f"), "dropped": ("dropped_share", ".1%"),
    "changed": ("changed_share", ".1%"), "s": ("seconds", ".2f"), "MB": ("extra_mb", ".0f"),
}
Peer = Callable[[Inputs], Verdict]


@dataclass(frozen=True)
class Measured:
    """A contestant's verdict, and what it cost."""

    verdict: Verdict
    seconds: float
    extra_mb: float


def measure(peer: Peer, inputs: Inputs) -> Measured:
    """Run a contestant in a child process; its peak memory is counted from where it begins."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work() -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        verdict = peer(inputs)
        seconds = time.perf_counter() - started
        sender.send(Measured(verdict, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / 1e6))

    child = context.Process(target=work)
    child.start()
    try:
        return receiver.recv()
    finally:
        child.join()


def judge(inputs: Inputs, measured: Measured) -> dict[str, float | None]:
    """All measures of one contestant on one setting; those of a ranking are None where it gives none, or nothing is wrong."""
    given, truth, verdict = inputs.given, inputs.truth, measured.verdict
    rows = np.flatnonzero(given >= 0)
    wrong = given[rows] != truth[rows]
    made = verdict.made[rows]
    changed, dropped, planted = made != given[rows], made < 0, int(wrong.sum())
    left = int((wrong & ~dropped & (made != truth[rows])).sum())
    newly = int((~wrong & ~dropped & changed).sum())
    found: dict[str, float | None] = {
        "planted": planted, "left": left, "newly_wrong": newly,
        "f1_of_changes": 2 * float((changed & wrong).sum()) / (int(changed.sum()) + planted) if planted else None,
        "wrong_afterwards_per_planted": (left + newly) / planted if planted else None,
        "dropped_share": float(dropped.mean()), "changed_share": float(changed.mean()),
        "seconds": measured.seconds, "extra_mb": measured.extra_mb,
        "auroc": None, "average_precision": None, "precision_at_true_number": None}
    if verdict.suspicion is not None and wrong.any():
        suspicion = verdict.suspicion[rows]
        worst = np.argsort(-suspicion, kind="stable")[:planted]
        found |= {"auroc": float(roc_auc_score(wrong, suspicion)), "precision_at_true_number": float(wrong[worst].mean()),
                  "average_precision": float(average_precision_score(wrong, suspicion))}
    return found


def contest(all_inputs: list[Inputs], peers: dict[str, Peer]) -> dict[str, dict[str, float | None]]:
    """Means over the inputs (seeds) of each contestant, and standard deviations of what the goals are about."""
    table = {}
    for name, peer in peers.items():
        found = [judge(inputs, measure(peer, inputs)) for inputs in all_inputs]
        values = {key: [one[key] for one in found] for key in found[0] if found[0][key] is not None}
        table[name] = dict.fromkeys(found[0]) | {key: round(float(np.mean(many)), 4) for key, many in values.items()}
        if len(found) > 1:
            table[name] |= {f"{key}_sd": round(float(np.std(values[key], ddof=1)), 4) for key in SCATTER if key in values}
    return table


def calibration(all_inputs: list[Inputs]) -> dict[str, Any]:
    """Probability of error promised and found, and each filter's estimated precision and the true one."""
    promised, wrong = [], []
    filters: dict[str, list[tuple[float, float, bool]]] = {}
    for inputs in all_inputs:
        rows, is_wrong = np.flatnonzero(inputs.given >= 0), inputs.given != inputs.truth
        p_wrong = beliefs_about(inputs).p_wrong(inputs.given)
        promised.append(p_wrong[rows])
        wrong.append(is_wrong[rows])
        for one, other in zip(*(filter_precision(inputs.opinions, inputs.given, inputs.eligible, known)
                                for known in (p_wrong, is_wrong.astype(float))), strict=True):
            if one.precision is not None and other.precision is not None:
                inside = one.precision.low <= other.precision.value <= one.precision.high
                filters.setdefault(one.filter, []).append((one.precision.value, other.precision.value, inside))
    p, w = np.concatenate(promised), np.concatenate(wrong)
    place = np.digitize(p, EDGES[1:-1])
    return {"bins": [{"from": EDGES[code], "promised": round(float(p[place == code].mean()), 3),
                      "found": round(float(w[place == code].mean()), 3), "labels": int((place == code).sum())}
                     for code in np.unique(place)],
            "expected_wrong": round(float(p.sum()) / len(all_inputs), 1), "wrong": round(float(w.sum()) / len(all_inputs), 1),
            "filters": {name: {"estimated": round(float(np.mean([m[0] for m in many])), 3),
                               "true": round(float(np.mean([m[1] for m in many])), 3),
                               "true_inside_interval": f"{sum(m[2] for m in many)} of {len(many)}"}
                        for name, many in filters.items()}}


def show(title: str, table: dict[str, dict[str, float | None]]) -> None:
    """Print one setting's contestants as a Markdown table."""
    print(f"\n### {title}\n\n| | {' | '.join(COLUMNS)} |\n|---|{'---:|' * len(COLUMNS)}")
    for name, row in table.items():
        cells = ["" if row[key] is None else format(row[key], spec) for key, spec in COLUMNS.values()]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def show_calibration(title: str, found: dict[str, Any]) -> None:
    """Print promised against found probabilities of error as a Markdown table."""
    print(f"\n### calibration: {title}, wrong labels expected {found['expected_wrong']}, true {found['wrong']}\n\n"
          "| probability of error from | promised | found | labels |\n|---:|---:|---:|---:|")
    for one in found["bins"]:
        print(f"| {one['from']} | {one['promised']:.3f} | {one['found']:.3f} | {one['labels']:,} |")
    print("\n| filter | estimated precision | true | true inside the interval |\n|---|---:|---:|---:|")
    for name, one in found["filters"].items():
        print(f"| {name} | {one['estimated']:.1%} | {one['true']:.1%} | {one['true_inside_interval']} |", flush=True)


def main() -> None:
    """Every part and setting that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--again", action="store_true", help="measure what has a result too")
    args = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    seeds = range(SEEDS_FROM, SEEDS_FROM + args.seeds)
    work = {"voc2007": (lambda: voc_inputs(seeds), lambda inputs: contest(inputs, PERSON_PEERS)),
            "cifar10n": (cifar_inputs, lambda inputs: contest(inputs, CLASS_PEERS)),
            "published": (published_inputs, lambda inputs: contest(inputs, PROBABILITY_PEERS)),
            "calibration": (lambda: voc_inputs(seeds), calibration)}
    for part in args.parts:
        made, judge_all = work[part]
        stored = results.setdefault(part, {})
        for setting, make in made().items():
            if setting not in stored or args.again:
                stored[setting] = judge_all(make())
                write_text(RESULT, json.dumps(results, indent=1) + "\n")
            if part == "calibration":
                show_calibration(setting, stored[setting])
            else:
                show(f"{part}: {setting}", stored[setting])


if __name__ == "__main__":
    main()
