"""Versions: label sets that never change, each with a parent and a ledger of how it differs from it.

`apply_decisions` is the only function of the program that makes a new label.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import DROPPED, POSITIVE, UNLABELED, Codes
from tinysieve.dataset.decisions import ACTIONS, LABEL, RELABEL, Decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.errors import FrozenSplit, InputError

ALWAYS_FROZEN = frozenset({"test"})
LEDGER_SCHEMA = pa.schema([
    ("sample_id", pa.string()), ("old_label", pa.string()), ("new_label", pa.string()), ("action", pa.string()),
    ("by", pa.string()), ("score", pa.float32()), ("reason", pa.string()), ("at", pa.string()),
])


@dataclass(frozen=True)
class Version:
    """A label set at a moment.

    Args:
        id: 16 hex digits, a hash of the parent, the labels and the ledger.
        parent: id of the version it came from; None for version 0.
        labels: int8 [N] in sample order: NEGATIVE, POSITIVE, UNLABELED or DROPPED.
        ledger: one row a difference from the parent, LEDGER_SCHEMA.
        note: one line for `tinysieve log`.
        basis: of version 0, the fingerprint of its sample table; "" for all others, which stand on their parent.
    """

    id: str
    parent: str | None
    labels: Codes
    ledger: pa.Table
    note: str
    basis: str = ""

    def recomputed_id(self) -> str:
        """The id that these contents have; another than `id` where somebody changed them."""
        return _identity(self.basis if self.parent is None else self.parent, self.labels, self.ledger)


def first_version(samples: SampleTable) -> Version:
    """Version 0: the labels as the source gave them."""
    ledger = LEDGER_SCHEMA.empty_table()
    made = _identity(samples.fingerprint, samples.labels, ledger)
    return Version(made, None, samples.labels, ledger, "as ingested", samples.fingerprint)


def apply_decisions(
    samples: SampleTable, version: Version, decisions: Decisions, note: str, frozen: frozenset[str] = ALWAYS_FROZEN
) -> Version:
    """Make the version in which the decisions are carried out; decisions that change nothing leave no trace.

    Args:
        samples: the sample table the version belongs to.
        version: what to start from.
        decisions: at most one for a row.
        note: one line for the log.
        frozen: splits that must not change; "test" is always among them.

    Returns:
        The new version, or `version` itself where no label changes.

    Raises:
        FrozenSplit: a decision would change a row of a frozen split.
        InputError: a row that does not exist, or a label that is none.
    """
    _check(samples, decisions)
    rows, new = decisions.rows, decisions.new_labels
    changes = np.flatnonzero(version.labels[rows] != new)
    if not len(changes):
        return version
    _refuse_frozen(samples, rows[changes], frozen | ALWAYS_FROZEN)
    labels = version.labels.copy()
    labels[rows[changes]] = new[changes]
    ledger = _ledger(samples, version.labels, decisions, changes)
    return Version(_identity(version.id, labels, ledger), version.id, labels, ledger, note)


def diff(samples: SampleTable, old: Version, new: Version) -> pa.Table:
    """Rows whose label differs: sample_id, filepath, split, old_label, new_label, in sample order."""
    rows = np.flatnonzero(old.labels != new.labels)
    taken = samples.table.select(["sample_id", "filepath", "split"]).take(pa.array(rows))
    taken = taken.append_column("old_label", samples.classes.states(old.labels[rows]))
    return taken.append_column("new_label", samples.classes.states(new.labels[rows]))


def _check(samples: SampleTable, decisions: Decisions) -> None:
    outside = (decisions.rows < 0) | (decisions.rows >= len(samples))
    if outside.any():
        raise InputError(f"decision for row {decisions.rows[outside][0]} of {len(samples)} samples")
    unknown = (decisions.new_labels < DROPPED) | (decisions.new_labels > POSITIVE)
    if unknown.any():
        raise InputError(f"decision with label code {decisions.new_labels[unknown][0]}")
    made = np.isin(decisions.actions, (RELABEL, LABEL)) & (decisions.new_labels <= UNLABELED)
    if made.any():
        raise InputError(f"a {ACTIONS[decisions.actions[made][0]]} decision without a label")


def _refuse_frozen(samples: SampleTable, rows: np.ndarray, frozen: frozenset[str]) -> None:
    touched = rows[samples.in_split(*sorted(frozen))[rows]]
    if len(touched):
        first = samples.table.slice(int(touched[0]), 1).to_pylist()[0]
        raise FrozenSplit(
            f"{len(touched)} decisions would change split '{first['split']}', which is frozen",
            where=f"{first['filepath']} ({first['sample_id']})",
            why="accuracy must be measured on labels that no filter changed",
            fix="leave these samples out of the decisions",
        )


def _ledger(samples: SampleTable, old: Codes, decisions: Decisions, changes: np.ndarray) -> pa.Table:
    order = changes[np.argsort(decisions.rows[changes], kind="stable")]
    taken, rows = pa.array(order), decisions.rows[order]
    at = pa.nulls(len(order), pa.string()) if decisions.at is None else decisions.at.take(taken)
    columns = [
        samples.sample_ids.combine_chunks().take(pa.array(rows)), samples.classes.names(old[rows]),
        samples.classes.names(decisions.new_labels[order]), pa.array(ACTIONS).take(pa.array(decisions.actions[order])),
        decisions.by.take(taken), pa.array(decisions.scores[order], pa.float32()), decisions.reasons.take(taken), at,
    ]
    return pa.table([_plain(column) for column in columns], schema=LEDGER_SCHEMA)


def _plain(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return pc.dictionary_decode(column) if pa.types.is_dictionary(column.type) else column


def _identity(parent: str, labels: Codes, ledger: pa.Table) -> str:
    digest = hashlib.blake2b(parent.encode(), digest_size=8)
    digest.update(labels.tobytes())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, ledger.schema) as writer:
        writer.write_table(ledger.combine_chunks())
    digest.update(sink.getvalue())
    return digest.hexdigest()
