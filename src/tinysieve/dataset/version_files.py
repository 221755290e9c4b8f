"""The three files of a version, and whether they still hold what its id is a hash of."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from tinysieve.dataset.versions import Version
from tinysieve.ground.atomic_files import replacing, set_aside, write_text
from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import read_object

_META_FIELDS = frozenset({"parent", "note", "changes"})
_FROM_A_COPY = ("bring its files back from a copy; what ingest and policy made, 'tinysieve filter' makes again; a person's "
                "decisions are in review/decisions.csv")


def version_files(folder: Path, version_id: str) -> tuple[Path, Path, Path]:
    """Labels, ledger, and, written last, what says that the version is complete."""
    return folder / f"{version_id}.npy", folder / f"{version_id}.parquet", folder / f"{version_id}.json"


def write_version(folder: Path, version: Version) -> None:
    """Write a version, unless it is there and whole; damaged files are renamed first, so that nothing is deleted."""
    if _is_whole(folder, version.id):
        return
    labels, ledger, meta = version_files(folder, version.id)
    # Without its last file, this is half a version that a kill left behind: it is written over.
    for path in (labels, ledger, meta) if meta.exists() else ():
        set_aside(path)
    with replacing(labels) as temporary, temporary.open("wb") as file:
        np.save(file, version.labels)
    with replacing(ledger) as temporary:
        pq.write_table(version.ledger, temporary, compression="zstd")
    write_text(meta, _meta_text(version))


def read_version(folder: Path, version_id: str) -> Version:
    """The version with exactly this id.

    Raises:
        InputError: a file is gone or damaged, or labels, ledger and parent do not have this id.
    """
    version = _unchecked(folder, version_id)
    if version.recomputed_id() != version_id:
        raise InputError(f"version {version_id} is not what its id says: labels, ledger or parent were changed",
                         where=str(folder), why="the id is a hash of them", fix=_FROM_A_COPY)
    return version


def read_meta(folder: Path, version_id: str) -> dict[str, Any]:
    """Parent, note and number of changes of a version, without its labels.

    Raises:
        InputError: the file is gone, or was changed.
    """
    path = version_files(folder, version_id)[2]
    meta = read_object(path)
    noted = meta.pop("sum", None)
    if not _META_FIELDS <= set(meta) <= _META_FIELDS | {"basis"} or noted not in (None, _checksum(meta)):
        raise InputError(f"what is noted of version {version_id} was changed", where=str(path), fix=_FROM_A_COPY)
    return meta


def _is_whole(folder: Path, version_id: str) -> bool:
    try:
        read_version(folder, version_id)
    except InputError:
        return False
    return True


def _unchecked(folder: Path, version_id: str) -> Version:
    meta, (labels, ledger, _) = read_meta(folder, version_id), version_files(folder, version_id)
    try:
        stored = np.load(labels, allow_pickle=False)
        return Version(version_id, meta["parent"], stored, pq.read_table(ledger), meta["note"], meta.get("basis", ""))
    # The readers of Parquet and NumPy raise nearly anything for damaged files; each means the same here.
    except Exception as error:
        raise InputError(f"version {version_id} cannot be read: {error}"[:300], where=str(folder), fix=_FROM_A_COPY) from error


def _meta_text(version: Version) -> str:
    meta = {"parent": version.parent, "note": version.note, "changes": version.ledger.num_rows, "basis": version.basis}
    return json.dumps({**meta, "sum": _checksum(meta)}, indent=1) + "\n"


def _checksum(meta: dict[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(meta, sort_keys=True).encode(), digest_size=8).hexdigest()
