"""What mending few labels is worth to the network that ships: MCUNet fine-tuned on noisy and on mended labels.

    python benchmarks/few_labels_network.py [--photos 300] [--plantings 3]

A planting draws photos anew from 583 of VOC 2007's 733 validation photos, hides a fifth of the labels and plants wrong ones; the
consensus mends them with what train's photos say of its scores. The recipe `finetune` then learns from both sets of labels with
the planting's seed, the other 150 photos choose the epoch, and the 797 test photos judge the int8 model. With nothing planted the
labels that are called noisy are the true ones. No label of these photos taught the starting weights, whose last epoch was chosen
by the 733.
Writes benchmarks/results/few_labels_network.json; a finished training is not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from few_labels import RATES, YOLO, against, consensus, known_from, summary
from few_labels_inputs import LOOK_AGAIN, Draw, Pool, planted, voc_pools
from own_photos import CALIBRATION, CHOOSING, TUNED
from starting_weights import figures
from voc2007 import open_run

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.packed_pixels import PackedPixels
from tinysieve.filtering.decisions.consensus import Consensus
from tinysieve.filtering.decisions.weight_prior import KnownWeights
from tinysieve.ground.atomic_files import write_text
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.quantize.convert import convert_int8
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.training.fit import fit, trained_mcunet
from tinysieve.training.labelled_images import LabelledImages

RESULT = Path(__file__).parent / "results" / "few_labels_network.json"
LABELS = ("noisy", "consensus")
MEASURES = ("accuracy", "balanced_accuracy")


@dataclass(frozen=True, eq=False)
class Photos:
    """VOC's validation photos that teach, those that choose the epoch, and the test photos.

    Args:
        pool: the V validation photos and what is seen in them.
        pixels: uint8 [rows, 144, 144, 3], packed, of all photos.
        pixel_row: int [V], the row of each validation photo.
        teach: int [T], rows of the pool that draws are made of.
        choose: int [V - T], the other rows.
        test_row: int [W], rows of `pixels` of the test photos.
        test_truth: int8 [W].
        known: what train's photos say of the scores.
    """

    pool: Pool
    pixels: PackedPixels
    pixel_row: np.ndarray
    teach: np.ndarray
    choose: np.ndarray
    test_row: np.ndarray
    test_truth: Codes
    known: Sequence[KnownWeights]

    @classmethod
    def read(cls) -> Photos:
        """From the run whose boxes and features the other benchmarks of few labels judge."""
        train, val, test = voc_pools()
        run = open_run("few_labels_voc", LOOK_AGAIN)
        samples, order = samples_of(run), np.random.default_rng(0).permutation(len(val.truth))
        row, known = samples.numbers("pixel_row"), known_from(train, ((YOLO, False), (YOLO, True)))
        return cls(val, open_pixels(run.at("ingest")), row[samples.in_split("validation")], order[CHOOSING:], order[:CHOOSING],
                   row[samples.in_split("test")], test.truth, known)


def drawn(photos: Photos, count: int, rate: str, seed: int) -> tuple[np.ndarray, Draw]:
    """Rows of `count` photos that teach, and their labels with planted errors."""
    rows = np.sort(np.random.default_rng([seed, count]).permutation(photos.teach)[:count])
    return rows, planted(photos.pool.take(rows), RATES[rate], seed, photos.known)


def labels_of(draw: Draw, name: str) -> Codes:
    """The labels as they were given, or as the consensus leaves them."""
    return draw.given if name == "noisy" else consensus(draw, YOLO, Consensus())


def train_and_answer(photos: Photos, rows: np.ndarray, labels: Codes, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Fine-tune and convert; how it was taught, and the int8 model's answers to the test photos, int64 [W]."""
    teach = photos.pixel_row[rows[labels >= 0]]
    choose = photos.choose
    with tempfile.TemporaryDirectory() as folder:
        made = fit(LabelledImages(photos.pixels, teach, labels[labels >= 0], "train"),
                   LabelledImages(photos.pixels, photos.pixel_row[choose], photos.pool.truth[choose], "validation"), TUNED, seed,
                   Path(folder), lambda done, total: print(f"\r{done:,}/{total:,}", end="", flush=True))
        converted = convert_int8(trained_mcunet(made.weights_path), photos.pixels[teach[:CALIBRATION]], "uint8")
    answers = np.asarray(LiteRTReference(converted).predict_logits(photos.pixels[photos.test_row])).argmax(1)
    return {"photos": len(teach), "best_epoch": made.best_epoch}, answers


def train_and_judge(photos: Photos, rows: np.ndarray, labels: Codes, seed: int) -> dict[str, Any]:
    """Fine-tune, convert, and measure on the test photos."""
    taught, answers = train_and_answer(photos, rows, labels, seed)
    return taught | figures(answers, photos.test_truth)


def gains(trained: dict[str, Any], key: str) -> dict[str, Any]:
    """Accuracy with noisy labels over the plantings, and what mended ones give more."""
    noisy, mended = ([{measure: row[measure] for measure in MEASURES}
                      for place, row in trained.items() if place.startswith(f"{key}, {name},")] for name in LABELS)
    if len(noisy) < 2 or len(mended) < len(noisy):
        return {}
    return {"noisy": summary(noisy), "consensus": {measure: against(mended, noisy, measure) for measure in MEASURES}}


def main() -> None:
    """Every planting, rate and set of labels that has no result yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=300)
    parser.add_argument("--plantings", type=int, default=3)
    options = parser.parse_args()
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {"trained": {}, "gains": {}}
    photos = Photos.read()
    for seed in range(100, 100 + options.plantings):
        for rate in RATES:
            rows, draw = drawn(photos, options.photos, rate, seed)
            for name in LABELS:
                key = f"{options.photos}, {rate}"
                place = f"{key}, {name}, planting {seed}, {TUNED.digest}"
                if place not in results["trained"]:
                    results["trained"][place] = train_and_judge(photos, rows, labels_of(draw, name), seed)
                    write_text(RESULT, json.dumps(results, indent=1) + "\n")
                    print(f"\n{place}: {json.dumps(results['trained'][place])}", flush=True)
                results["gains"][key] = gains(results["trained"], key)
    write_text(RESULT, json.dumps(results, indent=1) + "\n")
    print(json.dumps(results["gains"], indent=1))


if __name__ == "__main__":
    main()
