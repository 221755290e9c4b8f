#!/usr/bin/env python3
"""The challenge's entry point: train MCUNet on the folders at hand, quantize it, fit it, evaluate it, write the model.

Run it in a folder with data/train|val|test/person|background ("validation" works as well as "val"); --positive and --negative
name other classes. Without a val or test folder, --holdout 0.1 draws one from train. The architecture and the published recipes
are fixed; whatever you change gets another recipe name that says so. Accuracy is that of LiteRT's reference kernels on the whole
test split. A killed run is continued by the same command, and a second run repeats only what has changed.
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
    parser.add_argument("--holdout", type=float, metavar="SHARE",
                        help="draw val and test, where there is no such folder, from train: this share each, such as 0.1")
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
    # What is measured must be what the user put there: a split is drawn only on demand.
    holdout = dict.fromkeys(("validation", "test"), options.holdout or 0)
    # No filter runs here, so no detector is asked whether it knows the class.
    settings = {"run": folder, "seed": options.seed, "train": {"recipe": recipe}, "policy": {"kind": "default"},
                "task": {"positive": options.positive, "negative": options.negative},
                "dataset": {"source": {"kind": "folders", "images": options.dataset, "holdout": holdout}},
                "filter": {"detector": {"kind": "boxes", "file": folder / "none"}, "presence_head": False}}
    try:
        return Run(config_of(settings), folder)
    except ValidationError as error:
        first = deepest(error)
        option = "holdout" if "holdout" in first["loc"] else str(first["loc"][-1]).replace("_", "-")
        raise InputError(f"--{option}: {first['msg']}") from error


def finished(run: Run) -> tuple[bytes, float]:
    """The fitted int8 model of the labels as they are, and its accuracy: the pipeline's stages, skipped where nothing changed."""
    from tinysieve.pipeline.console.run_tables import announce
    from tinysieve.pipeline.engine.stages import run_stages
    from tinysieve.pipeline.stages.challenge import CHALLENGE_FIT, CHALLENGE_MODEL_FILE, CHALLENGE_TEST, CHALLENGE_TEST_FACTS
    from tinysieve.pipeline.stages.ingest import INGEST
    from tinysieve.pipeline.stages.quantize import QUANTIZE_BASELINE
    from tinysieve.pipeline.stages.train import TRAIN_BASELINE

    run_stages(run, (INGEST, TRAIN_BASELINE, QUANTIZE_BASELINE, CHALLENGE_FIT, CHALLENGE_TEST), announce)
    return CHALLENGE_MODEL_FILE.of(run), CHALLENGE_TEST_FACTS.of(run).accuracy


def say_drawn(run: Run) -> None:
    """What was drawn from train because it had no folder of its own, and what that makes of the accuracy."""
    from tinysieve.pipeline.report.drawn_holdouts import drawn_holdouts
    from tinysieve.pipeline.stages.ingest import INGEST_FACTS

    if said := drawn_holdouts(INGEST_FACTS.of(run).drawn):
        print(f"note: {said}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Exit code 0 fine, 2 the user's input, 3 the environment."""
    options = arguments(argv)
    # Before any backend is loaded: its start-up notes would bury what the run has to say.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from tinysieve.ground.atomic_files import replacing
        from tinysieve.quantize.verdict.verdict import challenge_line

        run = open_run(options)
        model, accuracy = finished(run)
        with replacing(options.output) as temporary:
            temporary.write_bytes(model)
        print(f"wrote {options.output} ({len(model):,} B)", flush=True)
        say_drawn(run)
        print(f"\n\n{challenge_line(round(accuracy, 4))}\n\n", flush=True)
    except TinysieveError as error:
        from tinysieve.dataset.sources.folders import MissingSplit

        if isinstance(error, MissingSplit):
            error.fix += ", or draw it from train: --holdout 0.1"
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
