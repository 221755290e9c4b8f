"""A finished run as its folder records it, without the configuration it was made with: what `compare` reads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.records import RECORD, Record, read_record
from tinysieve.pipeline.stages.ingest import SAMPLES, version_store
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED, TRAIN_FACTS, TrainFacts
from tinysieve.pipeline.stages.verify import SCORES, VERDICT, VerifyFacts

STAGES = ("ingest", "detect", "embed", "policy", "train-mended", "quantize-mended", "verify")


@dataclass(frozen=True)
class RecordedRun:
    """A run folder whose stages up to `verify` have finished, from one ingest.

    Args:
        folder: of the run.
        records: what each stage's `stage.json` says, by stage.
    """

    folder: Path
    records: dict[str, Record]

    @cached_property
    def verdict(self) -> VerifyFacts:
        """What stage `verify` measured."""
        return VERDICT.of_folder(self.folder)

    @cached_property
    def trained(self) -> TrainFacts:
        """How the mended model was trained."""
        return TRAIN_FACTS[MENDED].of_folder(self.folder)

    @cached_property
    def samples(self) -> SampleTable:
        """The sample table."""
        return SAMPLES.of_folder(self.folder)

    def version(self, reference: str) -> Version:
        """A version of the labels; see `VersionStore.load`."""
        return version_store(self.folder).load(reference)

    @cached_property
    def trained_version(self) -> Version:
        """The labels that the mended model was trained on, whatever is current now."""
        return self.version(self.trained.version)

    @cached_property
    def model_sha256(self) -> str:
        """Of the mended int8 model, hexadecimal."""
        return hashlib.sha256(INT8_MODEL[MENDED].of_folder(self.folder)).hexdigest()

    def answers(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows of the test images and the mended int8 model's answers there, both int64 [N]; 0 background, 1 person.

        Raises:
            InputError: a row that the sample table does not have.
        """
        stored = SCORES.of_folder(self.folder)
        rows, logits = stored.rows, stored.int8
        if len(rows) != len(logits) or (len(rows) and not 0 <= rows.min() <= rows.max() < len(self.samples)):
            raise InputError(f"scores of {len(logits)} images for {len(rows)} rows of {len(self.samples)} samples",
                             where=str(self.folder / "verify"), why="they are of another ingest",
                             fix="run 'tinysieve verify' again")
        return rows, logits.argmax(axis=1).astype(np.int64)


def open_recorded(folder: Path) -> RecordedRun:
    """Read a run folder.

    Raises:
        InputError: it is no run, a stage is missing, or the stages do not follow each other.
    """
    if not folder.is_dir():
        raise InputError("there is no such run folder", where=str(folder), fix="give the folder that 'run:' names")
    records = {name: _record(folder, name) for name in STAGES}
    for name, record in records.items():
        for needed, identity in record.parts["needs"].items():
            if needed in records and records[needed].identity != identity:
                raise InputError(f"stage '{name}' is older than stage '{needed}', which it reads", where=str(folder),
                                 why="the run's parts do not belong together", fix="run 'tinysieve verify' of this run first")
    return RecordedRun(folder, records)


def _record(folder: Path, name: str) -> Record:
    record = read_record(folder / name)
    if record is None and not (folder / name / RECORD).exists():
        raise InputError(f"stage '{name}' has not finished", where=str(folder), why="only finished runs can be compared",
                         fix="run 'tinysieve verify' of this run first")
    if record is None:
        raise InputError("a stage's record cannot be read", where=str(folder / name / RECORD),
                         fix="remove its folder and run again")
    return record
