"""Measure the starting weights that ship: float and int8 accuracy on VOC 2007's test photos, which their training never read.

    python benchmarks/starting_weights.py --voc ../shared/data/voc2007_person

The int8 model is converted as a run converts one, calibrated on 150 train photos, and measured with LiteRT's reference
kernels. Writes benchmarks/results/starting_weights.json. A minute on two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from voc_classes import Photos, read_photos  # noqa: E402

from tinysieve.dataset.images import decode, resize_bilinear  # noqa: E402
from tinysieve.ground.atomic_files import write_text  # noqa: E402
from tinysieve.ground.statistics import confusion, wilson_interval  # noqa: E402
from tinysieve.quantize.convert import convert_int8  # noqa: E402
from tinysieve.quantize.interpreters import LiteRTReference  # noqa: E402
from tinysieve.training.mcunet import build_mcunet  # noqa: E402
from tinysieve.training.starting_weights import MCUNET_PERSON, start_from  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "starting_weights.json"
CALIBRATION, SEED = 150, 0


def main() -> None:
    """Convert once, measure validation and test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voc", type=Path, required=True, help="folder with labels.csv (filename, split, person) and images/")
    photos = read_photos(parser.parse_args().voc)
    model = build_mcunet()
    start_from(model, MCUNET_PERSON)
    rows = np.random.default_rng(SEED).choice(np.flatnonzero(photos.in_split("train")), CALIBRATION, replace=False)
    interpreter = LiteRTReference(convert_int8(model, pixels_of(photos, rows), "uint8"))
    measured: dict[str, Any] = {"weights": MCUNET_PERSON.name, "sha256": MCUNET_PERSON.sha256}
    for split in ("val", "test"):
        rows = np.flatnonzero(photos.in_split(split))
        pixels, labels = pixels_of(photos, rows), photos.table["person"].to_numpy()[rows].astype(np.int64)
        answers = {"float": np.asarray(model.predict(pixels.astype(np.float32), batch_size=32, verbose=0)).argmax(1),
                   "int8": np.asarray(interpreter.predict_logits(pixels)).argmax(1)}
        measured[split] = {name: figures(answer, labels) for name, answer in answers.items()}
        print(split, json.dumps(measured[split]), flush=True)
    write_text(RESULT, json.dumps(measured, indent=1) + "\n")


def pixels_of(photos: Photos, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """uint8 [N, 144, 144, 3], as the network is used."""
    return np.stack([resize_bilinear(decode(photos.paths[row])) for row in rows])


def figures(answers: NDArray[np.int64], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Accuracy with Wilson's 95 % interval, balanced accuracy, and the share of each class that is recognised."""
    right = answers == labels
    interval = wilson_interval(int(right.sum()), len(right))
    return {"images": len(right), "accuracy": float(right.mean()), "interval": [interval.low, interval.high],
            "balanced_accuracy": confusion(answers, labels).balanced_accuracy,
            "persons_recognised": float(right[labels == 1].mean()), "backgrounds_recognised": float(right[labels == 0].mean())}


if __name__ == "__main__":
    main()
