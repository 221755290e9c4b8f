"""DataPerf selection: which strategy makes the best train set from twenty known images of a class?

    make filter CONFIG=configs/voc2007.yaml && python benchmarks/dataperf_strategies.py

VOC 2007 with EfficientNet-Lite0 features (256 principal components): the pool is the train split, and the classifier of the
benchmark is scored on the other splits' images of the class and as many others. The strategies' defaults were chosen while
looking at the five classes of CHOSEN_ON and at the generated sets of the tests; only the other fourteen are reported.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tinysieve.dataperf.logistic_regression import fit
from tinysieve.dataperf.selection_scores import confusion
from tinysieve.dataperf.strategies.pool import Pool
from tinysieve.dataperf.strategies.registry import STRATEGIES, make_strategy

RUN = Path(__file__).parents[1] / "runs" / "voc2007"
RESULT = Path(__file__).parent / "results" / "dataperf_strategies.json"
CHOSEN_ON = ("bicycle", "bird", "cat", "sofa", "train")
CLASSES = ("aeroplane", "boat", "bottle", "bus", "car", "chair", "cow", "diningtable", "dog", "horse", "motorbike", "pottedplant",
           "sheep", "tvmonitor")
KNOWN, DIM, SEEDS = 20, 256, 2


def load() -> tuple[NDArray[np.float64], NDArray[np.bool_], list[set[str]]]:
    """Features [N, 256], which rows are of the train split, and the classes of every image."""
    samples = pq.read_table(RUN / "ingest" / "samples.parquet")
    features = np.load(RUN / "embed" / "embeddings.npy").astype(np.float64)
    train = np.array([split == "train" for split in samples["split"].to_pylist()])
    centred = features - features[train].mean(0)
    _, axes = np.linalg.eigh(centred[train].T @ centred[train])
    reduced = centred @ axes[:, ::-1][:, :DIM]
    classes = [{one.split(":")[0] for one in (text or "").split("|")} for text in samples["classes"].to_pylist()]
    return reduced / reduced[train].std(), train, classes


def scored(name: str, features: NDArray[np.float64], train: NDArray[np.bool_], of_class: NDArray[np.bool_], seed: int) -> float:
    """f1 of a strategy's train set."""
    rng = np.random.default_rng(seed)
    rows = np.flatnonzero(train)
    known = rng.permutation(np.flatnonzero(of_class[rows]))[:KNOWN]
    pool = Pool(tuple(str(row) for row in rows), features[rows].astype(np.float32), np.sort(known), np.zeros(0, np.int64))
    positives = np.flatnonzero(~train & of_class)
    test = np.concatenate([positives, rng.permutation(np.flatnonzero(~train & ~of_class))[: len(positives)]])
    chosen = make_strategy(name, {}).choose(pool, rng)
    model = fit(features[[int(one) for one in chosen.ids]], chosen.labels)
    return confusion(model.predict(features[test]), of_class[test]).scores().f1


def main() -> None:
    """Run once and write benchmarks/results/dataperf_strategies.json."""
    features, train, classes = load()
    table: dict[str, dict[str, Any]] = {}
    for name in STRATEGIES:
        start = time.process_time()
        f1 = [[scored(name, features, train, np.array([one in found for found in classes]), seed) for seed in range(SEEDS)]
              for one in CLASSES]
        seconds = (time.process_time() - start) / np.size(f1)
        table[name] = {"mean_f1": round(float(np.mean(f1)), 3), "cpu_s_a_choice": round(seconds, 2),
                       "f1": {one: round(float(np.mean(values)), 3) for one, values in zip(CLASSES, f1, strict=True)}}
        print(f"{name:<17} mean f1 {table[name]['mean_f1']:.3f}, {table[name]['cpu_s_a_choice']} s", flush=True)
    RESULT.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
