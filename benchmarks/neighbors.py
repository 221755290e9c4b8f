"""Neighbours and data values at size: seconds and peak memory, each part in a process of its own.

    python benchmarks/neighbors.py [--rows 200000] [--queries 20000]

Synthetic clustered features (this measures time and memory; real features have less tidy clusters, so recall is flattered).
Exact search is measured on some of the queries against all rows and stated for all of them in proportion. KNN-Shapley is
set against cleanlab's data_shapley_knn, which fills an N x N matrix, on the same neighbours. Results go to
benchmarks/results/neighbors.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from filtering.evidence.neighbor_lists import approximate_neighbors
from filtering.evidence.neighbors import Directions, exact_neighbors
from filtering.evidence.perceptual_hash import close_pairs
from filtering.opinions.knn_shapley import knn_shapley

RESULT = Path(__file__).parent / "results" / "neighbors.json"
DIM, K, CLUSTERS = 384, 20, 2000
SHAPLEY_ROWS = 10_000


def features(rows: int) -> np.ndarray:
    """float16 [rows, DIM]: points around CLUSTERS centres."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(CLUSTERS, DIM)).astype(np.float32)
    made = np.empty((rows, DIM), np.float16)
    for start in range(0, rows, 10_000):
        count = min(10_000, rows - start)
        made[start : start + count] = centres[rng.integers(CLUSTERS, size=count)] + rng.normal(size=(count, DIM))
    return made


def queries_of(rows: int, queries: int) -> np.ndarray:
    """Rows at even distances."""
    return np.linspace(0, rows - 1, queries).astype(np.int64)


def exact(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Exact search of some queries among all rows."""
    directions = Directions.of(features(rows))
    started = time.perf_counter()
    found = exact_neighbors(directions, queries_of(rows, queries), K, lambda done, total: None)
    seconds = time.perf_counter() - started
    np.save(folder / "exact.npy", found.rows)
    return {"seconds": seconds, "seconds_for_all_rows_in_proportion": seconds * rows / queries}


def lists(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """faiss's inverted lists, all rows."""
    directions = Directions.of(features(rows))
    started = time.perf_counter()
    found = approximate_neighbors(directions, K, lambda done, total: None)
    seconds = time.perf_counter() - started
    true = np.load(folder / "exact.npy")
    hits = [len(np.intersect1d(one, two)) for one, two in zip(true, found.rows[queries_of(rows, queries)], strict=True)]
    return {"seconds": seconds, "recall": float(np.mean(hits)) / K}


def hashes(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Near pairs of random 64-bit hashes, a hundredth of them copies with up to 8 bits changed."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**64, rows, np.uint64)
    copies = rows // 100
    codes[:copies] = codes[copies : 2 * copies]
    for _ in range(8):
        codes[:copies] ^= np.uint64(1) << rng.integers(0, 64, copies, np.uint64)
    started = time.perf_counter()
    pairs = close_pairs(codes, 8)
    return {"seconds": time.perf_counter() - started, "planted": copies, "found": len(pairs)}


def values_ours(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Values from the table of neighbours."""
    near, labels = _shapley_input()
    started = time.perf_counter()
    np.save(folder / "values.npy", knn_shapley(near, labels, 10))
    return {"rows": SHAPLEY_ROWS, "seconds": time.perf_counter() - started}


def values_cleanlab(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """cleanlab's values from the 10 nearest of the same neighbours; it knows no others, so the ranks differ a little."""
    from cleanlab.data_valuation import data_shapley_knn
    from scipy.sparse import csr_array

    near, labels = _shapley_input()
    some = near.rows[:, :10]
    distance = np.maximum(1 - near.similarity[:, :10], 0).astype(np.float64)
    graph = csr_array((distance.ravel(), some.ravel(), np.arange(0, some.size + 1, 10)), shape=(len(labels), len(labels)))
    started = time.perf_counter()
    theirs = data_shapley_knn(labels.astype(np.int64), knn_graph=graph, k=10)
    seconds = time.perf_counter() - started
    ours = np.load(folder / "values.npy")
    return {"rows": SHAPLEY_ROWS, "seconds": seconds, "rank_correlation": _rank_correlation(theirs, ours)}


def _shapley_input() -> tuple:
    directions = Directions.of(features(SHAPLEY_ROWS))
    labels = np.random.default_rng(1).integers(0, 2, SHAPLEY_ROWS).astype(np.int8)
    return exact_neighbors(directions, np.arange(SHAPLEY_ROWS), 40, lambda done, total: None), labels


def _rank_correlation(one: np.ndarray, two: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(one, two).statistic)


def _in_child(work: Callable[..., dict[str, float]], rows: int, queries: int, folder: Path, pipe: object) -> None:
    found = work(rows, queries, folder)
    found["peak_memory_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    pipe.send({name: round(value, 3) for name, value in found.items()})  # type: ignore[attr-defined]


def measure(work: Callable[..., dict[str, float]], rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Run one part in a fresh process, so that its peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_in_child, args=(work, rows, queries, folder, theirs))
    child.start()
    found = ours.recv()
    child.join()
    return found


def main() -> None:
    """All parts, one after the other."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--queries", type=int, default=20_000)
    args = parser.parse_args()
    results: dict[str, object] = {"rows": args.rows, "dim": DIM, "k": K, "queries_of_exact_search": args.queries}
    with tempfile.TemporaryDirectory() as folder:
        for work in (exact, lists, hashes, values_ours, values_cleanlab):
            results[work.__name__] = found = measure(work, args.rows, args.queries, Path(folder))
            print(f"{work.__name__:<16}", "  ".join(f"{name} {value:g}" for name, value in found.items()), flush=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
