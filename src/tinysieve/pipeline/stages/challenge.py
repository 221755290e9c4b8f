"""Stages of the challenge's entry point: the int8 model in 320 KiB of arena, and its accuracy on the whole test split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinysieve.ground.progress import PERCENT
from tinysieve.pipeline.engine.artifacts import Artifact, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of
from tinysieve.pipeline.stages.libraries import VERIFYING
from tinysieve.pipeline.stages.quantize import INT8_MODEL, MODEL, QUANTIZE_BASELINE
from tinysieve.pipeline.stages.train import BASELINE


@dataclass(frozen=True)
class ChallengeTest:
    """Accuracy on `images` test images."""

    accuracy: float
    images: int


CHALLENGE_MODEL_FILE: Artifact[bytes] = Artifact("challenge-fit", MODEL, Path.read_bytes)
CHALLENGE_TEST_FACTS = facts("challenge-test", "challenge-test.json", ChallengeTest)


def _fit(run: Run, folder: Path) -> str:
    """The same answers, bit for bit, in 320 KiB of arena under TFLM: the file is made to be flashed."""
    from tinysieve.quantize.passes.fit_model import Target, fit_model

    with progress("fit", PERCENT) as report:
        fitted = fit_model(INT8_MODEL[BASELINE].of(run), Target(), run.config.seed, report).model
    (folder / MODEL).write_bytes(fitted)
    return ""


def _test(run: Run, folder: Path) -> str:
    """The share of the test images that LiteRT's reference kernels get right."""
    from tinysieve.quantize.interpreters import LiteRTReference

    samples = samples_of(run)
    rows = np.flatnonzero(samples.in_split("test"))
    pixels = PIXELS.of(run)[samples.numbers("pixel_row")[rows]]
    with progress("test") as report:
        logits = LiteRTReference(CHALLENGE_MODEL_FILE.of(run)).predict_logits(pixels, report)
    right = logits.argmax(axis=1) == samples.labels[rows]
    CHALLENGE_TEST_FACTS.write(ChallengeTest(float(right.mean()), len(rows)), folder)
    return ""


CHALLENGE_FIT = Stage(CHALLENGE_MODEL_FILE.stage, 1, (QUANTIZE_BASELINE.name,), lambda config: {"seed": config.seed}, _fit,
                      libraries=VERIFYING)
CHALLENGE_TEST = Stage(CHALLENGE_TEST_FACTS.stage, 1, ("ingest", CHALLENGE_FIT.name), lambda config: {}, _test,
                       libraries=VERIFYING)
