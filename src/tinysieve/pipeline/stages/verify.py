"""Stage `verify`: the mended model against the baseline on the same frozen test images, and against its gates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.ingest import open_pixels
from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.ground.errors import GateMissed
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.near_duplicates import GROUPS, leaked_rows, refuse_leaks
from tinysieve.pipeline.stages.slices import slices_of
from tinysieve.quantize.verdict.verdict import Gates, challenge_line

if TYPE_CHECKING:
    pass
from tinysieve.pipeline.stages.quantize import MODEL
from tinysieve.pipeline.stages.train import BASELINE, MENDED


def _verify(run: Run, folder: Path) -> str:
    from tinysieve.quantize.tflite.io_contract import stated_for
    from tinysieve.quantize.verdict.verify import Evidence, verify

    samples = samples_of(run)
    trained = json.loads((run.at("train-mended") / "train-mended.json").read_text())["version"]
    refuse_leaks(run, versions_of(run).load(trained).labels)
    leaked = {which: leaked_rows(run, versions_of(run).load(version).labels)
              for which, version in ((BASELINE, "0"), (MENDED, trained))}
    rows = np.flatnonzero(samples.in_split("test"))
    images = open_pixels(run.at("ingest"))[samples.numbers("pixel_row")[rows]]
    mended, baseline = ((run.at(f"quantize-{which}") / MODEL).read_bytes() for which in (MENDED, BASELINE))
    quantized = json.loads((run.at("quantize-mended") / "quantize-mended.json").read_text())
    with progress("verify") as report:
        evidence = Evidence(images, samples.labels[rows], _float_logits(run, images), baseline, slices_of(samples, rows),
                            quantized["calibration_rows"], run.config.verify.tflm_images)
        found = verify(mended, evidence, _gates(run.config), np.random.default_rng(run.config.seed),
                       stated_for(samples.classes), stated_for(samples.classes), report)
    np.savez(folder / "logits.npz", rows=rows, int8=found.int8_logits, baseline=np.asarray(found.baseline_logits))
    verdict = found.verdict.to_json() | {
        "test_rows": len(rows), "challenge_line": challenge_line(round(found.verdict.int8.value, 4)),
        "leaked_train_images": {which: None if one is None else len(one) for which, one in leaked.items()},
        "fit": quantized["fit"],
        "worst_mistake_samples": samples.sample_ids.take(rows[list(found.verdict.worst_mistakes)]).to_pylist()}
    (folder / "verify.json").write_text(json.dumps(verdict, indent=1) + "\n")
    return ""


def _float_logits(run: Run, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    from tinysieve.training.fit import trained_mcunet

    load_keras()
    model = trained_mcunet(run.at("train-mended") / "weights.npz")
    return np.asarray(model.predict(images, batch_size=32, verbose=0), np.float32)


def _gates(config: Config) -> Gates:
    return Gates(flash_bytes=config.verify.flash, arena_bytes=config.verify.ram,
                 minimum_accuracy=config.verify.min_accuracy or None)


def require_gates(run: Run) -> None:
    """Raise where the verdict misses a gate.

    Raises:
        GateMissed: names each gate, the limit, what was measured and how.
    """
    verdict = json.loads((run.at("verify") / "verify.json").read_text())
    missed = [budget for budget in verdict["budgets"] if budget["met"] is False]
    if missed:
        raise GateMissed("; ".join(
            f"{one['name']}: {one['measured']:,.10g} {one['unit']} against {one['limit']:,.10g}" for one in missed),
            where=str(run.at("quantize-mended") / MODEL), why="; ".join(one["how"] for one in missed),
            fix="see the report; the gates are settings under 'verify'")


def _verify_settings(config: Config) -> object:
    return config.verify.model_dump() | {"seed": config.seed}




def verify_stage(config: Config) -> Stage:
    """The stage; it looks for near-duplicates of test images where the configuration does."""
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    return Stage("verify", 6, ("ingest", *groups, "train-mended", "quantize-baseline", "quantize-mended"),
                 _verify_settings, _verify)
