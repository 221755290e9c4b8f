"""Opinions that rest on how images look and not on boxes: duplicates, neighbours, image quality, depictions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tinysieve.dataset.classes import POSITIVE, UNLABELED, Codes
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.filtering.evidence.image_quality import measure_quality
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups, join, same_look, same_pixels
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import Neighbors
from tinysieve.filtering.evidence.typicality import representativeness, uniqueness
from tinysieve.filtering.filters.depictions import DEPICTED, REAL, UNKNOWN, contested_persons, depiction_probabilities, depictions
from tinysieve.filtering.filters.duplicates import duplicates
from tinysieve.filtering.filters.neighbor_agreement import neighbor_agreement, positive_share
from tinysieve.filtering.filters.poor_images import QualityLimits, poor_images
from tinysieve.filtering.label_errors.knn_shapley import knn_shapley
from tinysieve.filtering.opinion import Opinions
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.near_duplicates import NEAR_DUPLICATES, write_groups

NEIGHBORS = "neighbors.npz"
# Neighbours and the out-of-fold classifier rest on the same features and labels.
CLASSIFIER_SIGNAL = "out_of_fold"
_CLUSTERS = 20


def find_neighbors(run: Run, features: NDArray[np.floating]) -> Neighbors | None:
    """Every sample's look-alikes; None where the configuration asks for none."""
    settings = run.config.filter.neighbors
    if not settings.enabled:
        return None
    with progress("neighbours") as report:
        return nearest(features, min(settings.searched, len(features) - 1), settings.exact_up_to, report)


def find_groups(run: Run, samples: SampleTable, near: Neighbors | None, folder: Path) -> DuplicateGroups | None:
    """Groups of near-duplicates, listed in near_duplicates.csv; None where the configuration asks for none."""
    settings = run.config.filter.duplicates
    if not settings.enabled:
        return None
    with progress("near-duplicates"):
        like = same_pixels(open_pixels(run.at("ingest")), samples.numbers("pixel_row"), settings.hash_radius,
                           settings.correlation)
        if near is not None:
            like = like + same_look(near, settings.look)
        groups = join(like, samples)
    write_groups(folder / NEAR_DUPLICATES, groups, samples)
    return groups


def look_alike_opinions(run: Run, samples: SampleTable, features: NDArray[np.floating], near: Neighbors | None,
                        groups: DuplicateGroups | None, folder: Path) -> list[Opinions]:
    """What duplicates, neighbours and image quality say, as far as they are asked."""
    made = [] if groups is None else [duplicates(groups, samples)]
    if near is not None:
        with progress("neighbours' votes"):
            made.append(_neighbor_opinions(run, samples, features, near, groups, folder))
    if run.config.filter.quality.enabled:
        made.append(_quality_opinions(run, samples))
    return made


def depiction_opinions(run: Run, samples: SampleTable, features: NDArray[np.floating], detector: Opinions,
                       p_positive: NDArray[np.float32] | None) -> list[Opinions]:
    """The depictions' own signal: from examples where there are any, else from detector against classifier."""
    filters = run.config.filter
    settings = filters.depictions
    if not settings.enabled:
        return []
    if settings.column is None and settings.examples is None:
        if p_positive is None:
            raise InputError("filter.depictions has neither examples nor out-of-fold probabilities to go by",
                             fix="set filter.depictions.column or .examples, or filter.out_of_fold: true")
        return [contested_persons(detector, p_positive, filters.out_of_fold_sure)]
    known = np.where(samples.in_split("train"), depiction_examples(run.config, samples), np.int8(UNKNOWN))
    with progress("depictions"):
        probable = depiction_probabilities(features, known, filters.folds, np.random.default_rng(run.config.seed))
    return [depictions(probable, (samples.labels == POSITIVE) | (detector.proposed == POSITIVE), settings.sure)]


def depiction_examples(config: Config, samples: SampleTable) -> Codes:
    """int8 [N], DEPICTED, REAL or UNKNOWN, from the configured column of the sample table or file.

    Raises:
        InputError: no such column, or a file without `filename` and `depiction`.
    """
    settings = config.filter.depictions
    if settings.examples is None:
        if settings.column not in samples.table.column_names:
            raise InputError(f"the samples have no column '{settings.column}'", why="filter.depictions.column names it",
                             fix="its columns: " + ", ".join(samples.table.column_names))
        said = samples.table[settings.column]
    else:
        table = read_table(settings.examples)
        missing = [name for name in ("filename", "depiction") if name not in table.column_names]
        if missing:
            raise InputError(f"no column '{missing[0]}'", where=f"{settings.examples}:1",
                             fix="name filename and depiction (1 or 0)")
        place = pc.index_in(samples.table["filepath"], table["filename"].combine_chunks())
        said = table["depiction"].combine_chunks().take(place.combine_chunks())
    words = pc.cast(said, pa.string())
    yes, no = (np.asarray(pc.fill_null(pc.is_in(words, pa.array(values)), False)) for values in (["1", "1.0"], ["0", "0.0"]))
    return np.select([yes, no], [np.int8(DEPICTED), np.int8(REAL)], np.int8(UNKNOWN)).astype(np.int8)


def _neighbor_opinions(run: Run, samples: SampleTable, features: NDArray[np.floating], near: Neighbors,
                       groups: DuplicateGroups | None, folder: Path) -> Opinions:
    settings = run.config.filter.neighbors
    trusted = np.where(samples.in_split("train"), samples.labels, np.int8(UNLABELED))
    voters = near.among(trusted > UNLABELED, None if groups is None else groups.group)
    share, heard = positive_share(voters, trusted, settings.k)
    clusters = min(_CLUSTERS, len(samples))
    np.savez(folder / NEIGHBORS, positive_share=share, voters=heard, value=knn_shapley(voters, trusted, settings.k),
             uniqueness=uniqueness(near),
             representativeness=representativeness(features, clusters, np.random.default_rng(run.config.seed)))
    return neighbor_agreement(voters, trusted, settings.k, settings.sure, CLASSIFIER_SIGNAL)


def _quality_opinions(run: Run, samples: SampleTable) -> Opinions:
    settings = run.config.filter.quality
    with progress("image quality") as report:
        quality = measure_quality(open_pixels(run.at("ingest")), samples.numbers("pixel_row"), samples.numbers("width"),
                                  samples.numbers("height"), run.config.workers, report)
    return poor_images(quality, QualityLimits(**settings.model_dump(exclude={"enabled"})))
