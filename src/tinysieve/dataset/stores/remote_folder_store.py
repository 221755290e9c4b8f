"""Store: a folder of an object store, an object an image."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from functools import cached_property
from typing import Any

import pyarrow as pa

from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.sources.image_folder import SUFFIXES, is_litter, litter_note
from tinysieve.dataset.sources.listing import SkippedRow
from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.dataset.stores.block_cache import BlockCache
from tinysieve.dataset.stores.container import name_objection, size_objection
from tinysieve.dataset.stores.remote_file import Remote, RemoteFile
from tinysieve.dataset.stores.store import ImageStore


class RemoteFolderStore(ImageStore):
    """Objects below an address; by their ending photos, since none is opened to find out.

    Args:
        remote: the file system.
        address: the folder.
        cache: blocks that were read.
        keep: names that are no litter.
    """

    def __init__(self, remote: Remote, address: str, cache: BlockCache, keep: Collection[str] = ()) -> None:
        self.where, self._remote, self._cache = address.rstrip("/"), remote, cache
        self._keep = frozenset(name.casefold() for name in keep)

    def scan(self) -> StoredImages:
        names = sorted(name for name in self._objects if name.lower().endswith(SUFFIXES))
        refused = tuple(SkippedRow(name, self.where, reason) for name in names if (reason := name_objection(name)))
        sound = [name for name in names if not name_objection(name)]
        litter = tuple(name for name in sound if self._is_litter(name))
        photos = pa.array([name for name in sound if not self._is_litter(name)], pa.string())
        note = f"{len(photos):,} images below {self.where}, by their endings, read where they lie"
        return StoredImages(self.where, photos, litter, refused, (note, *litter_note(litter)))

    def read(self, name: str) -> bytes:
        if name not in self._objects:
            raise FileNotFoundError(2, "no such object", name)
        about = self._objects[name]
        if objection := size_objection(int(about.get("size") or 0)):
            raise UndecodableImage(objection)
        file = RemoteFile(self._remote, self.place(name), self._cache, about)
        return file.read_at(0, file.size)

    def fingerprint(self) -> bytes:
        """Of what the listing says of every object."""
        digest = hashlib.blake2b(digest_size=16)
        for name, about in sorted(self._objects.items()):
            said = [str(about.get(key)) for key in ("size", "ETag", "etag", "generation", "LastModified", "mtime", "created")]
            digest.update(f"{name}\0{said}\n".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def place(self, name: str) -> str:
        return f"{self.where}/{name}"

    @cached_property
    def _objects(self) -> dict[str, dict[str, Any]]:
        return self._remote.listing(self.where)

    def _is_litter(self, name: str) -> bool:
        return any(is_litter(part, self._keep) for part in name.split("/"))
