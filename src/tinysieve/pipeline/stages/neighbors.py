"""Stage `neighbors`: the most similar images of each, by features."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.embed import features_of


def _read(path: Path) -> Neighbors:
    with np.load(path, allow_pickle=False) as stored:
        return Neighbors(stored["rows"], stored["similarity"])


NEIGHBOR_TABLE = Artifact("neighbors", "neighbors.npz", _read)


def _work(run: Run, folder: Path) -> str:
    features, settings = features_of(run), run.config.filter.of(NeighborAgreement)
    with progress("neighbours") as report:
        near = nearest(features, min(settings.searched, len(features) - 1), settings.exact_up_to, report)
    np.savez(folder / NEIGHBOR_TABLE.file, rows=near.rows, similarity=near.similarity)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.of(NeighborAgreement)
    return {"searched": settings.searched, "exact_up_to": settings.exact_up_to}


NEIGHBORS = Stage("neighbors", 1, ("ingest", "embed"), _settings, _work, libraries=("numpy", "faiss-cpu"))
