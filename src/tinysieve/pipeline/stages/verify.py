"""Stage `verify`: the mended model against the baseline on the same frozen test images, and against its gates."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import GateMissed, InputError
from tinysieve.ground.progress import PERCENT, Progress, part
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact, Facts, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import FROZEN_TEST, PIXELS, freeze_test, samples_of, versions_of
from tinysieve.pipeline.stages.libraries import VERIFYING
from tinysieve.pipeline.stages.near_duplicates import GROUPS, leaked_rows, refuse_leaks
from tinysieve.pipeline.stages.quantize import INT8_MODEL, QUANTIZE_FACTS, FitFacts
from tinysieve.pipeline.stages.slices import slices_of
from tinysieve.pipeline.stages.train import BASELINE, MENDED, TRAIN_FACTS, WEIGHTS
from tinysieve.quantize.verdict.verdict import Gates, Verdict, challenge_line

# Images that the float model answers between two reports, and the share of the work that it is.
FLOAT_AT_ONCE, FLOAT = 128, 0.3


@dataclass(frozen=True, kw_only=True)
class VerifyFacts(Verdict):
    """The verdict on the mended model, with what only the run knows beside it.

    Args:
        test_rows: images of the frozen test split.
        challenge_line: as the challenge's own script prints the accuracy.
        leaked_train_images: near-duplicates of test images that each model was trained on, by "baseline" and "mended"; None, or
            no entry, where near-duplicates were not looked for.
        fit: what fitting made of the model.
        models: SHA-256 of the measured models, by "baseline" and "mended".
        worst_mistake_samples: ids of the most confident wrong answers, worst first.
    """

    test_rows: int
    challenge_line: str
    leaked_train_images: dict[str, int | None] = field(default_factory=dict)
    fit: FitFacts | None = None
    models: dict[str, str] = field(default_factory=dict)
    worst_mistake_samples: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StoredScores:
    """Scores of both int8 models on the test images.

    Args:
        rows: int64 [N], rows of the sample table.
        int8, baseline: float32 [N, 2] of the mended model and of the baseline, columns in the order of the class codes.
    """

    rows: NDArray[np.int64]
    int8: NDArray[np.float32]
    baseline: NDArray[np.float32]


def _read_scores(path: Path) -> StoredScores:
    with np.load(path, allow_pickle=False) as file:
        return StoredScores(np.asarray(file["rows"], np.int64), file["int8"], file["baseline"])


def _write_verdict(verdict: VerifyFacts, path: Path) -> None:
    # With what follows from the figures too (which gates are missed, whether it is better): `--json` prints this file.
    write_text(path, json.dumps(verdict.to_json(), indent=1) + "\n")


VERDICT: Facts[VerifyFacts] = replace(facts("verify", "verify.json", VerifyFacts), write_to=_write_verdict)
SCORES = Artifact("verify", "logits.npz", _read_scores)


def _verify(run: Run, folder: Path) -> str:
    from tinysieve.quantize.tflite.io_contract import stated_for
    from tinysieve.quantize.verdict.verify import Evidence, verify

    freeze_test(run)
    samples = samples_of(run)
    trained = TRAIN_FACTS[MENDED].of(run).version
    refuse_leaks(run, versions_of(run).load(trained).labels)
    leaked = {which: leaked_rows(run, versions_of(run).load(version).labels)
              for which, version in ((BASELINE, "0"), (MENDED, trained))}
    rows = np.flatnonzero(samples.in_split("test"))
    images = PIXELS.of(run)[samples.numbers("pixel_row")[rows]]
    quantized = QUANTIZE_FACTS[MENDED].of(run)
    with progress("verify", PERCENT) as report:
        evidence = Evidence(images, samples.labels[rows], _float_logits(run, images, part(report, 0, FLOAT)),
                            INT8_MODEL[BASELINE].of(run), slices_of(samples, rows), quantized.calibration_rows,
                            run.config.verify.tflm_images)
        measured = verify(INT8_MODEL[MENDED].of(run), evidence, _gates(run.config), np.random.default_rng(run.config.seed),
                          stated_for(samples.classes), stated_for(samples.classes), part(report, FLOAT, 1))
    np.savez(folder / SCORES.file, rows=rows, int8=measured.int8_logits, baseline=np.asarray(measured.baseline_logits))
    VERDICT.write(VerifyFacts(
        **vars(measured.verdict), test_rows=len(rows), challenge_line=challenge_line(round(measured.verdict.int8.value, 4)),
        leaked_train_images={which: None if copies is None else len(copies) for which, copies in leaked.items()},
        fit=quantized.fit, models={which: _sha256(INT8_MODEL[which].of(run)) for which in (MENDED, BASELINE)},
        worst_mistake_samples=tuple(samples.sample_ids.take(rows[list(measured.verdict.worst_mistakes)]).to_pylist())), folder)
    return ""


def _float_logits(run: Run, images: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
    model, logits = WEIGHTS[MENDED].of(run), []
    for start in range(0, len(images), FLOAT_AT_ONCE):
        progress(start, len(images))
        logits.append(model.predict(images[start:start + FLOAT_AT_ONCE], batch_size=32, verbose=0))
    return np.concatenate(logits).astype(np.float32)


def _gates(config: Config) -> Gates:
    return Gates(flash_bytes=config.verify.flash, arena_bytes=config.verify.ram,
                 minimum_accuracy=config.verify.min_accuracy or None)


def require_gates(run: Run) -> None:
    """Raise where the verdict misses a gate.

    Raises:
        GateMissed: names each gate, the limit, what was measured and how.
        InputError: see `read_verdict`.
    """
    missed = read_verdict(run).gates_missed
    if missed:
        raise GateMissed("; ".join(
            f"{gate.name}: {gate.measured:,.10g} {gate.unit} against {gate.limit:,.10g}" for gate in missed),
            where=str(INT8_MODEL[MENDED].path(run)), why="; ".join(gate.how for gate in missed),
            fix="see the report; the gates are settings under 'verify'")


def read_verdict(run: Run) -> VerifyFacts:
    """The verdict, held against what was measured: the models, and the scores of the test images.

    Raises:
        InputError: a file is not as its stage left it, the verdict is of another model, or its accuracy not that of its scores.
    """
    verdict = VERDICT.of(run)
    for which in (MENDED, BASELINE):
        if _sha256(INT8_MODEL[which].of(run)) != verdict.models.get(which):
            raise InputError(f"the verdict is of another {which} model", where=str(INT8_MODEL[which].path(run)),
                             why="its SHA-256 is not the verdict's", fix="run 'tinysieve verify' again")
    scores = SCORES.of(run)
    measured = float((scores.int8.argmax(axis=1) == samples_of(run).labels[scores.rows]).mean())
    if verdict.int8.value != measured:
        raise InputError("the verdict's accuracy is not that of its scores", where=str(VERDICT.path(run)), why="it was changed",
                         fix="remove the folder 'verify' of the run, and run 'tinysieve verify' again")
    return verdict


def _sha256(model: bytes) -> str:
    return hashlib.sha256(model).hexdigest()


def _verify_settings(config: Config) -> object:
    return config.verify.model_dump() | {"seed": config.seed}


def verify_stage(config: Config) -> Stage:
    """The stage; it looks for near-duplicates of test images where the configuration does."""
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    return Stage("verify", 8, ("ingest", *groups, "train-mended", "quantize-baseline", "quantize-mended"),
                 _verify_settings, _verify, libraries=VERIFYING,
                 # Without it a later ingest would compare its test split with nothing.
                 elsewhere=lambda run: (run.folder / FROZEN_TEST,))
