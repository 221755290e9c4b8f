"""A run over forty real photos with everything that is shown in FiftyOne: ingest is real, evidence is written by hand."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
from tiny_run import write_config

from tinysieve.dataset.classes import NEGATIVE, POSITIVE
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.boxes import Boxes, write_boxes
from tinysieve.filtering.opinion import ABSTAIN, opine
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.explore.points import points_file
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.consensus import BELIEFS
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.near_duplicates import GROUPS
from tinysieve.pipeline.stages.opinions import measures_by, opinions_by
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE

PLACES = (("train", 12), ("val", 4), ("test", 4))
UNLABELED_PHOTOS = 4


def copy_photos(data: Path, root: Path) -> None:
    """The first photos of each class as folders, and a few whose label is kept back."""
    with (data / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = {word: iter([row["filename"] for row in rows if row["person"] == digit])
             for word, digit in (("person", "1"), ("background", "0"))}
    wanted = [(f"{split}/{word}", count) for split, count in PLACES for word in names]
    wanted.append(("unlabeled_images", UNLABELED_PHOTOS))
    for place, count in wanted:
        (root / place).mkdir(parents=True)
        word = place.rpartition("/")[2]
        for _ in range(count):
            name = next(names.get(word, names["person"]))
            shutil.copyfile(data / "images" / name, root / place / name)


def make_explore_run(data: Path, base: Path) -> tuple[Run, Path]:
    """The run and its configuration.

    The detector sees one box, the left half, in every photo and votes person in all; the classifier votes background in the
    first half of the table and abstains in the second. The queue asks for the last two samples of train, last first.
    """
    copy_photos(data, base / "images")
    config = write_config(base / "config.yaml", base / "images", base / "run")
    run = Run(load_config(config, ()), base / "run")
    run_stages(run, stages_until(run.config, "ingest"), lambda status: None)
    samples = samples_of(run)
    count = len(samples)
    for stage in ("detect", "embed", "near-duplicates", "filters/disagreement", "filters/out_of_fold", "policy"):
        run.at(stage).mkdir(parents=True)
    half = [np.array([[0, 0, width / 2, height, 0.9, 0]])
            for width, height in zip(samples.numbers("width"), samples.numbers("height"), strict=True)]
    write_boxes(Boxes.from_lists(samples.sample_ids.to_pylist(), half), run.at("detect") / "detections.parquet")
    first = np.arange(count) < count // 2
    opine("disagreement", "boxes", [(np.ones(count, bool), POSITIVE, "a box")], np.full(count, 0.9), "").save(
        opinions_by("disagreement").path(run))
    opine("out_of_fold", "look", [(first, NEGATIVE, "looks empty"), (~first, ABSTAIN, "unsure")], np.full(count, 0.5), "").save(
        opinions_by("out_of_fold").path(run))
    _write_judgements(run, samples)
    _write_looks(run, count)
    _write_lists(run, samples)
    return run, config


def _write_judgements(run: Run, samples: SampleTable) -> None:
    """Probabilities that follow the given labels but for the first train photo of each class; the consensus is as sure."""
    p_positive = np.where(samples.labels == POSITIVE, 0.9, 0.1).astype(np.float32)
    train = samples.in_split("train")
    for label in (NEGATIVE, POSITIVE):
        first = np.flatnonzero(train & (samples.labels == label))[0]
        p_positive[first] = 0.97 - 0.94 * label
    run.at(P_POSITIVE.stage).mkdir()
    np.save(P_POSITIVE.path(run), p_positive)
    np.savez(run.at("policy") / BELIEFS, p_positive=p_positive)


def _write_looks(run: Run, count: int) -> None:
    features = np.random.default_rng(0).normal(size=(count, 16)).astype(np.float16)
    np.save(run.at("embed") / "embeddings.npy", features)
    order = np.linspace(0, 1, count, dtype=np.float32)
    measures = measures_by("neighbors").path(run)
    measures.parent.mkdir()
    np.savez(measures, uniqueness=order, representativeness=1 - order)
    # The points are there, so that no UMAP is compiled for this.
    (run.folder / "explore").mkdir()
    np.save(points_file(features, run.folder / "explore", run.config.seed), features[:, :2].astype(np.float32))


def _write_lists(run: Run, samples: SampleTable) -> None:
    ids = samples.sample_ids.to_pylist()
    train = np.flatnonzero(samples.in_split("train"))
    queue = [ids[train[-1]], ids[train[-2]]]
    (run.at("policy") / "review_queue.csv").write_text("\n".join(["sample_id,decision", *(f"{one}," for one in queue)]) + "\n")
    group, kept, similarity = np.arange(len(samples)), np.ones(len(samples), bool), np.zeros(len(samples), np.float32)
    group[train[1]], kept[train[1]], similarity[train[:2]] = train[0], False, 0.95
    np.savez(GROUPS.path(run), group=group, kept=kept, similarity=similarity)
