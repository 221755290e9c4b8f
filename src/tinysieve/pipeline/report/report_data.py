"""Everything that the report shows, read from a run's finished stages into one frozen object."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tinysieve.dataset.classes import CLASS_NAMES, DROPPED, LABEL_WORDS, NEGATIVE, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.ingest import open_pixels
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.sources.tables import read_table
from tinysieve.dataset.version_store import VersionStore
from tinysieve.dataset.versions import Version
from tinysieve.filtering.evidence.boxes import align
from tinysieve.ground.json_text import read_object
from tinysieve.pipeline.engine.records import require_recorded
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.engine.words import Change
from tinysieve.pipeline.report.data_map import DataMap
from tinysieve.pipeline.report.gallery import Album, Gallery, change_galleries, mistake_gallery, review_gallery
from tinysieve.pipeline.report.map_chart import map_of
from tinysieve.pipeline.report.memory_charts import LiveMemory, live_memories
from tinysieve.pipeline.report.planted import planted_counts, truth_file
from tinysieve.pipeline.report.reliability_chart import reliabilities
from tinysieve.pipeline.stages.detect import DETECTIONS
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.policy import REVIEW_QUEUE, eligible_rows
from tinysieve.pipeline.stages.verify import read_verdict
from tinysieve.quantize.verdict.reliability import Reliability
from tinysieve.training.checkpoint import EpochRecord
from tinysieve.training.curves import read_history

MISTAKES_SHOWN = 36
LISTED = 20
_KINDS = (POSITIVE, NEGATIVE, UNLABELED, DROPPED)


@dataclass(frozen=True)
class VersionRow:
    """One version on the way from 0 to the current one; its training images by label, in the order of `CountRow`."""

    id: str
    note: str
    changes: int
    counts: tuple[int, ...]


@dataclass(frozen=True)
class CountRow:
    """Images of one split by label, at version 0 and now; order person, background, no label, dropped."""

    split: str
    before: tuple[int, ...]
    after: tuple[int, ...]


@dataclass(frozen=True)
class FileList:
    """Files with what is to be said of them; `total` counts those that are not shown too."""

    title: str
    total: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, eq=False)
class ReportData:
    """What a run found.

    Args:
        verdict, policy: as in `verify.json` and `policy.json`.
        models: what `train-*.json` say, by "baseline" and "mended".
        curves: epochs by the same names.
        calibration: names of the images that set the int8 ranges.
        waterfalls: class name -> words and signed counts, from version 0 to now.
        calibration_digest: SHA-256 of those images' ids, which are hashes of their content.
        map: some of the images on a plane; None where the features are gone.
        reliability: of the int8 scores on the test images, by "baseline" and "mended".
        memory: live memory of the mended model, before and after `fit` where that changed it.
        planted: what became of planted wrong labels, where the truth is known.
    """

    verdict: dict[str, Any]
    policy: dict[str, Any]
    models: dict[str, dict[str, Any]]
    curves: dict[str, tuple[EpochRecord, ...]]
    calibration: tuple[str, ...]
    calibration_digest: str
    change: Change
    versions: tuple[VersionRow, ...]
    counts: tuple[CountRow, ...]
    waterfalls: dict[str, tuple[tuple[str, int], ...]]
    changed: tuple[Gallery, ...]
    review: Gallery
    mistakes: Gallery
    files: tuple[FileList, ...]
    map: DataMap | None
    reliability: dict[str, Reliability]
    memory: tuple[LiveMemory, ...]
    planted: dict[str, int] | None

    @property
    def recipe(self) -> dict[str, Any]:
        """The hyper-parameters that both models share."""
        return self.models["mended"]["recipe"]


def gather(run: Run) -> ReportData:
    """Read a run whose stages up to `verify` have finished."""
    samples, chain = samples_of(run), version_chain(versions_of(run))
    before, after = chain[0].labels, chain[-1].labels
    verdict, album = _json(run, "verify"), _album(run, samples)
    queue = REVIEW_QUEUE.of(run)
    wrong = samples.rows_of(pa.array(verdict["worst_mistake_samples"][:MISTAKES_SHOWN], pa.string()))
    cells, truth = verdict["confusion"], truth_file(run.config.dataset.source.images)
    calibration = _json(run, "quantize-mended")["calibration"]
    return ReportData(
        verdict=verdict, policy=_json(run, "policy"),
        models={which: _json(run, f"train-{which}") for which in ("baseline", "mended")},
        curves={which: read_history(run.at(f"train-{which}")) for which in ("baseline", "mended")},
        calibration=tuple(one["filepath"] for one in calibration),
        calibration_digest=hashlib.sha256("\n".join(one["sample_id"] for one in calibration).encode()).hexdigest(),
        change=Change(change_counts(before, after), int(eligible_rows(run, samples).sum()), queue.num_rows,
                      int((before != after)[samples.rows_of(queue["sample_id"].combine_chunks())].sum()),
                      tuple(one.note for one in chain[1:])),
        versions=version_rows(samples, chain),
        counts=count_rows(samples, before, after),
        waterfalls={CLASS_NAMES[code]: waterfall(samples, before, after, code) for code in (POSITIVE, NEGATIVE)},
        changed=change_galleries(album, chain), review=review_gallery(album, queue, after),
        mistakes=mistake_gallery(album, wrong, cells["negative_as_positive"] + cells["positive_as_negative"]),
        files=_file_lists(run.at("ingest")), map=map_of(run, samples, chain[0], chain[-1]),
        reliability=reliabilities(run.at("verify"), samples), memory=live_memories(run.at("quantize-mended"), verdict),
        planted=None if truth is None else planted_counts(samples, before, after, truth),
    )


def version_chain(store: VersionStore) -> list[Version]:
    """From version 0 to the current one, parent by parent."""
    chain = [store.load("HEAD")]
    while chain[0].parent is not None:
        chain.insert(0, store.load(chain[0].parent))
    return chain


def version_rows(samples: SampleTable, chain: list[Version]) -> tuple[VersionRow, ...]:
    """The versions of a chain with what each made of the training images."""
    trained = samples.in_split("train", "unlabeled")
    return tuple(VersionRow(one.id, one.note, one.ledger.num_rows, _by_kind(one.labels[trained])) for one in chain)


def _by_kind(labels: Codes) -> tuple[int, ...]:
    return tuple(int((labels == kind).sum()) for kind in _KINDS)


def change_counts(before: Codes, after: Codes) -> dict[tuple[str, str], int]:
    """Samples by (old label, new label) where they differ, both int8 [N]."""
    pairs, counts = np.unique(np.stack([before, after])[:, before != after], axis=1, return_counts=True)
    return {(LABEL_WORDS[old], LABEL_WORDS[new]): int(number)
            for old, new, number in zip(*pairs.tolist(), counts, strict=True)}


def count_rows(samples: SampleTable, before: Codes, after: Codes) -> tuple[CountRow, ...]:
    """Counts by split and label of two label sets int8 [N]; empty splits are left out."""
    rows = []
    for split in SPLITS:
        inside = samples.in_split(split)
        if inside.any():
            rows.append(CountRow(split, _by_kind(before[inside]), _by_kind(after[inside])))
    return tuple(rows)


def waterfall(samples: SampleTable, before: Codes, after: Codes, code: int) -> tuple[tuple[str, int], ...]:
    """How the training images of one class came to be what they are: words and signed counts, start first."""
    trained = samples.in_split("train", "unlabeled")
    other = POSITIVE + NEGATIVE - code

    def moved(old: int, new: int) -> int:
        return int((trained & (before == old) & (after == new)).sum())

    gone = moved(code, DROPPED) + moved(code, UNLABELED)
    steps = ((f"to {CLASS_NAMES[other]}", -moved(code, other)), ("dropped", -gone),
             (f"from {CLASS_NAMES[other]}", moved(other, code)), ("newly labelled", moved(UNLABELED, code)))
    return (("version 0", int((trained & (before == code)).sum())), *(step for step in steps if step[1]))


def _album(run: Run, samples: SampleTable) -> Album:
    _, boxes = align(DETECTIONS.of(run), samples.sample_ids)
    return Album(samples, open_pixels(run.at("ingest")), boxes, run.config.filter.boxes.negative)


def _json(run: Run, stage: str) -> dict[str, Any]:
    return read_verdict(run) if stage == "verify" else read_object(require_recorded(run.at(stage), f"{stage}.json"))


def _file_lists(folder: Path) -> tuple[FileList, ...]:
    titles = {"quarantine": "In quarantine: could not be decoded", "skipped": "Rows skipped: no such file, or unusable",
              "leaks": "Removed: same bytes as a held-out image"}
    lists = []
    for name, title in titles.items():
        table = read_table(folder / f"{name}.csv")
        rows = (tuple(str(value or "") for value in row.values()) for row in table.slice(0, LISTED).to_pylist())
        columns = tuple(one.replace("_", " ") for one in table.column_names)
        lists.append(FileList(title, table.num_rows, columns, tuple(rows)))
    return tuple(lists)
