"""What page and cards are made of: the artifacts of a run, each opened once, and what follows from several of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import ClassNames, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.versions import Version
from tinysieve.filtering.evidence.boxes import align
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.engine.words import Change
from tinysieve.pipeline.report.drawn_holdouts import drawn_holdouts
from tinysieve.pipeline.report.file_lists import FileList, file_lists
from tinysieve.pipeline.report.gallery import Album
from tinysieve.pipeline.report.label_counts import CountRow, VersionRow, change_counts, count_rows, version_chain, version_rows
from tinysieve.pipeline.report.planted import planted_counts, truth_file
from tinysieve.pipeline.report.provenance import Provenance, provenance_of
from tinysieve.pipeline.report.reliability_chart import reliabilities
from tinysieve.pipeline.stages.detect import DETECTIONS
from tinysieve.pipeline.stages.ingest import INGEST_FACTS, PIXELS, samples_of, versions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE, eligible_rows
from tinysieve.pipeline.stages.policy_facts import POLICY_FACTS, PolicyFacts
from tinysieve.pipeline.stages.quantize import QUANTIZE_FACTS, CalibrationImage
from tinysieve.pipeline.stages.select_facts import SELECT_FACTS, SelectFacts
from tinysieve.pipeline.stages.train import MENDED, TRAIN_FACTS, TrainFacts
from tinysieve.pipeline.stages.verify import SCORES, VerifyFacts, read_verdict
from tinysieve.quantize.verdict.reliability import Reliability
from tinysieve.training.recipe import Recipe

_LINES_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class ReportSource:
    """A run whose stages up to `verify` have finished.

    Args:
        run: to report on.
        stages: their names, in order, for the provenance.
    """

    run: Run
    stages: tuple[str, ...]

    @property
    def config(self) -> Config:
        """The run's configuration."""
        return self.run.config

    @cached_property
    def samples(self) -> SampleTable:
        """The sample table."""
        return samples_of(self.run)

    @property
    def classes(self) -> ClassNames:
        """What the classes are called."""
        return self.samples.classes

    @cached_property
    def chain(self) -> list[Version]:
        """Versions from 0 to the current one.

        Raises:
            InputError: the mended model was trained on another version.
        """
        chain, trained = version_chain(versions_of(self.run)), TRAIN_FACTS[MENDED].of(self.run).version
        if chain[-1].id != trained:
            raise InputError(f"the labels are version {chain[-1].id}, the mended model was trained on {trained}",
                             why="page and cards speak of one version only",
                             fix="run 'tinysieve run' again, or 'tinysieve checkout' the model's version")
        return chain

    @cached_property
    def labels_digest(self) -> str:
        """SHA-256 of the lines `sample_id,label`, in the order of the ids, each with a line end: says which labels a card means.

        It can be taken from the columns of an export again.
        """
        labels = pc.fill_null(self.classes.states(self.after), "")
        text = pc.binary_join_element_wise(self.samples.sample_ids.combine_chunks(), labels, ",")
        text = text.take(pc.sort_indices(self.samples.sample_ids.combine_chunks()))
        digest = hashlib.sha256()
        for start in range(0, len(text), _LINES_AT_ONCE):
            digest.update("".join(f"{line}\n" for line in text.slice(start, _LINES_AT_ONCE).to_pylist()).encode())
        return digest.hexdigest()

    @property
    def before(self) -> Codes:
        """int8 [N], labels as they came."""
        return self.chain[0].labels

    @property
    def after(self) -> Codes:
        """int8 [N], labels now."""
        return self.chain[-1].labels

    @cached_property
    def verdict(self) -> VerifyFacts:
        """What was measured."""
        return read_verdict(self.run)

    @cached_property
    def policy(self) -> PolicyFacts:
        """What the policy decided."""
        return POLICY_FACTS.of(self.run)

    @cached_property
    def selection(self) -> SelectFacts | None:
        """What the selection kept; None where all photos were to be trained on."""
        return None if self.config.policy.select is None else SELECT_FACTS.of(self.run)

    @cached_property
    def models(self) -> dict[str, TrainFacts]:
        """How each model was trained, by "baseline" and "mended"."""
        return {which: artifact.of(self.run) for which, artifact in TRAIN_FACTS.items()}

    @property
    def recipe(self) -> Recipe:
        """The hyper-parameters that both models share."""
        return self.models[MENDED].recipe

    @cached_property
    def calibration(self) -> tuple[CalibrationImage, ...]:
        """The images that set the int8 ranges of the mended model."""
        return QUANTIZE_FACTS[MENDED].of(self.run).calibration

    @property
    def calibration_digest(self) -> str:
        """SHA-256 of these images' ids, which are hashes of their content."""
        return hashlib.sha256("\n".join(image.sample_id for image in self.calibration).encode()).hexdigest()

    @cached_property
    def queue(self) -> pa.Table:
        """The review queue, most doubtful first."""
        return REVIEW_QUEUE.of(self.run)

    @cached_property
    def change(self) -> Change:
        """How the labels changed, in figures."""
        queued = self.samples.rows_of(self.queue["sample_id"].combine_chunks())
        return Change(self.classes, change_counts(self.before, self.after, self.classes),
                      int(eligible_rows(self.run, self.samples).sum()), self.queue.num_rows,
                      int((self.before != self.after)[queued].sum()), tuple(version.note for version in self.chain[1:]))

    @cached_property
    def versions(self) -> tuple[VersionRow, ...]:
        """The chain, a row a version."""
        return version_rows(self.samples, self.chain)

    @cached_property
    def counts(self) -> tuple[CountRow, ...]:
        """Images by split and label."""
        return count_rows(self.samples, self.before, self.after)

    @cached_property
    def files(self) -> tuple[FileList, ...]:
        """Files that became no sample."""
        return file_lists(self.run)

    @property
    def drawn_holdouts(self) -> str:
        """What it does to the accuracies that held-out photos were drawn from train; "" where the source has its own."""
        return drawn_holdouts(INGEST_FACTS.of(self.run).drawn, self.config.dataset.source.label_noise)

    @cached_property
    def planted(self) -> dict[str, int] | None:
        """What became of planted wrong labels; None where no truth is known."""
        truth = truth_file(self.config.dataset.source.images)
        return None if truth is None else planted_counts(self.samples, self.before, self.after, truth)

    @cached_property
    def reliability(self) -> dict[str, Reliability]:
        """Of the int8 scores on the test images, by "baseline" and "mended"."""
        return reliabilities(SCORES.of(self.run), self.samples)

    @cached_property
    def album(self) -> Album:
        """What thumbnails are made of."""
        _, boxes = align(DETECTIONS.of(self.run), self.samples.sample_ids)
        return Album(self.samples, PIXELS.of(self.run), boxes, self.config.filter.boxes.negative)

    @cached_property
    def provenance(self) -> Provenance:
        """Keys, hashes, settings and packages of the run."""
        return provenance_of(self.run, self.stages)
