"""What the shipped starting weights are worth to somebody with some six hundred photos: fine-tuned against trained from noise.

    python benchmarks/own_photos.py --voc ../shared/data/voc2007_person [--seeds 2]

583 of VOC 2007's 733 validation photos teach, the other 150 choose the epoch, the 797 test photos judge; int8, LiteRT's
reference kernels. The starting weights' own training took its last epoch by these 733 photos, and never learnt from them.
`finetune` starts from the weights and trains the last six blocks; the second training was its first form, which trained all of
them at 3e-4; the third is the same from noise, at Adam's usual 1e-3. Six blocks at 1e-4 were chosen by the loss on the 150.
Writes benchmarks/results/own_photos.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from starting_weights import figures, pixels_of  # noqa: E402
from voc_classes import read_photos  # noqa: E402

from tinysieve.ground.atomic_files import write_text  # noqa: E402
from tinysieve.quantize.convert import convert_int8  # noqa: E402
from tinysieve.quantize.interpreters import LiteRTReference  # noqa: E402
from tinysieve.training.fit import fit, trained_mcunet  # noqa: E402
from tinysieve.training.labelled_images import LabelledImages  # noqa: E402
from tinysieve.training.recipe import RECIPES  # noqa: E402

RESULT = ROOT / "benchmarks" / "results" / "own_photos.json"
CHOOSING, CALIBRATION = 150, 150
TUNED = RECIPES["finetune"]
ALL_BLOCKS = replace(TUNED, name="finetune, all blocks at 3e-4", frozen_blocks=0, learning_rate=3e-4)
FROM_NOISE = replace(TUNED, name="finetune from noise", start=None, frozen_blocks=0, learning_rate=1e-3)


def main() -> None:
    """Each recipe with each seed; every training is stored when it is done."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voc", type=Path, required=True, help="folder with labels.csv (filename, split, person) and images/")
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args()
    photos = read_photos(options.voc)
    rows = np.flatnonzero(photos.in_split("val", "test"))
    pixels, labels = pixels_of(photos, rows), photos.table["person"].to_numpy()[rows].astype(np.int64)
    val, test = np.flatnonzero(photos.in_split("val")[rows]), np.flatnonzero(photos.in_split("test")[rows])
    val = np.random.default_rng(0).permutation(val)
    teach, choose = val[CHOOSING:], val[:CHOOSING]
    measured: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for recipe in (TUNED, ALL_BLOCKS, FROM_NOISE):
        for seed in range(options.seeds):
            key = f"{recipe.name}, seed {seed}, {recipe.digest}"
            if key in measured:
                continue
            with tempfile.TemporaryDirectory() as folder:
                made = fit(LabelledImages(pixels, teach, labels[teach], "train"),
                           LabelledImages(pixels, choose, labels[choose], "validation"), recipe, seed, Path(folder),
                           lambda done, total: print(f"\r{done:,}/{total:,}", end="", flush=True))
                converted = convert_int8(trained_mcunet(made.weights_path), pixels[teach[:CALIBRATION]], "uint8")
            interpreter = LiteRTReference(converted)
            answers = np.asarray(interpreter.predict_logits(pixels[test])).argmax(1)
            measured[key] = {"best_epoch": made.best_epoch, "photos": len(teach)} | figures(answers, labels[test])
            write_text(RESULT, json.dumps(measured, indent=1) + "\n")
            print(f"\n{key}: {json.dumps(measured[key])}", flush=True)


if __name__ == "__main__":
    main()
