"""Where versions live: a folder with labels, ledgers, the current version and a journal of what was done when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from tinysieve.dataset.versions import Version
from tinysieve.ground.atomic_files import replacing, write_text
from tinysieve.ground.errors import InputError


@dataclass(frozen=True)
class LogEntry:
    """One line of `tinysieve log`, newest first."""

    id: str
    parent: str | None
    note: str
    changes: int
    current: bool
    at: str


@dataclass(frozen=True)
class VersionStore:
    """A folder of immutable versions; nothing in it is ever deleted.

    Each version is `<id>.npz` (labels), `<id>.parquet` (ledger) and, written last, `<id>.json`.
    """

    folder: Path

    def save(self, version: Version) -> None:
        """Add a version (the same one twice is once) and make it current."""
        if not self._meta(version.id).exists():
            with replacing(self.folder / f"{version.id}.npy") as temporary, temporary.open("wb") as file:
                np.save(file, version.labels)
            with replacing(self.folder / f"{version.id}.parquet") as temporary:
                pq.write_table(version.ledger, temporary, compression="zstd")
            meta = {"parent": version.parent, "note": version.note, "changes": version.ledger.num_rows}
            write_text(self._meta(version.id), json.dumps(meta, indent=1) + "\n")
        self._point_at(version.id, "saved")

    def advance(self, version: Version) -> tuple[str, ...]:
        """Add a version and make it current, unless what is current builds on it.

        Returns:
            Versions that stood on what was current before and are no part of it now, oldest first: people's decisions and others
            made on top of an earlier version of the same parent.
        """
        before = self._ancestry(self._head()) if (self.folder / "HEAD").exists() else ()
        if version.id in before:
            return ()
        self.save(version)
        # Behind the version that the new one takes the place of.
        return before[before.index(version.parent) + 2:] if version.parent in before else ()

    def adopt(self, first: Version) -> None:
        """Take a version 0 that an ingest has made; what is current stays current where it descends from it.

        After a change of the source and back, the newest version of that source is current again.
        """
        if (self.folder / "HEAD").exists() and self._root(self._head()) == first.id:
            return
        self.save(first)
        self.checkout(next(entry.id for entry in self.log() if self._root(entry.id) == first.id))

    def load(self, reference: str = "HEAD") -> Version:
        """The version with this id, unambiguous prefix, "HEAD", or "0" for the version 0 that HEAD descends from.

        Raises:
            InputError: none or several versions match.
        """
        found = self.resolve(reference)
        meta = json.loads(self._meta(found).read_text())
        labels = np.load(self.folder / f"{found}.npy", allow_pickle=False)
        return Version(found, meta["parent"], labels, pq.read_table(self.folder / f"{found}.parquet"), meta["note"])

    def resolve(self, reference: str) -> str:
        """The full id behind a reference."""
        if reference == "HEAD":
            return self._head()
        ids = self._ids()
        if reference == "0":
            return self._root(self._head())
        matches = [found for found in ids if found.startswith(reference)]
        if len(matches) != 1:
            raise InputError(
                f"{'no version' if not matches else f'{len(matches)} versions'} called '{reference}'",
                where=str(self.folder), fix="see 'tinysieve log'; known: " + ", ".join(ids),
            )
        return matches[0]

    def checkout(self, reference: str) -> Version:
        """Make a version current."""
        version = self.load(reference)
        self._point_at(version.id, "checkout")
        return version

    def undo(self) -> Version:
        """Make the parent of the current version current.

        Raises:
            InputError: the current version has no parent.
        """
        parent = self.load("HEAD").parent
        if parent is None:
            raise InputError("version 0 is current: nothing to undo", where=str(self.folder))
        self._point_at(parent, "undo")
        return self.load(parent)

    def log(self) -> list[LogEntry]:
        """Every version, newest first by the time it was saved."""
        head = self._head()
        saved: dict[str, str] = {}
        for line in self._journal():
            if line["event"] == "saved":
                saved.setdefault(line["version"], line["at"])
        entries = []
        for version_id, at in saved.items():
            meta = json.loads(self._meta(version_id).read_text())
            entries.append(LogEntry(version_id, meta["parent"], meta["note"], meta["changes"], version_id == head, at))
        return entries[::-1]

    def _meta(self, version_id: str) -> Path:
        return self.folder / f"{version_id}.json"

    def _root(self, version_id: str) -> str:
        return self._ancestry(version_id)[0]

    def _ancestry(self, version_id: str) -> tuple[str, ...]:
        """The version and all it descends from, oldest first."""
        chain: list[str] = []
        found: str | None = version_id
        while found is not None:
            chain.append(found)
            found = json.loads(self._meta(found).read_text())["parent"]
        return tuple(reversed(chain))

    def _ids(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _head(self) -> str:
        ids, found = self._ids(), self._written_head()
        if not ids:
            raise InputError("no versions yet", where=str(self.folder), fix="run 'tinysieve ingest' first")
        if found not in ids:
            raise InputError(f"HEAD is not a version: {found[:40]!r}", where=str(self.folder / "HEAD"),
                             fix="set the current version with 'tinysieve checkout ID'; known: " + ", ".join(ids))
        return found

    def _written_head(self) -> str:
        """What HEAD says, be it a version or not; "" where it is not there."""
        head = self.folder / "HEAD"
        return head.read_text(encoding="utf-8", errors="replace").strip() if head.exists() else ""

    def _point_at(self, version_id: str, event: str) -> None:
        known = any(line["version"] == version_id for line in self._journal())
        if known and self._written_head() == version_id:
            return
        entry = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "version": version_id}
        with (self.folder / "journal.log.jsonl").open("a") as journal:
            journal.write(json.dumps(entry) + "\n")
        write_text(self.folder / "HEAD", version_id + "\n")

    def _journal(self) -> Iterator[dict[str, str]]:
        path = self.folder / "journal.log.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            # A kill in the middle of an append leaves half a line, which says nothing.
            if line.endswith("}"):
                yield json.loads(line)
