"""Stage `near-duplicates`: groups of images that are one picture, and the gate that keeps them out between training and test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import Codes
from tinysieve.dataset.csv_table import write_csv_table
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.near_duplicates import DuplicateGroups, join, same_look, same_pixels
from tinysieve.filtering.filters.duplicates import Duplicates, leaks
from tinysieve.filtering.filters.neighbor_agreement import NeighborAgreement
from tinysieve.ground.errors import GateMissed
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.ingest import samples_of
from tinysieve.pipeline.stages.libraries import DECODING
from tinysieve.pipeline.stages.neighbors import NEIGHBOR_TABLE

LIST = "near_duplicates.csv"
STAGE = "near-duplicates"
_NAMED = 5


def _read(path: Path) -> DuplicateGroups:
    with np.load(path, allow_pickle=False) as stored:
        return DuplicateGroups(stored["group"], stored["kept"], stored["similarity"])


GROUPS = Artifact(STAGE, "groups.npz", _read)


def groups_of(run: Run) -> DuplicateGroups | None:
    """Near-duplicates of a run; None where the configuration does not look for them, or has not yet."""
    return GROUPS.of(run) if run.config.filter.of(Duplicates).enabled and GROUPS.exists(run) else None


def near_duplicates_stage(config: Config) -> Stage:
    """The stage; features find more of them where neighbours are there anyway."""
    looks = (NEIGHBOR_TABLE.stage,) if config.filter.of(NeighborAgreement).enabled else ()
    return Stage(STAGE, 1, ("ingest", *looks), _settings, _work, libraries=DECODING)


def _work(run: Run, folder: Path) -> str:
    samples, settings = samples_of(run), run.config.filter.of(Duplicates)
    with progress("near-duplicates"):
        like = same_pixels(open_pixels(run.at("ingest")), samples.numbers("pixel_row"), settings.hash_radius,
                           settings.correlation)
        if run.config.filter.of(NeighborAgreement).enabled:
            like = like + same_look(NEIGHBOR_TABLE.of(run), settings.look)
        groups = join(like, samples)
    np.savez(folder / GROUPS.file, group=groups.group, kept=groups.kept, similarity=groups.similarity)
    write_groups(folder / LIST, groups, samples)
    return ""


def _settings(config: Config) -> object:
    settings = config.filter.of(Duplicates)
    return {"hash_radius": settings.hash_radius, "correlation": settings.correlation, "look": settings.look}


def write_groups(path: Path, groups: DuplicateGroups, samples: SampleTable) -> None:
    """All samples that have a near-duplicate, group by group, who stays first."""
    rows = np.flatnonzero(groups.shared)
    rows = rows[np.lexsort((rows, ~groups.kept[rows], groups.group[rows]))]
    taken = pa.array(rows)
    table = samples.table.select(["sample_id", "filepath", "split"]).take(taken)
    table = table.append_column("label", samples.classes.names(samples.labels[rows]))
    table = table.append_column("group", samples.sample_ids.combine_chunks().take(pa.array(groups.group[rows])))
    table = table.append_column("stays", pa.array(np.where(groups.kept[rows], "yes", "no")))
    table = table.append_column("similarity", pa.array(np.round(groups.similarity[rows], 4)))
    write_csv_table(path, table)


def leaked_rows(run: Run, labels: Codes) -> np.ndarray | None:
    """Rows that train under these labels, int8 [N], and are near-duplicates of test images; None where nobody checked."""
    groups = groups_of(run)
    return None if groups is None else leaks(groups, samples_of(run), labels)


def refuse_leaks(run: Run, labels: Codes) -> None:
    """Stop where the mended model was trained on near-duplicates of test images, unless verify.allow_leaks says to go on.

    Args:
        run: whose stage `near-duplicates` has finished.
        labels: int8 [N], of the version that the model was trained on.

    Raises:
        GateMissed: names the samples, and what to do.
    """
    leaked = leaked_rows(run, labels)
    if leaked is None or not len(leaked) or run.config.verify.allow_leaks:
        return
    names = samples_of(run).table["filepath"].take(pa.array(leaked[:_NAMED])).to_pylist()
    more = f" and {len(leaked) - _NAMED:,} more" if len(leaked) > _NAMED else ""
    raise GateMissed(
        f"the model was trained on {len(leaked):,} near-duplicates of test images: {', '.join(names)}{more}",
        where=str(run.at(STAGE) / LIST), why="accuracy on images that the model has seen says nothing of others",
        fix="run 'tinysieve filter' with the policy 'default', which drops them, or drop them in a review; "
            "to let them pass set verify.allow_leaks: true",
    )
