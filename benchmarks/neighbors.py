"""Neighbours and data values at size: seconds and peak memory, each part in a process of its own.

    python benchmarks/neighbors.py [--rows 200000] [--many 1200000]

`--rows` is the size up to which runs search exactly, `--many` one that only the lists can bear. Exact search is measured on
some of the queries against all rows and stated for all of them in proportion; the lists' recall is of some queries too. The
features are made: a random network's answer to 12 independent numbers a row. No tidy clusters, so lists have it harder than on
photos: of 4,952 such rows sixteen of 281 lists find 89 % of the 20 nearest, of VOC 2007's features 95 %. KNN-Shapley is set
against cleanlab's data_shapley_knn, which fills an N x N matrix, on the same neighbours. Results go to
benchmarks/results/neighbors.json; processor seconds count all threads, so busy cores only add to the seconds on the clock.
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

from tinysieve.filtering.evidence.neighbor_lists import approximate_neighbors
from tinysieve.filtering.evidence.neighbors import Directions, exact_neighbors
from tinysieve.filtering.evidence.perceptual_hash import close_codes
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley

RESULT = Path(__file__).parent / "results" / "neighbors.json"
DIM, K, LATENT, HIDDEN = 384, 20, 12, 128
SHAPLEY_ROWS = 10_000
QUERIES, QUERIES_OF_MANY = 4000, 1000


def features(rows: int) -> np.ndarray:
    """float16 [rows, DIM]: two random layers with ReLU on LATENT normal numbers a row."""
    rng = np.random.default_rng(0)
    first = (rng.normal(size=(LATENT, HIDDEN)) / np.sqrt(LATENT)).astype(np.float32)
    second = (rng.normal(size=(HIDDEN, DIM)) / np.sqrt(HIDDEN)).astype(np.float32)
    made = np.empty((rows, DIM), np.float16)
    for start in range(0, rows, 10_000):
        numbers = rng.normal(size=(min(10_000, rows - start), LATENT)).astype(np.float32)
        made[start : start + len(numbers)] = np.maximum(np.maximum(numbers @ first, 0) @ second, 0)
    return made


class Clock:
    """Seconds since it was made, on the clock and of the processor."""

    def __init__(self) -> None:
        self.started = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """By name."""
        return {"seconds": time.perf_counter() - self.started[0], "processor_seconds": time.process_time() - self.started[1]}


def queries_of(rows: int, queries: int) -> np.ndarray:
    """Rows at even distances."""
    return np.linspace(0, rows - 1, queries).astype(np.int64)


def exact(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Exact search of some queries among all rows."""
    directions = Directions.of(features(rows))
    clock = Clock()
    found = exact_neighbors(directions, queries_of(rows, queries), K, lambda done, total: None)
    taken = clock.read()
    np.save(folder / "exact.npy", found.rows)
    whole = {f"{name}_for_all_rows_in_proportion": value * rows / queries for name, value in taken.items()}
    return {"rows": rows, "queries": queries, **taken, **whole}


def lists(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """faiss's inverted lists, all rows; recall against what `exact` has left."""
    directions = Directions.of(features(rows))
    clock = Clock()
    found = approximate_neighbors(directions, K, lambda done, total: None)
    taken = clock.read()
    true = np.load(folder / "exact.npy")
    hits = [len(np.intersect1d(one, two)) for one, two in zip(true, found.rows[queries_of(rows, queries)], strict=True)]
    nearest = found.rows[queries_of(rows, queries), 0] == true[:, 0]
    return {"rows": rows, **taken, "recall": float(np.mean(hits)) / K, "recall_of_the_nearest": float(nearest.mean())}


def hashes(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Near pairs of random 64-bit hashes, a hundredth of them copies with up to 8 bits changed."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2**64, rows, np.uint64)
    copies = rows // 100
    codes[:copies] = codes[copies : 2 * copies]
    for _ in range(8):
        codes[:copies] ^= np.uint64(1) << rng.integers(0, 64, copies, np.uint64)
    clock = Clock()
    pairs = close_codes(np.unique(codes), 8)
    return {"rows": rows, **clock.read(), "planted": copies, "found": len(pairs)}


def values_ours(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """Values from the table of neighbours."""
    near, labels = _shapley_input()
    clock = Clock()
    np.save(folder / "values.npy", knn_shapley(near, labels, 10))
    return {"rows": SHAPLEY_ROWS, **clock.read()}


def values_cleanlab(rows: int, queries: int, folder: Path) -> dict[str, float]:
    """cleanlab's values from the 10 nearest of the same neighbours; it knows no others, so the ranks differ a little."""
    from cleanlab.data_valuation import data_shapley_knn
    from scipy.sparse import csr_array

    near, labels = _shapley_input()
    some = near.rows[:, :10]
    distance = np.maximum(1 - near.similarity[:, :10], 0).astype(np.float64)
    graph = csr_array((distance.ravel(), some.ravel(), np.arange(0, some.size + 1, 10)), shape=(len(labels), len(labels)))
    clock = Clock()
    theirs = data_shapley_knn(labels.astype(np.int64), knn_graph=graph, k=10)
    taken = clock.read()
    ours = np.load(folder / "values.npy")
    return {"rows": SHAPLEY_ROWS, **taken, "rank_correlation": _rank_correlation(theirs, ours)}


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
    parser.add_argument("--many", type=int, default=1_200_000)
    args = parser.parse_args()
    parts = (("exact", exact, args.rows, QUERIES), ("exact_of_many", exact, args.many, QUERIES_OF_MANY),
             ("lists_of_many", lists, args.many, QUERIES_OF_MANY), ("hashes", hashes, args.rows, 0),
             ("values_ours", values_ours, 0, 0), ("values_cleanlab", values_cleanlab, 0, 0))
    results: dict[str, object] = {"dim": DIM, "k": K}
    with tempfile.TemporaryDirectory() as folder:
        for name, work, rows, queries in parts:
            results[name] = found = measure(work, rows, queries, Path(folder))
            print(f"{name:<16}", "  ".join(f"{what} {value:g}" for what, value in found.items()), flush=True)
    RESULT.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
