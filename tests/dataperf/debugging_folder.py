"""A debugging benchmark of a few rows in a folder, for machines without the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from tinysieve.dataperf.debugging_setup import DebuggingSetup, load_setup

DATA_ID, TRAIN, VAL, TEST, DIMENSIONS, WRONG = "toy", 40, 30, 50, 12, 12

SETUP = f"""paths:
  embedding_folder: embeddings/
  groundtruth_folder: truth/
  submission_folder: submissions/
  results_folder: results/
tasks:
- {{data_id: {DATA_ID}, train_size: {TRAIN}, noise_level: 0.3, test_size: {TEST}, val_size: {VAL}}}
baselines:
- name: random
- name: neighbor_shapley (datascope)
"""


def write_folder(folder: Path, seed: int = 0) -> DebuggingSetup:
    """Two clouds of points; the first WRONG train labels are wrong."""
    rng = np.random.default_rng(seed)
    (folder / "task_setup.yml").write_text(SETUP)
    (folder / "submissions").mkdir()
    centre = rng.normal(size=DIMENSIONS)
    for split, count in (("train_0.3", TRAIN), ("val", VAL), ("test", TEST)):
        labels = np.arange(count) % 2
        features = rng.normal(size=(count, DIMENSIONS)) + np.outer(2 * labels - 1, centre)
        names = [f"{split}{row}" for row in range(count)]
        given = labels.copy()
        if split.startswith("train"):
            write_truth(folder, names, labels)
            given[:WRONG] = 1 - given[:WRONG]
        write_rows(folder / "embeddings" / f"{DATA_ID}_{split}_{count}.parquet", features, given, names)
    return load_setup(folder / "task_setup.yml")


def write_rows(path: Path, features: np.ndarray, labels: np.ndarray, names: list[str]) -> None:
    """A file of embeddings as the benchmark's."""
    path.parent.mkdir(exist_ok=True)
    encoding = pa.array(features.astype(np.float32).tolist(), pa.list_(pa.float32()))
    pq.write_table(pa.table({"filename": names, "encoding": encoding, "label": labels.astype(np.int64)}), path)


def write_truth(folder: Path, names: list[str], labels: np.ndarray) -> None:
    """The ground truth, with a later row of the first name that must not count."""
    (folder / "truth").mkdir()
    names, values = [*names, names[0]], [*labels.tolist(), 1 - int(labels[0])]
    table = pa.table({"ImageID": names, "Source": ["verification"] * len(names), "mg_label": values, "hv_label": values})
    pacsv.write_csv(table, folder / "truth" / f"dataset_{DATA_ID}_train.csv")


def write_lines(folder: Path, method: str, text: str) -> Path:
    """A submission as given."""
    path = folder / "submissions" / f"{DATA_ID}_{method}.txt"
    path.write_text(text)
    return path
