"""The scores behind the opinions of a run, without thresholds: what the consensus weighs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.decisions.scores import Score
from tinysieve.filtering.evidence.box_scores import BoxScores, box_scores
from tinysieve.filtering.evidence.boxes import Boxes
from tinysieve.filtering.evidence.crop_rule import CropRule
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.detect import head_probabilities
from tinysieve.pipeline.stages.image_opinions import CLASSIFIER_SIGNAL, NEIGHBORS

SCORES = "scores.npz"
OUT_OF_FOLD = "out_of_fold.npy"
# Probabilities this near to 0 or 1 count as that: a detector's 0.02 says no less than its 0.
_NEAREST_BOX, _NEAREST = 0.02, 1e-3
_SMALLEST_AREA = 0.002


def save_scores(run: Run, samples: SampleTable, boxes: Boxes, examined: NDArray[np.bool_], rule: CropRule,
                features: NDArray[np.floating], folder: Path) -> None:
    """Keep the detector's scores, and the presence head's where it is asked, in `scores.npz`."""
    filters = run.config.filter
    seen = box_scores(boxes, examined, samples.numbers("width"), samples.numbers("height"), rule, filters.background_confidence)
    scores: dict[str, Any] = {"box_confidence": seen.confidence, "box_area": seen.area_fraction}
    if filters.presence_head and filters.detector.kind != "presence_head":
        scores["presence_head"] = head_probabilities(features)
    np.savez(folder / SCORES, **scores)


def load_scores(run: Run, opinions: list[Opinions]) -> list[Score]:
    """All scores of a run that do not look at a sample's own label; opinions are read for those of depictions."""
    folder = run.at("opinions")
    with np.load(folder / SCORES) as stored:
        boxes = BoxScores(stored["box_confidence"], stored["box_area"])
        scores = detector_scores(boxes, run.config.filter.detector.kind)
        if "presence_head" in stored:
            scores.append(Score("presence_head", "presence_head", log_odds(stored["presence_head"], _NEAREST)))
    if (folder / OUT_OF_FOLD).is_file():
        scores.append(Score("out_of_fold", CLASSIFIER_SIGNAL, log_odds(np.load(folder / OUT_OF_FOLD), _NEAREST)))
    if (folder / NEIGHBORS).is_file():
        with np.load(folder / NEIGHBORS) as stored:
            scores.append(neighbor_score(stored["positive_share"], stored["voters"], run.config))
    for one in opinions:
        if one.filter == "depictions" and one.votes.any():
            scores.append(Score("depictions", one.signal, np.where(one.votes, one.confidence * (2 * one.proposed - 1), 0.0)))
    return scores


def detector_scores(seen: BoxScores, signal: str) -> list[Score]:
    """The best box's log-odds, whether there is any, and the logarithm of its area."""
    silent, any_box = np.isnan(seen.confidence), seen.confidence > 0
    area = np.where(any_box, np.log(np.maximum(seen.area_fraction, _SMALLEST_AREA) / _SMALLEST_AREA), 0.0)
    return [Score("box", signal, log_odds(seen.confidence, _NEAREST_BOX)),
            Score("any_box", signal, np.where(silent, np.nan, any_box.astype(np.float64))),
            Score("box_area", signal, np.where(silent, np.nan, area))]


def neighbor_score(share: NDArray[np.floating], voters: NDArray[np.integer], config: Config) -> Score:
    """Log-odds of the look-alikes labelled person, one more of each kind assumed; NaN where nobody votes."""
    heard = np.minimum(voters, config.filter.neighbors.k)
    smoothed = np.where(heard > 0, (share * heard + 1) / (heard + 2), np.nan)
    return Score("neighbors", CLASSIFIER_SIGNAL, log_odds(smoothed, _NEAREST))


def log_odds(probability: NDArray[np.floating], nearest: float) -> NDArray[np.float64]:
    """log p / (1 - p), with p kept at least `nearest` away from 0 and 1; NaN stays.

    >>> log_odds(np.array([0.5, 1.0]), 0.02).round(2)
    array([0.  , 3.89])
    """
    kept = np.clip(probability.astype(np.float64), nearest, 1 - nearest)
    return np.asarray(np.log(kept / (1 - kept)))
