"""A tiny selection benchmark in the Spark layout, for machines without the real data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

DIM = 6


def write_rows(path: Path, ids: list[str], vectors: np.ndarray, **columns: list[str]) -> None:
    """One Parquet part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.table({"ImageID": ids, **columns, "embedding": pa.array(list(vectors), pa.list_(pa.float64()))})
    pq.write_table(table, path, row_group_size=16)


def write_benchmark(folder: Path, tasks: tuple[str, ...] = ("A", "B"), parts: int = 3, rows: int = 40) -> Path:
    """Embeddings in parts with side files, a train CSV and a test set for each task; gives the setup file."""
    rng, data = np.random.default_rng(3), folder / "data"
    count = parts * rows
    ids, vectors = [f"id{row:04d}" for row in range(count)], rng.normal(size=(count, DIM))
    for part in range(parts):
        span = slice(part * rows, (part + 1) * rows)
        write_rows(data / f"emb.parquet/part-{part:05d}.snappy.parquet", ids[span], vectors[span])
    for side in ("_SUCCESS", "._SUCCESS.crc", ".part-00000.snappy.parquet.crc"):
        (data / "emb.parquet" / side).write_bytes(b"crc\0")
    for number, task in enumerate(tasks):
        chosen = rng.permutation(count)[:30]
        lines = [f"x,{int(vectors[row, number] > 0)},{ids[row]}" for row in chosen]
        (data / f"{task}.csv").write_text("\n".join(["Source,Confidence,ImageID", *lines]) + "\n")
        test = rng.normal(size=(25, DIM))
        labels = [str(int(value > 0)) for value in test[:, number] + rng.normal(scale=0.3, size=25)]
        write_rows(data / f"{task}.parquet/part-00000.parquet", [f"t{row}" for row in range(25)], test, Confidence=labels)
    return write_setup(folder, {task: [f"{task}.csv", f"{task}.parquet"] for task in tasks})


def write_setup(folder: Path, tasks: dict[str, list[str]], **changed: object) -> Path:
    """The setup file, some keys changed."""
    settings = {"spark_driver_memory": "6g", "data_dir": "data", "docker_data_dir": "data", "emb_file": "emb.parquet",
                "results_dir": "results", "dim": DIM, "eval_tasks": list(tasks), **tasks, **changed}
    path = folder / "task_setup.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in settings.items() if value is not None}, sort_keys=False))
    return path
