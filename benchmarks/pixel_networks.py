"""Do networks on pixels find wrong labels that frozen features miss? And does a second pass relabel better than the first?

    python benchmarks/pixel_networks.py [--parts second_pass cifar10n voc voc_wake_vision_rates] [--cifar10n-photos 2000]

CIFAR-10N (people's own errors) and VOC 2007 with planted ones (TINYSIEVE_SHARED, else ../shared), subsets that two cores bear.
Signals: out-of-fold ridge on frozen features, an out-of-fold network on pixels (`image_module`), and data parameters learnt
while such a network trains on all. Writes benchmarks/results/pixel_networks.json, prints Markdown.
"""

from __future__ import annotations

import argparse
import io
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score
from voc2007 import RATES, SHARED, open_run

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import TrajectoryLog, summarise
from tinysieve.filtering.data_parameters.triage import RULES, TRIAGE_NAMES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone
from tinysieve.filtering.label_errors.class_probabilities import class_probabilities
from tinysieve.filtering.label_errors.fold_classifiers import folded
from tinysieve.filtering.label_errors.keras_classifier import KerasClassifier
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.filtering.label_errors.second_pass import second_pass
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.progress import silent
from tinysieve.pipeline.experiments.cifar_networks import small_network
from tinysieve.pipeline.experiments.tempered_training import Pictures, TrainingPlan, train
from tinysieve.pipeline.stages.embed import features_of
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of

RESULT = Path(__file__).parent / "results" / "pixel_networks.json"
FOLDS, OUT_OF_FOLD_EPOCHS, TEMPERED_EPOCHS = 5, 8, 30
Codes = NDArray[np.int64]


def ridge(features: NDArray[np.floating], classes: int, labels: NDArray[np.integer]) -> NDArray[np.floating]:
    """Out-of-fold probabilities on frozen features."""
    return class_probabilities(features, labels, classes, FOLDS, np.random.default_rng(0))


def network(images: NDArray[np.uint8], classes: int, labels: NDArray[np.integer]) -> NDArray[np.floating]:
    """Out-of-fold probabilities of a small network on pixels."""
    def make() -> KerasClassifier:
        return KerasClassifier(lambda: small_network(classes, 0, images.shape[1]), OUT_OF_FOLD_EPOCHS, batch_size=64)

    return folded(make, lambda rows: images[rows], labels, classes, FOLDS, np.random.default_rng(0))


def tempered(images: NDArray[np.uint8], classes: int, labels: Codes) -> dict[str, Any]:
    """Suspicion of every label by data parameters on pixels, and what their trajectories look like."""
    plan = TrainingPlan("small", TEMPERED_EPOCHS, 64, 0.1, 0)
    held = np.arange(len(labels)) % 10 == 0
    teach, out = (Pictures(images[part], labels[part], classes) for part in (~held, held))
    temperatures = Temperatures.start(len(teach.labels), classes, TableSettings(learning_rate=2.0), None)
    with tempfile.TemporaryDirectory() as folder:
        log = TrajectoryLog(Path(folder), "", len(teach.labels), plan.epochs)
        made = train(teach, out, out, plan, temperatures, log, silent)
        trajectories = np.array(made.trajectories)
    epoch = turning_point(made.held_out_losses)
    read, last = summarise(trajectories, epoch), summarise(trajectories, -1)
    codes = triage(last, RULES["tsne_plots"])
    falls = last.highest - last.final
    return {"taught": ~held, "suspicion": suspicion(read), "mean": last.mean, "last": last.final, "epoch": epoch + 1,
            "codes": codes, "fell_by_a_tenth": float((falls > 0.1 * last.highest).mean())}


def contest(name: str, images: NDArray[np.uint8], features: NDArray[np.floating], labels: Codes, truth: Codes,
            classes: int) -> Any:
    """AUROC and seconds of each signal; which of the errors data parameters find that no other signal does."""
    wrong, row = labels != truth, np.arange(len(labels))
    made: dict[str, Any] = {"photos": len(labels), "wrong": int(wrong.sum()), "side": images.shape[1]}
    suspects: dict[str, NDArray[np.floating]] = {}
    for signal, judge in {"ridge on frozen features": partial(ridge, features, classes),
                          "network on pixels": partial(network, images, classes)}.items():
        began = time.process_time()
        suspects[signal] = 1 - judge(labels)[row, labels]
        made[signal] = {"auroc": auroc(wrong, suspects[signal]), "cpu_seconds": round(time.process_time() - began, 1)}
        print(name, signal, made[signal], flush=True)
    began = time.process_time()
    learnt = tempered(images, classes, labels)
    taught, bad = learnt["taught"], wrong[learnt["taught"]]
    by_triage = {word: [int((learnt["codes"] == code).sum()), int((bad & (learnt["codes"] == code)).sum())]
                 for code, word in enumerate(TRIAGE_NAMES)}
    made["data parameters on pixels"] = {
        "auroc": auroc(bad, learnt["suspicion"]), "auroc_mean": auroc(bad, learnt["mean"]),
        "auroc_last": auroc(bad, learnt["last"]),
        "read_after_epoch": learnt["epoch"], "epochs": TEMPERED_EPOCHS, "fell_by_a_tenth": round(learnt["fell_by_a_tenth"], 3),
        "triage (photos, of them wrong)": by_triage, "cpu_seconds": round(time.process_time() - began, 1)}
    top = int(bad.sum())
    found = {signal: np.isin(np.arange(len(bad)), np.argsort(-values)[:top]) & bad for signal, values in
             {**{signal: values[taught] for signal, values in suspects.items()}, "data parameters": learnt["mean"]}.items()}
    frozen, pixels, others = (found[name] for name in ("ridge on frozen features", "data parameters", "network on pixels"))
    both = place(suspects["ridge on frozen features"][taught]) + place(learnt["mean"])
    made["among as many as are wrong"] = {
        "wrong": top, "ridge finds": int(frozen.sum()), "network finds": int(others.sum()),
        "data parameters find": int(pixels.sum()), "only data parameters": int((pixels & ~frozen & ~others).sum()),
        "auroc ridge": auroc(bad, suspects["ridge on frozen features"][taught]),
        "auroc ridge and data parameters by mean place": auroc(bad, both)}
    print(name, json.dumps(made, indent=1), flush=True)
    return made


def place(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Rank of each value."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float)


def auroc(wrong: NDArray[np.bool_], suspect: NDArray[np.floating]) -> float:
    """Rounded."""
    return round(float(roc_auc_score(wrong, suspect)), 4)


def cifar10n(count: int) -> Any:
    """People's worst labels of the first photos."""
    table = pq.read_table(SHARED / "data/cifar10n/cifar10n_train_jpeg.parquet").slice(0, count)
    images = np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in table["jpeg"].to_pylist()])
    noisy = next(name for name in table.column_names if "worse" in name)
    labels, truth = (np.asarray(table[name].to_numpy(), np.int64) for name in (noisy, "clean_label"))
    began = time.process_time()
    backbone = Lite0Backbone(workers=1)
    large = (np.asarray(Image.fromarray(image).resize((224, 224), Image.Resampling.BILINEAR)) for image in images)
    features = np.concatenate([backbone.embed(image[np.newaxis]) for image in large])
    seconds = round(time.process_time() - began, 1)
    return contest("CIFAR-10N", images, features, labels, truth, 10) | {"cpu_seconds_of_features": seconds}


def voc(setting: str, count: int = 800, side: int = 32) -> Any:
    """Wrong labels planted among the first train photos."""
    run = open_run("clean")
    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("train"))[:count]
    pixels = PIXELS.of(run)[samples.numbers("pixel_row")[rows]]
    images = np.stack([np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BOX)) for image in pixels])
    truth = samples.labels[rows].astype(np.int64)
    labels = np.where(np.random.default_rng(0).random(count) < np.asarray(RATES[setting])[truth], 1 - truth, truth)
    return contest(f"VOC 2007, {setting}", images, np.asarray(features_of(run)[rows], np.float32), labels, truth, 2)


def relabelling(seeds: int = 2) -> Any:
    """Planted errors in VOC: of the new labels of each pass, how many are right."""
    run = open_run("clean")
    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("train"))
    features, truth = np.asarray(features_of(run)[rows], np.float32), samples.labels[rows].astype(np.int64)
    made: dict[str, Any] = {}
    for setting, rates in {**RATES, "one_sided": (0.3, 0.0)}.items():
        counts = np.zeros(7)
        for seed in range(seeds):
            rng = np.random.default_rng(100 + seed)
            labels = np.where(rng.random(len(rows)) < np.asarray(rates)[truth], 1 - truth, truth)
            judge: Callable[[NDArray[np.integer]], NDArray[np.floating]] = partial(ridge, features, 2)
            errors = find_label_errors(judge(labels), labels)
            again = second_pass(labels, errors.is_label_issue, judge).argmax(axis=1)
            counts[0] += (labels != truth).sum()
            for place_of, changed in ((1, errors.is_label_issue), (4, errors.is_label_issue & (again != labels))):
                left = np.where(changed, 1 - labels, labels) != truth
                counts[place_of:place_of + 3] += [changed.sum(), (changed & (labels != truth)).sum(), left.sum()]
        planted, *passes = (counts / seeds).tolist()
        made[setting] = {"seeds": seeds, "planted": round(planted, 1)} | {
            name: {"relabelled": round(changed, 1), "right": round(right / changed, 4), "wrong_left": round(left, 1)}
            for name, (changed, right, left) in (("first", passes[:3]), ("second", passes[3:]))}
        print(setting, json.dumps(made[setting]), flush=True)
    return made


def main() -> None:
    """All parts, or those that are asked for."""
    parts: dict[str, Callable[[int], Any]] = {"second_pass": lambda _: relabelling(), "cifar10n": cifar10n,
                                              "voc": lambda _: voc("a_quarter_each_way"),
                                              "voc_wake_vision_rates": lambda _: voc("wake_vision_rates")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--cifar10n-photos", type=int, default=2000, help="the first so many")
    options = parser.parse_args()
    for name in options.parts:
        made = parts[name](options.cifar10n_photos)
        # Read late: another part may have been measured meanwhile.
        results = (json.loads(RESULT.read_text()) if RESULT.exists() else {}) | {name: made}
        write_text(RESULT, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
