"""The inputs of benchmarks/label_quality.py: features, probabilities, neighbours and boxes that all contestants share."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from neighbor_votes import SEARCHED, K, plant
from PIL import Image
from voc2007 import RATES, ROOT, SHARED, announce, open_run, true_labels

from tinysieve.dataset.classes import UNLABELED
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, shrink
from tinysieve.filtering.evidence.box_scores import BoxScores, box_scores
from tinysieve.filtering.evidence.boxes import align
from tinysieve.filtering.evidence.crop_rule import RULES, Presence, largest_in_each, presence
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filters.disagreement import disagreement
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement, neighbor_agreement
from tinysieve.filtering.filters.out_of_fold import OutOfFold
from tinysieve.filtering.filters.probable_label import probable_label
from tinysieve.filtering.filters.pseudo_label import pseudo_label
from tinysieve.filtering.filters.seed_rule import seed_rule
from tinysieve.filtering.label_errors.class_probabilities import class_probabilities
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.opinion import Opinions
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.progress import silent
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.detect import DETECT, DETECTIONS
from tinysieve.pipeline.stages.embed import EMBED, EMBEDDINGS
from tinysieve.pipeline.stages.ingest import samples_of

NOISE = RATES | {"fifteen_each_way": (0.15, 0.15), "thirty_each_way": (0.3, 0.3), "nothing_planted": (0.0, 0.0)}
LOOK_AGAIN_BELOW = 0.7
HUMANS = ("aggre_label", "random_label1", "random_label2", "random_label3", "worse_label")
Made = dict[str, Callable[[], "list[Inputs]"]]


@dataclass(frozen=True, eq=False)
class Inputs:
    """What contestants may read of N samples, and the truth, which they may not.

    Args:
        given: int8 [N], UNLABELED where hidden or not to be judged.
        truth: int8 [N].
        eligible: bool [N], samples that may change.
        pred_probs: out-of-fold probabilities, float [N, K].
        features: float32 [N, D]; empty where there are none.
        near: look-alikes, or None.
        seen: boxes, or None.
        opinions: of the detector, the classifier and the look-alikes, with the default's limits.
        seed: opinions of the seed's rule, or None.
        once: the same with boxes of a single look where these are of two; None where there are none.
    """

    given: np.ndarray
    truth: np.ndarray
    eligible: np.ndarray
    pred_probs: np.ndarray
    features: np.ndarray
    near: Neighbors | None
    seen: BoxScores | None
    opinions: list[Opinions]
    seed: Opinions | None
    once: Inputs | None = None


@dataclass(frozen=True, eq=False)
class Looked:
    """What a run's boxes say of its images: as scores, under the default's limits, and under the seed's."""

    seen: BoxScores
    present: Presence
    widely: Presence


def _looked(run: Run, samples: SampleTable, limits: PresenceLimits) -> Looked:
    examined, boxes = align(DETECTIONS.of(run), samples.sample_ids)
    sizes = samples.numbers("width"), samples.numbers("height")
    return Looked(box_scores(boxes, examined, *sizes, RULES["any"], limits.negative),
                  presence(boxes, examined, *sizes, RULES["any"], limits.negative),
                  presence(boxes, examined, *sizes, RULES["any"], 0.3))


def _doubtful(run: Run) -> float:
    """Share of the photos that a second look is for."""
    boxes = DETECTIONS.of(run)
    best = largest_in_each(boxes.confidence, boxes.offsets)
    return float(((best > 0) & (best < LOOK_AGAIN_BELOW)).mean())


def voc_inputs(seeds: Sequence[int]) -> Made:
    """Planted errors on VOC 2007's train split, a list of one Inputs a seed."""
    run, again = open_run("clean"), open_run("looked_again", f"filter.detector.look_again_below={LOOK_AGAIN_BELOW}")
    run_stages(run, stages_until(run.config, EMBED.name), announce)
    run_stages(again, stages_until(again.config, DETECT.name), announce)
    announce(f"looked at again: {_doubtful(run):.1%} of the photos")
    samples, truth, filters = samples_of(run), true_labels(run), run.config.filter
    features = np.asarray(read_embeddings(EMBEDDINGS.path(run), len(samples)), np.float32)
    near = nearest(features, SEARCHED, len(samples), silent)
    limits = filters.boxes
    once, twice = _looked(run, samples, limits), _looked(again, samples, limits)

    def planted(rates: tuple[float, float], seed: int) -> Inputs:
        given = plant(truth, samples.in_split("train", "unlabeled"), rates, seed)
        trusted = np.where(samples.in_split("train"), given, np.int8(UNLABELED))
        p_positive = out_of_fold_probabilities(features, trusted, filters.folds, np.random.default_rng(0))
        others = [probable_label(p_positive, "out_of_fold", "out_of_fold", filters.of(OutOfFold).sure),
                  neighbor_agreement(near.among(trusted >= 0), trusted, K, filters.of(NeighborAgreement).sure, "out_of_fold")]
        by_looks = [[disagreement(looked.present, given, limits, "boxes"), pseudo_label(looked.present, given, limits, "boxes"),
                     *others] for looked in (once, twice)]
        pred_probs = np.stack([1 - p_positive, p_positive], axis=1)
        single = Inputs(trusted, truth, samples.in_split("train", "unlabeled"), pred_probs, features, near, once.seen,
                        by_looks[0], seed_rule(once.widely, given))
        return replace(single, seen=twice.seen, opinions=by_looks[1], once=single)

    return {name: partial(lambda rates: [planted(rates, seed) for seed in seeds], rates) for name, rates in NOISE.items()}


def cifar_inputs() -> Made:
    """CIFAR-10's train images with labels that people gave, under EfficientNet-Lite0; `clean_label` has no errors."""
    table = pq.read_table(SHARED / "data/cifar10n/cifar10n_train_jpeg.parquet")
    features = _cifar_features(table["jpeg"].to_pylist(), ROOT / "runs" / "benchmark_label_quality" / "cifar.npy")
    near = nearest(features, SEARCHED, len(features), silent)
    truth = table["clean_label"].to_numpy().astype(np.int8)

    def given_by(column: str) -> list[Inputs]:
        given = table[column].to_numpy().astype(np.int8)
        pred_probs = class_probabilities(features, given, 10, 5, np.random.default_rng(0))
        return [Inputs(given, truth, np.ones(len(given), bool), pred_probs, features, near, None, [], None)]

    return {column: partial(given_by, column) for column in (*HUMANS, "clean_label")}


def _cifar_features(encoded: list[bytes], cache: Path) -> np.ndarray:
    """float32 [N, 1280]; minutes on two cores, so they are kept in the run folder."""
    if not cache.exists():
        backbone, parts = Lite0Backbone(workers=2), []
        for start in range(0, len(encoded), 256):
            images = [shrink(np.asarray(Image.open(io.BytesIO(data)))) for data in encoded[start : start + 256]]
            parts.append(backbone.embed(np.stack(images)))
        cache.parent.mkdir(parents=True, exist_ok=True)
        with replacing(cache) as temporary, temporary.open("wb") as file:
            np.save(file, np.concatenate(parts).astype(np.float16))
    return np.load(cache).astype(np.float32)


def published_inputs() -> Made:
    """The confident-learning authors' own out-of-fold probabilities on CIFAR-10 with planted noise."""
    def read(path: Path) -> list[Inputs]:
        with np.load(path) as stored:
            given, truth = stored["given"].astype(np.int8), stored["true"].astype(np.int8)
            pred_probs = stored["pred_probs"].astype(np.float32)
        pred_probs /= pred_probs.sum(axis=1, keepdims=True)
        return [Inputs(given, truth, np.ones(len(given), bool), pred_probs, np.zeros((0, 0), np.float32), None, None, [], None)]

    return {path.stem: partial(read, path) for path in sorted((SHARED / "data/confident_learning").glob("*.npz"))}
