#!/usr/bin/env python3
"""The challenge's entry point: train MCUNet on the folders at hand, quantize it, fit it, evaluate it, write the model.

Run it in a folder with data/train|val|test/person|background ("validation" works as well as "val"); --positive and --negative
name other classes. The architecture and the
published recipes are fixed; whatever you change gets another recipe name that says so. Accuracy is that of LiteRT's reference
kernels on the whole test split. A killed run is continued by the same command.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.ground.errors import InputError, TinysieveError
from tinysieve.training.recipe import RECIPES

if TYPE_CHECKING:
    from tinysieve.pipeline.engine.stages import Run

MODEL_FILE = "wv_quality_mcunet-320kb-1mb_vww.tflite"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", type=Path, default=Path("data"), help="has train, val, test (default: data)")
    parser.add_argument("--positive", default="person", help="folder of the class to be detected (default: person)")
    parser.add_argument("--negative", default="background", help="folder of its absence (default: background)")
    parser.add_argument("--recipe", default="challenge-1", choices=RECIPES, help="default: challenge-1")
    parser.add_argument("--epochs", type=int, help="other number of epochs; the recipe is then another one, by name")
    parser.add_argument("--batch-size", type=int, help="other batch size; likewise")
    parser.add_argument("--seed", type=int, default=11, help="of everything random (default: 11)")
    parser.add_argument("--output", type=Path, default=Path(MODEL_FILE), help=f"default: {MODEL_FILE}")
    parser.add_argument("--work", type=Path, help="folder for packed images and training state (default: OUTPUT.work)")
    return parser.parse_args(argv)


def open_run(options: argparse.Namespace) -> Run:
    """The pipeline's run with only these folders and this recipe in it."""
    from pydantic import ValidationError

    from tinysieve.pipeline.config.read import deepest
    from tinysieve.pipeline.config.sections import config_of
    from tinysieve.pipeline.engine.stages import Run

    if not options.output.parent.is_dir():
        raise InputError(f"{options.output.parent} is not a folder", where="--output", fix="make it, or write elsewhere")
    folder = options.work or options.output.with_suffix(".work")
    recipe = {"base": options.recipe, "epochs": options.epochs, "batch_size": options.batch_size}
    # No filter runs here, so no detector is asked whether it knows the class.
    settings = {"run": folder, "seed": options.seed, "train": {"recipe": recipe}, "policy": {"kind": "default"},
                "task": {"positive": options.positive, "negative": options.negative},
                "dataset": {"source": {"kind": "folders", "images": options.dataset}},
                "filter": {"detector": {"kind": "boxes", "file": folder / "none"}, "presence_head": False}}
    try:
        return Run(config_of(settings), folder)
    except ValidationError as error:
        first = deepest(error)
        raise InputError(f"--{str(first['loc'][-1]).replace('_', '-')}: {first['msg']}") from error


def train_and_quantize(run: Run) -> bytes:
    """The int8 model of the labels as they are: the pipeline's own stages, skipped where nothing changed."""
    from tinysieve.pipeline.console.run_tables import announce
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.stages.ingest import INGEST
    from tinysieve.pipeline.stages.quantize import MODEL, QUANTIZE_BASELINE
    from tinysieve.pipeline.stages.train import TRAIN_BASELINE

    run_stages(run, (INGEST, TRAIN_BASELINE, QUANTIZE_BASELINE), announce)
    return (run.at(QUANTIZE_BASELINE.name) / MODEL).read_bytes()


def fitted(run: Run, model: bytes) -> bytes:
    """The same answers, bit for bit, in 320 KiB of arena under TFLM: the file is made to be flashed."""
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.quantize.passes.fit_model import Target, fit_model

    with progress("fit", "steps") as report:
        return fit_model(model, Target(), run.config.seed, report).model


def accuracy(run: Run, model: bytes) -> float:
    """Share of the test images that LiteRT's reference kernels get right."""
    import numpy as np

    from tinysieve.dataset.ingest import open_pixels
    from tinysieve.pipeline.engine.progress_display import progress
    from tinysieve.pipeline.stages.ingest import samples_of
    from tinysieve.quantize.interpreters import LiteRTReference

    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("test"))
    pixels = open_pixels(run.at("ingest"))[samples.numbers("pixel_row")[rows]]
    with progress("test") as report:
        logits = LiteRTReference(model).predict_logits(pixels, report)
    return float((logits.argmax(axis=1) == samples.labels[rows]).mean())


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 fine, 2 the user's input, 3 the environment."""
    options = arguments(argv)
    # Before any backend is loaded: its start-up notes would bury what the run has to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from tinysieve.ground.atomic_files import replacing
        from tinysieve.quantize.verdict.verdict import challenge_line

        run = open_run(options)
        model = fitted(run, train_and_quantize(run))
        with replacing(options.output) as temporary:
            temporary.write_bytes(model)
        print(f"wrote {options.output} ({len(model):,} B)", flush=True)
        print(f"\n\n{challenge_line(round(accuracy(run, model), 4))}\n\n", flush=True)
    except TinysieveError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
