"""Photos, boxes, features and presence heads for benchmarks that judge labels where there are few.

No judge has seen the photos it is measured on: the presence head of each VOC train photo comes from a fit to the other four
fifths of train, and the shipped head has seen neither VOC's val photos nor COCO's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from neighbor_votes import plant
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from voc2007 import SHARED, announce, open_run

from tinysieve.dataset.classes import Codes
from tinysieve.filtering.decisions.weight_prior import KnownWeights
from tinysieve.filtering.evidence.box_scores import BoxScores, box_scores
from tinysieve.filtering.evidence.boxes import align
from tinysieve.filtering.evidence.crop_rule import RULES
from tinysieve.filtering.evidence.embeddings import read_embeddings
from tinysieve.filtering.evidence.presence_head import load_head
from tinysieve.filtering.filters.disagreement import detector_scores
from tinysieve.filtering.filters.probable_label import NEAREST
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.score import Score, log_odds
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.main_job import stages_until
from tinysieve.pipeline.stages.detect import DETECT, DETECTIONS
from tinysieve.pipeline.stages.embed import EMBED, EMBEDDINGS
from tinysieve.pipeline.stages.ingest import samples_of

LOOK_AGAIN = "filter.detector.look_again_below=0.7"
HEAD_DETECTOR = "filter.detector={kind: presence_head}"
COCO = (f"dataset.source.images={SHARED}/data/coco256/images", f"dataset.source.table={SHARED}/data/coco256/labels.csv")
# As the shipped head of persons was fitted.
HEAD_C, HEAD_FOLDS = 0.03, 5
YOLO, HEAD = "ultralytics", "presence_head"


@dataclass(frozen=True, eq=False)
class Pool:
    """N photos with their true labels and what detectors and heads make of them.

    Args:
        truth: int8 [N].
        features: float32 [N, 1280].
        seen: boxes of YOLO11n, two looks.
        seen_by_head: boxes of the presence head as detector.
        head: float64 [N], log-odds of a presence head that was not fitted to the photo.
    """

    truth: Codes
    features: np.ndarray
    seen: BoxScores
    seen_by_head: BoxScores
    head: np.ndarray

    def take(self, rows: np.ndarray) -> Pool:
        """Some of the photos."""
        boxes = [BoxScores(both.confidence[rows], both.area_fraction[rows]) for both in (self.seen, self.seen_by_head)]
        return Pool(self.truth[rows], self.features[rows], *boxes, self.head[rows])


@dataclass(frozen=True, eq=False)
class Draw:
    """A pool with planted errors and a classifier's opinion of its labels.

    Args:
        pool: the photos.
        given: int8 [N], UNLABELED where hidden.
        p_positive: float32 [N], out of fold.
        known: what other photos say of such scores.
    """

    pool: Pool
    given: Codes
    p_positive: np.ndarray
    known: Sequence[KnownWeights] = ()

    def scores(self, detector: str, with_head: bool) -> list[Score]:
        """What the program's filters score with this detector, with or without the presence head beside it."""
        seen = self.pool.seen if detector == YOLO else self.pool.seen_by_head
        made = [*detector_scores(seen, detector), Score("out_of_fold", "out_of_fold", log_odds(self.p_positive, NEAREST))]
        return [*made, Score("presence_head", "presence_head", self.pool.head)] if with_head else made


def planted(pool: Pool, rates: tuple[float, float], seed: int, known: Sequence[KnownWeights] = ()) -> Draw:
    """Hide a fifth of the labels, plant errors, and let the classifier judge out of fold."""
    given = plant(pool.truth, np.ones(len(pool.truth), bool), rates, seed)
    return Draw(pool, given, out_of_fold_probabilities(pool.features, given, 5, np.random.default_rng(0)), known)


def voc_pools() -> tuple[Pool, Pool, Pool]:
    """VOC 2007's train, val and test photos."""
    run = _made("few_labels_voc", EMBED.name, LOOK_AGAIN)
    by_head = _made("few_labels_voc_head", DETECT.name, HEAD_DETECTOR)
    table = samples_of(run)
    whole = _pool(run, by_head, table.numbers("person").astype(np.int8))
    train, val, test = (whole.take(np.flatnonzero(table.in_split(split))) for split in ("train", "validation", "test"))
    unseen = cross_val_predict(LogisticRegression(C=HEAD_C, max_iter=1000), train.features, train.truth,
                               cv=StratifiedKFold(HEAD_FOLDS, shuffle=True, random_state=1), method="decision_function")
    # The shipped head knows train's labels, and so would its boxes.
    return replace(train, head=unseen, seen_by_head=_boxes_of(unseen)), val, test


def coco_pool() -> Pool:
    """The 256 COCO photos."""
    run = _made("few_labels_coco", EMBED.name, LOOK_AGAIN, *COCO)
    return _pool(run, _made("few_labels_coco_head", DETECT.name, HEAD_DETECTOR, *COCO),
                 samples_of(run).numbers("person").astype(np.int8))


def _boxes_of(head: np.ndarray) -> BoxScores:
    """What the head would say as a detector, without the box's area."""
    confidence = (1 / (1 + np.exp(-head))).astype(np.float32)
    return BoxScores(np.where(confidence >= 0.05, confidence, np.float32(0)), np.zeros(len(head), np.float32))


def _made(name: str, until: str, *overrides: str) -> Run:
    run = open_run(name, *overrides)
    run_stages(run, stages_until(run.config, until), announce)
    return run


def _pool(run: Run, by_head: Run, truth: Codes) -> Pool:
    features = np.asarray(read_embeddings(EMBEDDINGS.path(run), len(truth)), np.float32)
    head = log_odds(load_head("person").probabilities(features), 1e-6)
    return Pool(truth, features, _seen(run), _seen(by_head), head)


def _seen(run: Run) -> BoxScores:
    samples = samples_of(run)
    examined, boxes = align(DETECTIONS.of(run), samples.sample_ids)
    return box_scores(boxes, examined, samples.numbers("width"), samples.numbers("height"), RULES["any"],
                      run.config.filter.boxes.negative)


def joined(first: Pool, second: Pool) -> Pool:
    """Both pools' photos."""
    boxes = [BoxScores(np.concatenate([left.confidence, right.confidence]),
                       np.concatenate([left.area_fraction, right.area_fraction]))
             for left, right in ((first.seen, second.seen), (first.seen_by_head, second.seen_by_head))]
    return Pool(np.concatenate([first.truth, second.truth]), np.concatenate([first.features, second.features]), *boxes,
                np.concatenate([first.head, second.head]))


def drawn(pool: Pool, count: int, seed: int) -> Pool:
    """`count` photos of a pool, drawn anew for each seed."""
    return pool.take(np.sort(np.random.default_rng([seed, count]).permutation(len(pool.truth))[:count]))
