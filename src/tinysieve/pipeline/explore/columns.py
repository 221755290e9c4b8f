"""Findings as FiftyOne's values, one list a field, in the order of the given rows.

Labels are made as the documents that FiftyOne stores, for its label objects cost more than the database (a hundred
thousand of them, most of a minute); `set_values` takes documents as they are where it need not check them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, UNLABELED, Codes
from tinysieve.dataset.samples import SPLITS
from tinysieve.filtering.data_parameters.triage import TRIAGE_NAMES
from tinysieve.filtering.evidence.boxes import Boxes, take
from tinysieve.filtering.opinion import Opinions
from tinysieve.pipeline.explore.fields import (
    DETECTIONS,
    EMBEDDING,
    GIVEN,
    GROUND_TRUTH,
    GROUP,
    ISSUE,
    METADATA,
    NO_LABEL,
    OPINION,
    OUT,
    P_WRONG,
    PLACE,
    QUALITY,
    REPRESENTATIVENESS,
    REVIEW,
    SHOWN,
    TRIAGE,
    UNIQUENESS,
    label_words,
    proposal_words,
)
from tinysieve.pipeline.explore.findings import Findings, Looks
from tinysieve.pipeline.explore.pending import Change

Rows = NDArray[np.int64]
Document = dict[str, Any]
# A person's tags on a label are compared too: they go when they are imported.
_LABEL, _VOTE = ("label", "tags"), ("label", "tags", "confidence", "reason")
_BOXES = ("detections.label", "detections.bounding_box", "detections.confidence", "detections.tags")
# What a new sample brings along at no cost of its own, for it needs no label objects.
_LIGHT = ("StringField", "IntField", "FloatField", "BooleanField")
_METADATA = ("width", "height", "num_channels")


@dataclass(frozen=True)
class Column:
    """One field.

    Args:
        kind: name of FiftyOne's type of the field, or of the label that it embeds.
        make: its values; made late, so that no two fields are in memory at once.
        compared: the parts of a label that tell it from another; empty for a plain value.
    """

    kind: str
    make: Callable[[], list[Any]]
    compared: tuple[str, ...] = ()


def columns_of(findings: Findings, rows: Rows, kept: Iterable[Change] = ()) -> dict[str, Column]:
    """Every field and its values.

    Args:
        found: what is known of N samples.
        rows: int64 [M], the samples in the dataset's order.
        kept: changes by a person that are not imported yet; their labels stay as the person set them.
    """
    changed = {change.sample_id: change.word for change in kept if not change.tagged}
    named: list[str | None] = [changed.get(sample_id) for sample_id in findings.samples.sample_ids.take(rows).to_pylist()]
    words, proposals = label_words(findings.samples.classes), proposal_words(findings.samples.classes)
    columns = {
        GIVEN: Column("Classification", lambda: _classifications(words, findings.given[rows], [None] * len(rows)), _LABEL),
        GROUND_TRUTH: Column("Classification", lambda: _classifications(words, findings.labels[rows], named), _LABEL),
        SHOWN: Column("StringField", lambda: [words[code] or "" for code in findings.labels[rows].tolist()]),
        PLACE: Column("IntField", lambda: _places(findings, rows)),
        METADATA: Column("ImageMetadata", lambda: _metadata(findings, rows), _METADATA),
    }
    for opinion in findings.opinions:
        columns[OPINION + opinion.filter] = Column("Classification", partial(_opinions, proposals, opinion, rows), _VOTE)
    if findings.boxes is not None:
        columns[DETECTIONS] = Column("Detections", partial(_detections, findings, findings.boxes, rows), _BOXES)
    if findings.group is not None:
        columns[GROUP] = Column("IntField", partial(_numbered, findings.group[rows]))
    return columns | _judgements(findings, rows) | _looks(findings.looks, rows)


def light(columns: dict[str, Column]) -> dict[str, list[Any]]:
    """The values of the fields that hold a word or a number."""
    return {name: column.make() for name, column in columns.items() if column.kind in _LIGHT}


def declare(fiftyone: Any, dataset: Any, name: str, kind: str) -> None:
    """Make the field where it is not there; a field whose values are all empty has no type to be guessed from."""
    if dataset.has_field(name):
        return
    if kind.endswith("Field"):
        dataset.add_sample_field(name, getattr(fiftyone, kind))
    else:
        dataset.add_sample_field(name, fiftyone.EmbeddedDocumentField, embedded_doc_type=getattr(fiftyone, kind))
    if name.startswith(OPINION):
        dataset.add_sample_field(f"{name}.reason", fiftyone.StringField)


def tags_of(findings: Findings, rows: Rows) -> list[list[str]]:
    """Our own tags of each sample: its split, and no_label, dropped and review where they hold."""
    queued = np.zeros(len(findings.samples), bool)
    queued[findings.review] = True
    columns = (findings.samples.split_codes[rows].tolist(), findings.labels[rows].tolist(), queued[rows].tolist())
    return [[SPLITS[split], *[NO_LABEL] * (code == UNLABELED), *[OUT] * (code == DROPPED), *[REVIEW] * look]
            for split, code, look in zip(*columns, strict=True)]


def _classifications(words: dict[int, str | None], codes: Codes, named: list[str | None]) -> list[Document | None]:
    labels = [name or words[code] for code, name in zip(codes.tolist(), named, strict=True)]
    return [None if label is None else _document("Classification", label=label) for label in labels]


def _opinions(words: dict[int, str], opinion: Opinions, rows: Rows) -> list[Document | None]:
    columns = (opinion.proposed[rows].tolist(), opinion.confidence[rows].astype(float).tolist(),
               opinion.reason_codes[rows].tolist())
    return [_document("Classification", label=words[proposed], confidence=confidence, reason=opinion.reasons[reason])
            if proposed in words else None for proposed, confidence, reason in zip(*columns, strict=True)]


def _detections(findings: Findings, boxes: Boxes, rows: Rows) -> list[Document]:
    """Boxes as FiftyOne has them: left, top, width, height as shares of the image."""
    sides = np.stack([findings.samples.numbers(name)[rows] for name in ("width", "height")], axis=1)
    boxes = take(boxes, rows)
    share = np.clip(boxes.xyxy / np.repeat(np.tile(sides, 2), boxes.counts, axis=0), 0, 1)
    corners = np.concatenate([share[:, :2], share[:, 2:] - share[:, :2]], axis=1).astype(float).tolist()
    names = [boxes.classes.name_of(kind) for kind in boxes.class_id.tolist()]
    made = [_document("Detection", label=name, bounding_box=box, confidence=sure, attributes={})
            for name, box, sure in zip(names, corners, boxes.confidence.astype(float).tolist(), strict=True)]
    return [{"_cls": "Detections", "detections": made[first:last]} for first, last in pairwise(boxes.offsets.tolist())]


def _document(kind: str, **values: Any) -> Document:
    from bson import ObjectId

    return {"_id": ObjectId(), "_cls": kind, "tags": [], **values}


def _places(findings: Findings, rows: Rows) -> list[int | None]:
    place = np.full(len(findings.samples), -1, np.int64)
    place[findings.review] = np.arange(len(findings.review))
    return _numbered(place[rows])


def _numbered(numbers: Rows) -> list[int | None]:
    return [number if number >= 0 else None for number in numbers.tolist()]


def _metadata(findings: Findings, rows: Rows) -> list[Document]:
    """Sides of the photo as a person sees it; every photo is read as three channels."""
    sides = (findings.samples.numbers(name)[rows].tolist() for name in ("width", "height"))
    return [{"_cls": "ImageMetadata", "width": width, "height": height, "num_channels": 3}
            for width, height in zip(*sides, strict=True)]


def _judgements(findings: Findings, rows: Rows) -> dict[str, Column]:
    """What is known of the labels themselves; empty where a sample was not judged."""
    columns: dict[str, Column] = {}
    known = findings.issues
    if known is not None and (errors := known.errors) is not None:
        issue, quality = np.full(len(findings.samples), -1), np.full(len(findings.samples), np.nan)
        issue[known.judged], quality[known.judged] = errors.is_label_issue, errors.label_quality
        columns[ISSUE] = Column("BooleanField", lambda: [None if one < 0 else bool(one) for one in issue[rows].tolist()])
        columns[QUALITY] = Column("FloatField", lambda: _measured(quality[rows]))
    if (triage := findings.triage) is not None:
        columns[TRIAGE] = Column("StringField", lambda: [None if code < 0 else TRIAGE_NAMES[code] for code in triage[rows]])
    if (p_wrong := findings.p_wrong) is not None:
        columns[P_WRONG] = Column("FloatField", lambda: _measured(p_wrong[rows]))
    return columns


def _measured(values: NDArray[np.floating]) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.astype(float).tolist()]


def _looks(looks: Looks | None, rows: Rows) -> dict[str, Column]:
    if looks is None:
        return {}
    return {UNIQUENESS: Column("FloatField", lambda: looks.uniqueness[rows].astype(float).tolist()),
            REPRESENTATIVENESS: Column("FloatField", lambda: looks.representativeness[rows].astype(float).tolist()),
            EMBEDDING: Column("VectorField", lambda: list(np.asarray(looks.features)[rows].astype(np.float32)))}
