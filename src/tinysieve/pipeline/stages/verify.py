"""Stage `verify`: the mended model against the baseline on the same frozen test images, and against its gates."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.ingest import open_pixels
from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.ground.errors import GateMissed, InputError
from tinysieve.ground.json_text import read_object
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.quiet_imports import load_keras
from tinysieve.pipeline.engine.records import require_recorded
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.libraries import VERIFYING
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
        "fit": quantized["fit"], "models": {MENDED: _sha256(mended), BASELINE: _sha256(baseline)},
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
        InputError: see `read_verdict`.
    """
    missed = [budget for budget in read_verdict(run)["budgets"] if budget["met"] is False]
    if missed:
        raise GateMissed("; ".join(
            f"{one['name']}: {one['measured']:,.10g} {one['unit']} against {one['limit']:,.10g}" for one in missed),
            where=str(run.at("quantize-mended") / MODEL), why="; ".join(one["how"] for one in missed),
            fix="see the report; the gates are settings under 'verify'")


def read_verdict(run: Run) -> dict[str, Any]:
    """What `verify.json` says, held against what was measured: the models, and the scores of the test images.

    Raises:
        InputError: a file is not as its stage left it, the verdict is of another model, or its accuracy not that of its scores.
    """
    path = require_recorded(run.at("verify"), "verify.json")
    verdict = read_object(path)
    for which in (MENDED, BASELINE):
        model = require_recorded(run.at(f"quantize-{which}"), MODEL)
        if _sha256(model.read_bytes()) != verdict["models"][which]:
            raise InputError(f"the verdict is of another {which} model", where=str(model), why="its SHA-256 is not the verdict's",
                             fix="run 'tinysieve verify' again")
    if verdict["int8"]["value"] != _measured_accuracy(run):
        raise InputError("the verdict's accuracy is not that of its scores", where=str(path), why="it was changed",
                         fix="remove the folder 'verify' of the run, and run 'tinysieve verify' again")
    return verdict


def _measured_accuracy(run: Run) -> float:
    with np.load(require_recorded(run.at("verify"), "logits.npz"), allow_pickle=False) as file:
        return float((file["int8"].argmax(1) == samples_of(run).labels[file["rows"]]).mean())


def _sha256(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()


def _verify_settings(config: Config) -> object:
    return config.verify.model_dump() | {"seed": config.seed}




def verify_stage(config: Config) -> Stage:
    """The stage; it looks for near-duplicates of test images where the configuration does."""
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    return Stage("verify", 7, ("ingest", *groups, "train-mended", "quantize-baseline", "quantize-mended"),
                 _verify_settings, _verify, libraries=VERIFYING)
