"""Where versions live: a folder with labels, ledgers, the current version and a journal of what was done when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tinysieve.dataset.version_files import read_meta, read_version, version_files, write_version
from tinysieve.dataset.version_names import give_name, names_in
from tinysieve.dataset.versions import Version
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.ground.journal import Entry, append, read_journal


@dataclass(frozen=True)
class LogEntry:
    """One line of `tinysieve log`, newest first."""

    id: str
    parent: str | None
    note: str
    changes: int
    current: bool
    at: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class VersionStore:
    """A folder of immutable versions; nothing in it is ever deleted, and each is held against its id whenever it is read.

    Each version is `<id>.npy` (labels), `<id>.parquet` (ledger) and, written last, `<id>.json`.
    """

    folder: Path

    def save(self, version: Version) -> None:
        """Add a version (the same one twice is once) and make it current; damaged files of it are kept aside and written anew."""
        write_version(self.folder, version)
        self._point_at(version.id, "saved")

    def files_of(self, version_id: str) -> tuple[Path, ...]:
        """Where a version lies."""
        return version_files(self.folder, version_id)

    def advance(self, version: Version) -> tuple[str, ...]:
        """Add a version and make it current, unless what is current builds on it.

        Returns:
            Versions that stood on what was current before and are no part of it now, oldest first: people's decisions and others
            made on top of an earlier version of the same parent.
        """
        # First, because what is current may build on a damaged copy of it.
        write_version(self.folder, version)
        before = self._ancestry(self._head()) if (self.folder / "HEAD").exists() else ()
        if version.id in before:
            return ()
        self._point_at(version.id, "saved")
        # Behind the version that the new one takes the place of.
        return before[before.index(version.parent) + 2:] if version.parent in before else ()

    def adopt(self, first: Version) -> None:
        """Take a version 0 that an ingest has made; what is current stays current where it descends from it.

        After a change of the source and back, the newest version of that source is current again.
        """
        write_version(self.folder, first)
        if (self.folder / "HEAD").exists() and self._version_0() == first.id:
            return
        self._point_at(first.id, "saved")
        self.checkout(next(entry.id for entry in self.log() if self._root(entry.id) == first.id))

    def load(self, reference: str = "HEAD") -> Version:
        """The version with this id, unambiguous prefix, "HEAD", or "0" for the version 0 that HEAD descends from.

        Raises:
            InputError: none or several versions match, or its contents do not have its id.
        """
        return read_version(self.folder, self.resolve(reference))

    def chain(self, reference: str = "HEAD") -> list[Version]:
        """From version 0 to this one, parent by parent."""
        return [read_version(self.folder, version_id) for version_id in self._ancestry(self.resolve(reference))]

    def resolve(self, reference: str) -> str:
        """The full id behind a reference."""
        if reference == "HEAD":
            return self._head()
        ids, names = self._ids(), names_in(self.folder)
        if reference == "0":
            return self._version_0()
        if reference in names:
            return names[reference]
        matches = [version_id for version_id in ids if version_id.startswith(reference)]
        if len(matches) != 1:
            raise InputError(
                f"{'no version' if not matches else f'{len(matches)} versions'} called '{reference}'",
                where=str(self.folder), fix="see 'tinysieve log'; known: " + ", ".join((*names, *ids)),
            )
        return matches[0]

    def checkout(self, reference: str) -> Version:
        """Make a version current."""
        version = self.load(reference)
        self._point_at(version.id, "checkout")
        return version

    def name(self, reference: str, name: str) -> None:
        """Call a version so from now on; names are no part of a version. See `give_name`."""
        give_name(self.folder, name, self.load(reference).id)

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
        names = names_in(self.folder)
        for line in self._journal():
            if line["event"] == "saved":
                saved.setdefault(line["version"], line["at"])
        entries = []
        for version_id, at in saved.items():
            meta = read_meta(self.folder, version_id)
            called = tuple(name for name, named in names.items() if named == version_id)
            entries.append(LogEntry(version_id, meta["parent"], meta["note"], meta["changes"], version_id == head, at, called))
        return entries[::-1]

    def _version_0(self) -> str:
        """The root of what is current; where that cannot be read, the only root that there is, so that it can be made again."""
        try:
            return self._root(self._head())
        except InputError:
            roots = [version_id for version_id in self._ids() if self._is_root(version_id)]
            if len(roots) != 1:
                raise
            return roots[0]

    def _is_root(self, version_id: str) -> bool:
        try:
            return read_meta(self.folder, version_id)["parent"] is None
        except InputError:
            return False

    def _root(self, version_id: str) -> str:
        return self._ancestry(version_id)[0]

    def _ancestry(self, version_id: str) -> tuple[str, ...]:
        """The version and all it descends from, oldest first."""
        chain: list[str] = []
        following: str | None = version_id
        while following is not None:
            if following in chain:
                raise InputError(f"version {following} descends from itself", where=str(version_files(self.folder, following)[2]),
                                 why="its parent was changed", fix="bring the file back from a copy")
            chain.append(following)
            following = read_meta(self.folder, following)["parent"]
        return tuple(reversed(chain))

    def _ids(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.json"))

    def _head(self) -> str:
        ids, head = self._ids(), self._written_head()
        if not ids:
            raise InputError("no versions yet", where=str(self.folder), fix="run 'tinysieve ingest' first")
        if head not in ids:
            raise InputError(f"HEAD is not a version: {head[:40]!r}", where=str(self.folder / "HEAD"),
                             fix="set the current version with 'tinysieve checkout ID'; known: " + ", ".join(ids))
        return head

    def _written_head(self) -> str:
        """What HEAD says, be it a version or not; "" where it is not there."""
        head = self.folder / "HEAD"
        return head.read_text(encoding="utf-8", errors="replace").strip() if head.exists() else ""

    def _point_at(self, version_id: str, event: str) -> None:
        known = any(line["version"] == version_id for line in self._journal())
        if known and self._written_head() == version_id:
            return
        append(self._journal_file, {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "version": version_id})
        write_text(self.folder / "HEAD", version_id + "\n")

    @property
    def _journal_file(self) -> Path:
        return self.folder / "journal.log.jsonl"

    def _journal(self) -> list[Entry]:
        return read_journal(self._journal_file, ("at", "event", "version"))
