"""Data parameters: how fast on a million samples, what a step costs as the table grows, and what they find in VOC 2007.

    python benchmarks/data_parameters.py [--parts steps quality scale] [--rows 1000000] [--features 384]

Scale is measured on made-up features (this is about time and memory, not quality). Quality needs the embeddings that
`tinysieve filter --config configs/voc2007.yaml` leaves in runs/voc2007 and is measured on planted errors; the same features with
out-of-fold ridge stand beside it. Results go to benchmarks/results/data_parameters.json.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from sklearn.metrics import average_precision_score, roc_auc_score

from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings, TemperatureTable
from tinysieve.filtering.data_parameters.linear_fit import LinearFitSettings, fit_linear, held_out_losses
from tinysieve.filtering.data_parameters.rare_or_wrong import contradicted_by_neighbors, forgotten
from tinysieve.filtering.data_parameters.row_stream import RowStream
from tinysieve.filtering.data_parameters.second_split import second_split_retention
from tinysieve.filtering.data_parameters.trajectories import summarise
from tinysieve.filtering.data_parameters.triage import HARD, RULES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.ground.progress import silent

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "data_parameters.json"
VOC = ROOT / "runs" / "voc2007"
# Share of background labels made person, share of person labels made background.
RATES = {"Wake Vision's rates": (0.074, 0.053), "15 % each way": (0.15, 0.15), "25 % each way": (0.25, 0.25),
         "30 % each way": (0.3, 0.3)}
SEEDS = 3
PARTS = ("steps", "quality", "scale")


def step_costs() -> dict[str, float]:
    """Microseconds of a step of 128 samples in tables of different sizes, beside a dense step that touches every entry."""
    costs = {}
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=128).astype(np.float32)
    for count in (10_000, 100_000, 1_000_000, 6_000_000):
        table = TemperatureTable.start(count, TableSettings())
        batches = rng.integers(0, count, (2000, 128))
        started = time.perf_counter()
        for rows in batches:
            table.step(rows, gradient)
        costs[f"indexed, {count:,} entries"] = round((time.perf_counter() - started) / len(batches) * 1e6, 1)
    value, velocity, dense = (np.zeros(1_000_000, np.float32) for _ in range(3))
    started = time.perf_counter()
    for rows in batches[:50] % 1_000_000:
        dense[rows] = gradient
        before, before_velocity = value.copy(), velocity.copy()
        velocity = 0.9 * velocity + dense
        value = value - 0.2 * velocity
        unseen = dense == 0
        value[unseen], velocity[unseen] = before[unseen], before_velocity[unseen]
        dense[rows] = 0
    costs["dense step that puts the unseen back, 1,000,000 entries"] = round((time.perf_counter() - started) / 50 * 1e6, 1)
    return costs


def measure_scale(rows: int, dim: int, epochs: int, folder: Path) -> dict[str, Any]:
    """Seconds and peak memory of a fit on made-up features of two classes with 6 % wrong labels, read from disk."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 2, rows)
    features = open_memmap(folder / "features.npy", "w+", np.float16, (rows, dim))
    for start in range(0, rows, 50_000):
        part = rng.normal(size=(min(50_000, rows - start), dim)).astype(np.float32)
        part[:, :20] += (2 * true[start : start + len(part), np.newaxis] - 1) * 0.5
        features[start : start + len(part)] = part
    features.flush()
    wrong = rng.random(rows) < 0.06
    labels = np.where(wrong, 1 - true, true)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    settings = LinearFitSettings(epochs=epochs)
    started, cpu = time.perf_counter(), time.process_time()
    stream = RowStream(features, np.arange(rows))
    trajectories = fit_linear(stream, labels, settings, 0, "made up", folder, silent)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {"rows": rows, "features": dim, "epochs": epochs, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1),
            "visits_per_second": round(rows * epochs / seconds), "peak_memory_gb": round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2),
            "peak_memory_before_gb": round(before * 1024 / 1e9, 2),
            "auroc_mean": round(float(roc_auc_score(wrong, summarise(trajectories, -1).mean)), 4)}


def judge(rates: tuple[float, float], seed: int, stream: RowStream, features: np.ndarray, true: np.ndarray,
          folder: Path) -> dict[str, Any]:
    """AUROC and average precision of each reading, and what triage and second axis make of it."""
    rng = np.random.default_rng([seed, 2007])
    wrong = rng.random(len(true)) < np.array(rates)[true]
    labels = np.where(wrong, 1 - true, true).astype(np.int64)
    settings = LinearFitSettings()
    trajectories = fit_linear(stream, labels, settings, seed, "voc", folder, silent)
    epoch = turning_point(held_out_losses(stream, labels, settings, seed, 0.2, silent))
    read, last = summarise(trajectories, epoch), summarise(trajectories, -1)
    p_positive = out_of_fold_probabilities(features, labels.astype(np.int8), 5, np.random.default_rng(seed))
    scores = {"last sigma": suspicion(last), "sigma at turning point": suspicion(read), "trajectory mean": last.mean,
              "mean until turning point": read.mean, "out-of-fold ridge": np.where(labels == 1, 1 - p_positive, p_positive)}
    best = max(float(roc_auc_score(wrong, np.asarray(trajectories[:, e], np.float32))) for e in range(settings.epochs))
    look_alikes = nearest(features, 10, 200_000, silent)
    axes = {"neighbours": contradicted_by_neighbors(look_alikes, labels),
            "second split": forgotten(second_split_retention(stream, labels, seed, silent))}
    measures = {"auroc": roc_auc_score, "average_precision": average_precision_score}
    found: dict[str, Any] = {measure: {key: float(by(wrong, value)) for key, value in scores.items()}
                             for measure, by in measures.items()}
    found |= {"auroc_best_epoch": best, "read_after_epoch": epoch + 1}
    for rule in RULES.values():
        for when, summary in (("turning point", read), ("last", last)):
            hard = triage(summary, rule) == HARD
            row = {"hard": int(hard.sum()), "wrong_share": float(wrong[hard].mean()) if hard.any() else float("nan"),
                   "found_share": float(hard[wrong].mean())}
            for axis, against in axes.items():
                said = hard & (against > 0.5)
                row |= {f"{axis}: wrong_share": float(wrong[said].mean()) if said.any() else float("nan"),
                        f"{axis}: found_share": float(said[wrong].mean())}
            found[f"triage {rule.name}, {when}"] = row
    return found


def mean_of(found: list[Any]) -> Any:
    """Mean over seeds of nested dicts of numbers."""
    if isinstance(found[0], dict):
        return {key: mean_of([one[key] for one in found]) for key in found[0]}
    return round(float(np.nanmean(found)), 4) if not all(np.isnan(found)) else None


def measure_quality(folder: Path) -> dict[str, Any]:
    """All noise settings on the train split of VOC 2007, means of SEEDS plantings."""
    samples = SampleTable.load(VOC / "ingest" / "samples.parquet")
    rows = np.flatnonzero(samples.in_split("train"))
    features = np.asarray(read_embeddings(VOC / "embed" / "embeddings.npy", len(samples))[rows])
    true, stream = samples.labels[rows].astype(np.int64), RowStream(features, np.arange(len(rows)))
    made = {}
    for name, rates in RATES.items():
        found = [judge(rates, seed, stream, features, true, folder) for seed in range(SEEDS)]
        made[name] = mean_of(found)
        print(name, json.dumps(made[name], indent=1), flush=True)
    return made


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=384)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    args = parser.parse_args()
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    with tempfile.TemporaryDirectory() as scratch:
        if "steps" in args.parts:
            results["step_microseconds"] = step_costs()
            print(json.dumps(results["step_microseconds"], indent=1), flush=True)
        if "quality" in args.parts and (VOC / "embed" / "embeddings.npy").exists():
            results["voc2007"] = measure_quality(Path(scratch))
        if "scale" in args.parts:
            results["scale"] = measure_scale(args.rows, args.features, args.epochs, Path(scratch))
            print(json.dumps(results["scale"], indent=1), flush=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
