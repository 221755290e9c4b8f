#!/usr/bin/env python3
"""The challenge's entry point: train MCUNet on the folders at hand, quantize it, evaluate it, write the model.

Run it in a folder with data/train|val|test/person|background ("validation" works as well as "val"). The architecture
and the published recipes are fixed; whatever you change gets another recipe name that says so. Accuracy is that of
LiteRT's reference kernels on the whole test split. A killed run is continued by the same command.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.errors import InputError, TinysieveError
from training.recipe import RECIPES, Recipe, derive, recipe_named

if TYPE_CHECKING:
    from training.folder_images import FolderImages

MODEL_FILE = "wv_quality_mcunet-320kb-1mb_vww.tflite"
Progress = Callable[[int, int], None]


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # MLCube gives the task's name first.
    parser.add_argument("task", nargs="?", choices=["train"], default="train", help=argparse.SUPPRESS)
    parser.add_argument("--dataset", type=Path, default=Path("data"), help="has train, val, test (default: data)")
    parser.add_argument("--recipe", default="challenge-1", help=f"{', '.join(RECIPES)} (default: challenge-1)")
    parser.add_argument("--epochs", type=int, help="other number of epochs; the recipe is then another one, by name")
    parser.add_argument("--batch-size", type=int, help="other batch size; likewise")
    parser.add_argument("--seed", type=int, default=11, help="of everything random (default: 11)")
    parser.add_argument("--output", type=Path, default=Path(MODEL_FILE), help=f"default: {MODEL_FILE}")
    parser.add_argument("--work", type=Path, help="folder for packed images and training state (default: OUTPUT.work)")
    return parser.parse_args(argv)


def chosen_recipe(options: argparse.Namespace) -> Recipe:
    """The published recipe, or one derived from it under another name."""
    changes = {"epochs": options.epochs, "batch_size": options.batch_size}
    return derive(recipe_named(options.recipe), **{key: value for key, value in changes.items() if value is not None})


def run(options: argparse.Namespace) -> float:
    """Pack, train, quantize, write, evaluate; returns the test accuracy in [0, 1]."""
    recipe = chosen_recipe(options)
    if not options.output.parent.is_dir():
        missing = f"{options.output.parent} is not a folder"
        raise InputError(missing, where="--output", fix="make it, or write elsewhere")
    work = options.work or options.output.with_suffix(".work")
    print(f"recipe {recipe.name}: batch {recipe.batch_size}, {recipe.epochs} epochs, {recipe.source}", flush=True)
    images = packed(options.dataset, work)
    result = train(images, recipe, options.seed, work)
    print(f"best epoch {result.best_epoch}: validation accuracy {result.best_validation_accuracy:.4f}", flush=True)
    model = quantized(images, result.weights_path, options.seed)
    from dataset.atomic import replacing

    with replacing(options.output) as temporary:
        temporary.write_bytes(model)
    print(f"wrote {options.output} ({len(model):,} B)", flush=True)
    return accuracy(model, images)


def packed(dataset: Path, work: Path) -> FolderImages:
    """All images at the model's size, decoded once; a later run with the same files reads them from `work`."""
    from training.folder_images import pack_folders

    images = pack_folders(dataset, work, console("pack"))
    for name, reason in images.broken[:10]:
        print(f"left out {name}: {reason}", file=sys.stderr)
    if len(images.broken) > 10:
        print(f"left out {len(images.broken) - 10} more; all are in {work / 'quarantine.csv'}", file=sys.stderr)
    return images


def train(images: FolderImages, recipe: Recipe, seed: int, work: Path):
    """A fit in a folder of its own for each recipe and seed, so that no two runs meet."""
    from training.fit import fit

    folder = work / f"{recipe.digest}-seed{seed}-{images.digest[:12]}"
    return fit(images.split("train"), images.split("validation"), recipe, seed, folder, console("train"))


def quantized(images: FolderImages, weights: Path, seed: int) -> bytes:
    """Full-integer int8 with uint8 input and output; 150 training images of both classes set the ranges."""
    import numpy as np

    from quantize.calibration import CHALLENGE_COUNT, choose_calibration
    from quantize.convert import convert_int8
    from training.fit import trained_mcunet

    source = images.split("train")
    rows = choose_calibration(source.labels, CHALLENGE_COUNT, np.random.default_rng(seed))
    return convert_int8(trained_mcunet(weights), np.asarray(source.pixels[source.rows[rows]]), "uint8")


def accuracy(model: bytes, images: FolderImages) -> float:
    """Share of the test images that LiteRT's reference kernels get right."""
    from quantize.interpreters import LiteRTReference

    test = images.split("test")
    logits = LiteRTReference(model).predict_logits(test.pixels[test.rows], console("test"))
    return float((logits.argmax(axis=1) == test.labels).mean())


def console(title: str) -> Progress:
    """Progress with rate and time to go: one moving line on a terminal, a plain line every 30 seconds elsewhere."""
    clock = {"calls": 0, "begin": 0.0, "base": 0, "shown": 0.0}
    pause = 0.2 if sys.stderr.isatty() else 30.0

    def show(done: int, total: int) -> None:
        now = time.monotonic()
        clock["calls"] += 1
        if clock["calls"] <= 2:  # what comes before the second report is start-up: it would spoil the rate
            clock.update(begin=now, base=done)
        if (now - clock["shown"] < pause and done < total) or now == clock["begin"]:
            return
        clock["shown"] = now
        rate = (done - clock["base"]) / (now - clock["begin"])
        left = f"{(total - done) / rate / 60:.1f} min to go" if rate > 0 else ""
        end = "\r" if sys.stderr.isatty() and done < total else "\n"
        line = f"{title}: {done:,} of {total:,} images, {rate:.0f} images/s, {left}   "
        print(line, end=end, file=sys.stderr, flush=True)

    return show


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 fine, 2 the user's input, 3 the environment."""
    options = arguments(argv)
    # Before any backend is loaded: its start-up notes would bury what the run has to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        print(f"\n\nTflite model test accuracy: {run(options):.4f}\n\n", flush=True)
    except TinysieveError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
