"""Store: a folder of this machine, a file an image."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from tinysieve.dataset.images import UndecodableImage, read_image
from tinysieve.dataset.sources.image_folder import scan_images, scanned_names
from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.dataset.stores.store import ImageStore

LINK_LEAVES = "path leaves the image root"
LINK_CIRCLE = "symbolic link that leads to itself"
LINK_NOWHERE = "symbolic link to a file that is not there: fetch it, as with 'dvc pull' or 'git annex get'"


class FolderStore(ImageStore):
    """Files below a folder; no file outside of it is opened.

    Args:
        folder: the image folder.
        follow_links: folders that links may lead into.
        keep: names that are no litter, because classes or splits are called so.
    """

    def __init__(self, folder: Path, follow_links: Collection[Path] = (), keep: Collection[str] = ()) -> None:
        self.folder, self.where = folder, str(folder)
        self._follow, self._keep = tuple(follow_links), tuple(keep)
        self._roots = tuple(path.resolve() for path in (folder, *follow_links))

    def scan(self) -> StoredImages:
        return scan_images(self.folder, self._follow, self._keep)

    def read(self, name: str) -> bytes:
        path = followed(self.folder / name)
        if not any(path.is_relative_to(root) for root in self._roots):
            raise UndecodableImage(LINK_LEAVES)
        return read_image(path)

    def fingerprint(self) -> bytes:
        """Of name, size and time of every image file."""
        digest = hashlib.blake2b(digest_size=16)
        for name in scanned_names(self.folder, self._follow, self._keep):
            digest.update(f"{name}\0{_size_and_time(self.folder / name)}\n".encode("utf-8", "surrogateescape"))
        return digest.digest()

    def place(self, name: str) -> str:
        return str(self.folder / name)

    def local_path(self, name: str) -> Path | None:
        return self.folder / name


def followed(path: Path) -> Path:
    """Where links lead. Whether to nothing or in a circle, the system says: `resolve` raises in Python 3.11 and not in 3.13.

    Raises:
        UndecodableImage: they lead to no file.
    """
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UndecodableImage(LINK_CIRCLE) from error
        if error.errno == errno.ENOENT and path.is_symlink():
            raise UndecodableImage(LINK_NOWHERE) from error
    return path.resolve()


def _size_and_time(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        # A link to nowhere; ingest puts it into quarantine by name.
        return os.readlink(file) if file.is_symlink() else "gone"
    return f"{stat.st_size}\0{stat.st_mtime_ns}"
