"""Planted errors on real photos: what each policy finds and mends, and what that is worth in int8 test accuracy.

    python benchmarks/voc2007.py [--epochs 8] [--seeds 2] [--settings ...] [--labels ...] [--filter-only]

Needs the real data folder (TINYSIEVE_SHARED, else ../shared). In the train split of VOC 2007, 20 % of the labels are hidden
and wrong ones planted, once at Wake Vision's measured rates and once at 25 % each way; a third time nothing is hidden or planted.
Validation and test keep their labels.
The real stages run on these labels with YOLO11n's boxes (of a single look, as the stored trainings had) and out-of-fold
probabilities; the shipped presence head takes no part, since it was trained on these photos. Everything is resumable; results
go to benchmarks/results/voc2007.json.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tinysieve.dataset.classes import POSITIVE, UNLABELED, Codes
from tinysieve.dataset.ingest import open_pixels
from tinysieve.ground.statistics import confusion, wilson_interval
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.detect import DETECT, DETECTIONS
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.quantize.calibration import choose_calibration
from tinysieve.quantize.convert import convert_int8
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.training.fit import fit, trained_mcunet
from tinysieve.training.labelled_images import LabelledImages
from tinysieve.training.recipe import RECIPES, derive

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared"))
WORK = ROOT / "runs" / "benchmark_voc2007"
RESULT = Path(__file__).parent / "results" / "voc2007.json"
HIDDEN = 0.20
# Share of background labels that become person, share of person labels that become background.
RATES = {"a_quarter_each_way": (0.25, 0.25), "wake_vision_rates": (0.074, 0.053)}
# Share of hidden labels, then rates of wrong ones; with nothing planted the labels as they come are those called clean.
PLANTINGS = {name: (HIDDEN, rates) for name, rates in RATES.items()} | {"nothing_planted": (0.0, (0.0, 0.0))}
LABELS = ("noisy", "clean", "consensus", "default", "seed")


def announce(status: object) -> None:
    """One line a stage."""
    print(status, flush=True)


def open_run(name: str, *overrides: str) -> Run:
    """A run of configs/voc2007.yaml with changes; its detector looks once, as it did for the stored trainings."""
    first = (f"run={WORK / name}", "filter.detector.look_again_below=0")
    config = load_config(ROOT / "configs" / "voc2007.yaml", (*first, *overrides))
    return Run(config, config.run)


def plant(hidden: float, rates: tuple[float, float], seed: int, target: Path) -> None:
    """Write the labels with a share hidden and wrong ones planted in train; deterministic."""
    rng = np.random.default_rng(seed)
    with (SHARED / "data/voc2007_person/labels.csv").open(newline="") as source:
        rows = list(csv.DictReader(source))
    for row in rows:
        hide, draw = rng.random(2)
        if row["split"] != "train":
            continue
        if hide < hidden:
            row["person"] = ""
        elif draw < rates[int(row["person"])]:
            row["person"] = str(1 - int(row["person"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["filename", "person", "split"], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def true_labels(run: Run) -> Codes:
    """VOC's own labels in the run's sample order."""
    with (SHARED / "data/voc2007_person/labels.csv").open(newline="") as source:
        truth = {row["filename"]: int(row["person"]) for row in csv.DictReader(source)}
    return np.array([truth[name] for name in samples_of(run).table["filepath"].to_pylist()], np.int8)


def count_outcome(given: Codes, made: Codes, truth: Codes) -> dict[str, float]:
    """What became of the planted errors, of the right labels, and of the hidden ones."""
    labelled, hidden = given >= 0, given == UNLABELED
    wrong, right, named = labelled & (given != truth), labelled & (given == truth), hidden & (made >= 0)
    kept = made >= 0
    return {
        "planted": int(wrong.sum()), "found": int((wrong & (made != given)).sum()),
        "mended": int((wrong & (made == truth)).sum()), "dropped": int((wrong & (made < 0)).sum()),
        "left": int((wrong & (made == given)).sum()),
        "newly_wrong": int((right & kept & (made != truth)).sum()), "right_but_dropped": int((right & ~kept).sum()),
        "pseudo_labels": int(named.sum()), "pseudo_label_accuracy": float((made == truth)[named].mean()) if named.any() else 0.0,
        "abstained": int((hidden & ~kept).sum()), "labels_kept": int(kept.sum()),
        "share_of_kept_labels_right": float((made == truth)[kept].mean()),
    }


def filter_once(name: str, boxes: Path) -> tuple[Run, dict[str, str], dict[str, dict]]:
    """Run each policy on one set of noisy labels; gives the run, version ids and outcomes."""
    table = WORK / name / "labels.csv"
    plant(*PLANTINGS[name], 0, table)
    common = (f"dataset.source.table={table}", "filter.detector={kind: boxes, file: '" + str(boxes) + "'}")
    versions, outcomes = {}, {}
    for kind in ("seed", "default", "consensus"):
        # The planted errors are as many as 25 % and more are changed; the stop is lifted by name.
        run = open_run(name, *common, "policy={kind: " + kind + ", max_change: 0.6}")
        started = time.perf_counter()
        run_stages(run, stages_until(run.config, "policy"), announce)
        seconds = time.perf_counter() - started
        truth, store, train = true_labels(run), versions_of(run), samples_of(run).in_split("train", "unlabeled")
        made = json.loads((run.at("policy") / "policy.json").read_text())
        versions |= {"noisy": made["parent"], kind: made["version"]}
        given = store.load(made["parent"]).labels
        after = store.load(made["version"]).labels
        # With boxes at hand; the second policy finds embeddings and opinions made.
        outcomes[kind] = count_outcome(given[train], after[train], truth[train]) | {"seconds_here": round(seconds, 1)}
        untouched = samples_of(run).in_split("test", "validation")
        assert np.array_equal(after[untouched], truth[untouched])
    return run, versions, outcomes


def train_once(run: Run, labels: Codes, epochs: int, seed: int, folder: Path) -> dict[str, float | str]:
    """Train, convert, and measure int8 accuracy on the test images with LiteRT's reference kernels; a finished fit is read.

    `answers` has a bit a test image, in sample order: 1 where the answer is right. `balanced_accuracy` weighs both classes
    alike: 1/2 for a constant answer, whose plain accuracy is the share of the more frequent class.
    """
    samples, pixels = samples_of(run), open_pixels(run.at("ingest"))
    pixel_row = samples.numbers("pixel_row")

    def images(name: str, *splits: str) -> LabelledImages:
        rows = np.flatnonzero(samples.in_split(*splits) & (labels >= 0))
        return LabelledImages(pixels, pixel_row[rows], labels[rows], name)

    train = images("train", "train", "unlabeled")
    with progress(folder.name) as report:
        result = fit(train, images("validation", "validation"), derive(RECIPES["seed"], epochs=epochs), seed, folder, report)
    train_labels = np.where(samples.in_split("train", "unlabeled"), labels, np.int8(-1))
    rows = choose_calibration(train_labels, 150, np.random.default_rng(seed))
    model = convert_int8(trained_mcunet(result.weights_path), pixels[pixel_row[rows]], "uint8")
    test = np.flatnonzero(samples.in_split("test"))
    logits = LiteRTReference(model).predict_logits(pixels[pixel_row[test]])
    answers, truth = logits.argmax(1), samples.labels[test]
    right = answers == truth
    interval = wilson_interval(int(right.sum()), len(right))
    return {"train_images": len(train), "best_epoch": result.best_epoch,
            "validation_accuracy": result.best_validation_accuracy, "int8_test_accuracy": float(right.mean()),
            "balanced_accuracy": confusion(answers, truth).balanced_accuracy,
            "low": interval.low, "high": interval.high, "answers": np.packbits(right).tobytes().hex()}


def train_all(runs: Mapping[str, tuple[Run, dict[str, str]]], labels_in_turn: Sequence[str], epochs: int, seeds: int,
              results: dict) -> None:
    """One seed after the other over all settings and labels; a result is stored as soon as it is there."""
    for seed, setting, which in itertools.product(range(seeds), runs, labels_in_turn):
        run, versions = runs[setting]
        group = "clean" if which == "clean" else setting
        name = f"{which}-seed{seed}-epochs{epochs}"
        if "answers" in results["training"].setdefault(group, {}).get(name, {}):
            continue
        labels = true_labels(run) if which == "clean" else versions_of(run).load(versions[which]).labels
        found = train_once(run, labels, epochs, seed, WORK / group / "fits" / name)
        results["training"][group][name] = found
        store(results)
        print(group, name, json.dumps(found), flush=True)


def store(results: dict) -> None:
    """Write what is known so far."""
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


def main() -> None:
    """Detect once, filter each noise setting with each policy, then train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--settings", nargs="+", choices=PLANTINGS, default=list(RATES), help="to train on")
    parser.add_argument("--labels", nargs="+", choices=LABELS, default=list(LABELS), help="what to train on, in this order")
    parser.add_argument("--filter-only", action="store_true")
    args = parser.parse_args()
    results = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    before = results.get("filtering", {})
    clean = open_run("clean")
    run_stages(clean, stages_until(clean.config, DETECT.name), announce)
    test = samples_of(clean).in_split("test")
    results = {"recipe": "seed, with as many epochs as each training's name says",
               "test_persons": np.packbits(samples_of(clean).labels[test] == POSITIVE).tobytes().hex(),
               "filtering": {}, "training": results.get("training", {})}
    runs = {}
    for name in PLANTINGS:
        run, versions, outcomes = filter_once(name, DETECTIONS.path(clean))
        for kind, outcome in outcomes.items():
            # A stage that is up to date takes no time; what it took is what it took when it ran.
            outcome["seconds_here"] = max(outcome["seconds_here"], before.get(name, {}).get(kind, {}).get("seconds_here", 0))
        runs[name], results["filtering"][name] = (run, versions), outcomes
        print(name, json.dumps(outcomes, indent=1), flush=True)
    store(results)
    if not args.filter_only:
        train_all({name: runs[name] for name in args.settings}, args.labels, args.epochs, args.seeds, results)


if __name__ == "__main__":
    main()
