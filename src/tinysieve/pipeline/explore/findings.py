"""What a run knows of its samples, as columns in table order: whatever stages have finished, nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.typicality import representativeness, uniqueness
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.explore.picture_files import FOLDER, picture_files
from tinysieve.pipeline.explore.points import kept_points
from tinysieve.pipeline.stages.consensus import BELIEFS
from tinysieve.pipeline.stages.data_parameters import TRIAGE, learnt_triage
from tinysieve.pipeline.stages.detect import DETECTIONS, boxes_of
from tinysieve.pipeline.stages.embed import EMBEDDINGS, features_of
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.known_issues import KnownIssues, known_issues
from tinysieve.pipeline.stages.near_duplicates import groups_of
from tinysieve.pipeline.stages.opinions import measures_by, opinions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE

_CLUSTERS, _SEARCHED = 20, 3


@dataclass(frozen=True, eq=False)
class Looks:
    """What features say of N samples.

    Args:
        features: float [N, D].
        uniqueness, representativeness: float32 [N] in [0, 1], 1 most so.
        points: float32 [N, 2], look-alikes close together.
    """

    features: NDArray[np.floating]
    uniqueness: NDArray[np.float32]
    representativeness: NDArray[np.float32]
    points: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Findings:
    """All that is shown of N samples.

    Args:
        samples: the sample table.
        files: path of the picture of each, on this machine.
        version: id of the version that is shown.
        given: int8 [N], the labels of version 0.
        labels: int8 [N], the labels of the version that is shown.
        opinions: of the filters that the policy listens to.
        boxes: in table order; None where no detector ran.
        review: int64 [R], the review queue, most doubtful first.
        group: int64 [N], number of the group of near-duplicates, -1 where there is none; None where they were not looked for.
        looks: None where there are no features.
        issues: by out-of-fold probabilities, of the labels that are shown; None where there are none.
        triage: int8 [N] by data parameters, UNLABELED where a sample took no part; None where they were not learnt.
        p_wrong: float [N], probability that the shown label is wrong, NaN without a label; None without a consensus.
    """

    samples: SampleTable
    files: Sequence[str]
    version: str
    given: Codes
    labels: Codes
    opinions: tuple[Opinions, ...]
    boxes: Boxes | None
    review: NDArray[np.int64]
    group: NDArray[np.int64] | None
    looks: Looks | None
    issues: KnownIssues | None = None
    triage: Codes | None = None
    p_wrong: NDArray[np.floating] | None = None


def findings_of(run: Run) -> Findings:
    """Everything that is there of a run whose ingest has finished."""
    samples, store = samples_of(run), versions_of(run)
    head = store.load("HEAD")
    groups = groups_of(run)
    return Findings(
        samples, picture_files(run), head.id, store.load("0").labels, head.labels,
        tuple(opinions_of(run)), boxes_of(run, samples)[1] if DETECTIONS.exists(run) else None, _queued(run, samples),
        None if groups is None else np.where(groups.shared, groups.group, -1),
        _looks(run, samples), known_issues(run, samples, head.labels),
        learnt_triage(run, samples).codes if TRIAGE.exists(run) else None, _p_wrong(run, head.labels))


def _p_wrong(run: Run, labels: Codes) -> NDArray[np.floating] | None:
    path = run.at("policy") / BELIEFS
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        p_positive = stored["p_positive"]
    return np.select([labels == POSITIVE, labels == NEGATIVE], [1 - p_positive, p_positive], np.nan)


def _queued(run: Run, samples: SampleTable) -> NDArray[np.int64]:
    if not REVIEW_QUEUE.exists(run):
        return np.zeros(0, np.int64)
    rows = samples.rows_of(REVIEW_QUEUE.of(run)["sample_id"].combine_chunks())
    return rows[rows >= 0]


def _looks(run: Run, samples: SampleTable) -> Looks | None:
    if not EMBEDDINGS.exists(run):
        return None
    features, measured = features_of(run), measures_by(NeighborAgreement.name)
    if measured.exists(run):
        measures = measured.of(run)
        unique, typical = measures["uniqueness"], measures["representativeness"]
    else:
        unique, typical = _measure(run, features)
    return Looks(features, unique, typical, kept_points(features, run.at(FOLDER), run.config.seed))


def _measure(run: Run, features: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with progress("neighbours") as report:
        near = nearest(features, min(_SEARCHED, len(features) - 1), run.config.filter.of(NeighborAgreement).exact_up_to, report)
    rng = np.random.default_rng(run.config.seed)
    return uniqueness(near), representativeness(features, min(_CLUSTERS, len(features)), rng)
