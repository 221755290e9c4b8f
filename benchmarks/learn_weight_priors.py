"""Learn what scores say about persons where the truth is known: models/weight_priors.json, from VOC 2007's train and val photos.

    python benchmarks/learn_weight_priors.py

Ten sets of 800 photos are drawn. The classifier out of fold is made from labels with errors planted at Wake Vision's rates, since
its worth hangs on the labels it learns from; the weights are then fitted to the true labels. No presence head has seen the photo
it judges; the head as a detector is learnt from val alone, where the shipped one is a stranger. Minutes on two cores where boxes
and features are made already.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from few_labels_inputs import HEAD, YOLO, Draw, Pool, drawn, joined, planted, voc_pools
from voc2007 import RATES

from tinysieve.filtering.decisions.error_rates import ErrorRates
from tinysieve.filtering.decisions.weight_fit import Answered, fit_weights
from tinysieve.filtering.decisions.weight_prior import FILE, WeightPrior
from tinysieve.ground.atomic_files import write_text

TARGET = Path(__file__).parents[1] / "src" / "tinysieve" / "models" / FILE
SETS, PHOTOS = 10, 800
RELATIVE = ("out_of_fold",)
NO_ERRORS = ErrorRates(0.0, 0.0)


def learnt(draws: list[Draw], detector: str, with_head: bool) -> dict[str, Any]:
    """One entry of the file: weights in log-odds a unit of each score, and the information of a photo about them."""
    names = [score.name for score in draws[0].scores(detector, with_head)]
    features = np.concatenate([_columns(draw, detector, with_head) for draw in draws])
    truth = np.concatenate([draw.pool.truth == 1 for draw in draws])
    of_either_sign = replace(WeightPrior.flat(len(names)), least=np.full(len(names) + 1, -np.inf))
    mean = fit_weights(features, truth, NO_ERRORS, of_either_sign, Answered.nobody(len(names) + 1))
    positive = 1 / (1 + np.exp(-features @ mean))
    information = (features * (positive * (1 - positive))[:, np.newaxis]).T @ features / len(features)
    # Boxes of any other detector are weighed as YOLO's.
    return {"scores": names, "detector": HEAD if detector == HEAD else None, "relative": list(RELATIVE),
            "mean": mean.round(4).tolist(), "information": information.round(5).tolist()}


def _columns(draw: Draw, detector: str, with_head: bool) -> np.ndarray:
    columns = []
    for score in draw.scores(detector, with_head):
        values = score.values.astype(np.float64)
        mean = np.nanmean(values)
        values = np.where(np.isnan(values), mean, values)
        columns.append((values - mean) / values.std() if score.name in RELATIVE else values)
    return np.column_stack([*columns, np.ones(len(draw.given))])


def learn_from(pool: Pool, settings: Sequence[tuple[str, bool]]) -> list[dict[str, Any]]:
    """An entry for each detector, with or without the head, from sets drawn from a pool."""
    draws = [planted(drawn(pool, PHOTOS, seed), RATES["wake_vision_rates"], seed) for seed in range(SETS)]
    return [learnt(draws, *setting) for setting in settings]


def main() -> None:
    """Learn all entries and write them."""
    train, val, _ = voc_pools()
    entries = [*learn_from(joined(train, val), ((YOLO, False), (YOLO, True))), *learn_from(val, ((HEAD, False),))]
    source = f"benchmarks/learn_weight_priors.py, PASCAL VOC 2007, {len(train.truth) + len(val.truth)} photos, class person"
    write_text(TARGET, json.dumps({"source": source, "weights": entries}, indent=1) + "\n")
    for entry in entries:
        print(entry["detector"] or "boxes", dict(zip([*entry["scores"], "intercept"], entry["mean"], strict=True)), flush=True)


if __name__ == "__main__":
    main()
