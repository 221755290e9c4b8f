"""A run with just enough for a review: forty small pictures ingested, boxes and opinions written by hand, a queue over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tiny_run import make_images, write_config

from tinysieve.dataset.classes import NEGATIVE, POSITIVE
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.boxes import Boxes, write_boxes
from tinysieve.filtering.opinion import opine
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.opinions import opinions_by


@dataclass(frozen=True)
class ReviewRun:
    """The run, its configuration file, and a queue of all samples outside the test split, in table order."""

    config: Path
    run: Run
    queue: Path

    @property
    def samples(self) -> SampleTable:
        return samples_of(self.run)

    @property
    def asked(self) -> list[str]:
        """Ids in the queue."""
        return [line.split(",")[0] for line in self.queue.read_text().splitlines()[1:]]


def make_review_run(base: Path) -> ReviewRun:
    """Every picture has one box over its left half; one filter is sure of persons, one less sure of backgrounds."""
    make_images(base / "images")
    config = write_config(base / "config.yaml", base / "images", base / "run")
    run = Run(load_config(config, ()), base / "run")
    run_stages(run, stages_until(run.config, "ingest"), lambda status: None)
    samples = samples_of(run)
    count, half = len(samples), np.array([[0, 0, 105, 150, 0.9, 0]])
    (run.at("detect")).mkdir()
    write_boxes(Boxes.from_lists(samples.sample_ids.to_pylist(), [half] * count), run.at("detect") / "detections.parquet")
    for name, proposal, confidence in (("disagreement", POSITIVE, 0.9), ("out_of_fold", NEGATIVE, 0.2)):
        opinions_by(name).path(run).parent.mkdir(parents=True)
        opine(name, name, [(np.ones(count, bool), proposal, "it says so")], np.full(count, confidence), "nothing").save(
            opinions_by(name).path(run))
    queue = base / "queue.csv"
    lines = [f"{row['sample_id']},person,boxes: one box; out_of_fold: out_of_fold says background"
             for row in samples.table.to_pylist() if row["split"] != "test"]
    queue.write_text("\n".join(["sample_id,proposed,reason", *lines]) + "\n")
    return ReviewRun(config, run, queue)
