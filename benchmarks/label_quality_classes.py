"""Planted errors mended for other classes than person: cat, car and dog beside it, with and without a download.

    python benchmarks/label_quality_classes.py [--classes person cat car dog] [--signals yolo shipped_head] [--seeds 5]

Needs the real data folder (TINYSIEVE_SHARED, else ../shared). Two settings, each with an out-of-fold classifier on
EfficientNet-Lite0 features as second signal. `yolo`: VOC 2007's train photos with YOLO11n's boxes of the class (COCO's name for
it, one look). `shipped_head`: the shipped head of the class as detector, on the validation and test photos, which it has not
seen. A fifth of the labels is hidden, wrong ones are planted at Wake Vision's rates and at 25 % each way. Policies, their limits
and all measures are those of benchmarks/label_quality.py. Features and boxes are kept under runs/ (ten minutes on two cores at
the first call, then one). Writes benchmarks/results/label_quality_classes.json and prints Markdown.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from label_quality import contest
from label_quality_inputs import Inputs
from label_quality_peers import PERSON_PEERS
from neighbor_votes import plant
from numpy.typing import NDArray
from voc2007 import RATES, ROOT, SHARED
from voc_classes import Photos, features_of, read_photos

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.images import decode
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.box_classes import NUMBERINGS, BoxClasses
from tinysieve.filtering.evidence.box_scores import box_scores
from tinysieve.filtering.evidence.boxes import Boxes, align, read_boxes, write_boxes
from tinysieve.filtering.evidence.crop_rule import RULES, presence
from tinysieve.filtering.evidence.detectors.detector import BATCH, boxes_of_batch
from tinysieve.filtering.evidence.detectors.open_detector import open_detector
from tinysieve.filtering.evidence.detectors.weights import DetectorSettings
from tinysieve.filtering.evidence.presence_head import box_row, head_fingerprint, head_names, load_head
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filters.disagreement import disagreement
from tinysieve.filtering.filters.out_of_fold import OutOfFold
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.filters.pseudo_label import pseudo_label
from tinysieve.filtering.filters.seed_rule import seed_rule
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.ground.atomic_files import replacing, write_text

RESULT = Path(__file__).parent / "results" / "label_quality_classes.json"
WORK = ROOT / "runs" / "benchmark_classes"
WEIGHTS = SHARED / "models" / "yolo11n_int8_openvino_model"
SEEDS_FROM = 4
# The detector's own default.
LEAST_CONFIDENCE = 0.05
FOLDS = 5
# What COCO's detectors call their classes; their number of VOC's classes.
NAMES = NUMBERINGS["coco80"]
COCO = {"person": 0, "bicycle": 1, "car": 2, "motorbike": 3, "aeroplane": 4, "bus": 5, "train": 6, "boat": 8, "bird": 14,
        "cat": 15, "dog": 16, "horse": 17, "sheep": 18, "cow": 19, "bottle": 39, "chair": 56, "sofa": 57, "pottedplant": 58,
        "diningtable": 60, "tvmonitor": 62}
PEERS = {name: PERSON_PEERS[name] for name in ("reference: consensus taught by the truth", "consensus (ours)",
                                               "two signals (ours, default)", "detector alone (policy seed)", "cleanlab")}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is known of the photos that are judged, whatever their labels.

    Args:
        photos: all photos.
        judged: bool [N], those whose labels are given and may change.
        features: float32 [N, D].
        boxes: of one detector, at least for the photos that are judged, each with a class number.
        detector_class: the detector's name of the class.
    """

    photos: Photos
    judged: NDArray[np.bool_]
    features: NDArray[np.float32]
    boxes: Boxes
    detector_class: str


def yolo(photos: Photos, name: str, features: NDArray[np.float32]) -> Evidence:
    """Train photos with YOLO11n's boxes; all of VOC's classes in one pass, so that each further class is free."""
    detector = open_detector(DetectorSettings(WEIGHTS, classes=tuple(NAMES[number] for number in COCO.values())), WORK)
    folder = WORK / f"{detector.name}-{detector.fingerprint}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "detections.parquet").exists():
        boxes: list[np.ndarray] = []
        for start in range(0, len(photos.names), BATCH):
            boxes += boxes_of_batch(detector, [decode(path) for path in photos.paths[start : start + BATCH]])
            print(f"{detector.name} {len(boxes):,}/{len(photos.names):,}", flush=True)
        write_boxes(Boxes.from_lists(photos.names, boxes, detector.classes), folder / "detections.parquet")
    return Evidence(photos, photos.in_split("train"), features, read_boxes(folder / "detections.parquet"), NAMES[COCO[name]])


def shipped_head(photos: Photos, name: str, features: NDArray[np.float32]) -> Evidence:
    """Validation and test photos with the boxes of the shipped head, as `PresenceDetector` makes them; it has not seen them."""
    judged = photos.in_split("val", "test")
    rows = np.flatnonzero(judged)
    sizes = photos.table[["width", "height"]].to_numpy()[rows]
    maps = _activations(photos, rows)[..., head_names().index(name)]
    boxes = [box_row(activation, *size, LEAST_CONFIDENCE) for activation, size in zip(maps, sizes.tolist(), strict=True)]
    classes = BoxClasses(((0, name),), (name,))
    return Evidence(photos, judged, features, Boxes.from_lists([photos.names[row] for row in rows], boxes, classes), name)


def _activations(photos: Photos, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Maps float32 [n, 7, 7, heads] of some photos by all heads: one pass of the backbone for all classes, kept in `runs/`."""
    heads = hashlib.sha256("".join(head_fingerprint(name) for name in head_names()).encode()).hexdigest()[:16]
    cache = WORK / f"activations-{heads}.npy"
    if not cache.exists():
        backbone, parts = Lite0Backbone(), []
        for start in range(0, len(rows), 64):
            images = np.stack([shrink(decode(photos.paths[row])) for row in rows[start : start + 64]])
            maps = backbone.feature_maps(images)
            parts.append(np.stack([load_head(name).activation_maps(maps) for name in head_names()], axis=-1))
        with replacing(cache) as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate(parts))
    return np.load(cache)


SIGNALS = {"yolo": yolo, "shipped_head": shipped_head}


def planted(evidence: Evidence, name: str, rates: tuple[float, float], seed: int) -> Inputs:
    """Labels of the class with planted errors, and what the two signals say, under the default's limits."""
    limits, table = PresenceLimits(), evidence.photos.table
    truth = evidence.photos.held[name].astype(np.int8)
    given = np.where(evidence.judged, plant(truth, evidence.judged, rates, seed), np.int8(UNLABELED)).astype(np.int8)
    p_positive = out_of_fold_probabilities(evidence.features, given, FOLDS, np.random.default_rng(0))
    counted = BoxClasses(evidence.boxes.classes.names, (evidence.detector_class,))
    examined, boxes = align(replace(evidence.boxes, classes=counted), evidence.photos.names)
    sizes = table["width"].to_numpy(), table["height"].to_numpy()
    present = presence(boxes, examined, *sizes, RULES["any"], limits.negative)
    opinions = [disagreement(present, given, limits, "boxes"), pseudo_label(present, given, limits, "boxes"),
                probable_label(p_positive, "out_of_fold", "out_of_fold", OutOfFold().sure)]
    inputs = Inputs(given, truth, evidence.judged, np.stack([1 - p_positive, p_positive], axis=1), evidence.features, None,
                    box_scores(boxes, examined, *sizes, RULES["any"], limits.negative), opinions,
                    seed_rule(presence(boxes, examined, *sizes, RULES["any"], 0.3), given))
    return replace(inputs, once=inputs)


def show(name: str, setting: str, table: dict[str, Any]) -> None:
    """Print the contestants of one class and setting as lines of a Markdown table."""
    for rates, peers in table.items():
        for peer, row in peers.items():
            print(f"| {name} | {setting} | {rates} | {peer} | {row['planted']:.0f} | {row['f1_of_changes']:.3f} ± "
                  f"{row['f1_of_changes_sd']:.3f} | {row['left']:.0f} | {row['newly_wrong']:.0f} | "
                  f"{row['wrong_afterwards_per_planted']:.3f} ± {row['wrong_afterwards_per_planted_sd']:.3f} | "
                  f"{row['dropped_share']:.1%} |", flush=True)


def main() -> None:
    """Every class, setting and rate that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", nargs="+", choices=sorted(COCO), default=["person", "cat", "car", "dog"])
    parser.add_argument("--signals", nargs="+", choices=SIGNALS, default=list(SIGNALS))
    parser.add_argument("--seeds", type=int, default=5, help="plantings, at least 2")
    parser.add_argument("--again", action="store_true", help="measure what has a result too")
    args = parser.parse_args()
    photos, seeds = read_photos(SHARED / "data" / "voc2007_person"), range(SEEDS_FROM, SEEDS_FROM + args.seeds)
    features = features_of(photos, Lite0Backbone(), WORK)
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    columns = ("wrong labels", "F1 of changes", "wrong left", "newly wrong", "wrong after, per planted", "dropped")
    print(f"| class | signals | planted | who | {' | '.join(columns)} |\n|---|---|---|---|{'---:|' * len(columns)}")
    for name in args.classes:
        for signals in args.signals:
            stored, evidence = results.setdefault(name, {}).setdefault(signals, {}), SIGNALS[signals](photos, name, features)
            for setting, rates in RATES.items():
                if setting not in stored or args.again:
                    stored[setting] = contest([planted(evidence, name, rates, seed) for seed in seeds], PEERS)
                    write_text(RESULT, json.dumps(results, indent=1) + "\n")
            show(name, signals, stored)


if __name__ == "__main__":
    main()
