"""Container: a tar archive, plain or packed with gzip, as Dataverse and webdataset publish them; never unpacked to disk."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator

from tinysieve.dataset.image_formats import HEAD_BYTES
from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.stores.container import (
    MAX_MEMBERS,
    Collected,
    Container,
    Members,
    Place,
    begins_as_photo,
    may_be_photo,
    size_objection,
)
from tinysieve.dataset.stores.gzip_stream import GzipStream
from tinysieve.dataset.stores.ranged_file import ByteStream, RangedFile
from tinysieve.dataset.stores.store import DamagedFile
from tinysieve.dataset.stores.webdataset_rows import BesidePhotos

_BLOCK, _PADDING, _AHEAD, _HEADER = 512, 10_240, 1 << 20, 1 << 20
_OTHER_PACKING = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstandard"}


class TarContainer(Container):
    """Members at offsets of the archive, or of what gzip unpacks to."""

    kind = "tar"
    version = 2

    def __init__(self, file: RangedFile) -> None:
        super().__init__(file)
        self._plain = GzipStream(file) if file.read_at(0, min(2, file.size)) == b"\x1f\x8b" else file

    @staticmethod
    def begins(head: bytes, name: str) -> bool:
        for magic, packing in _OTHER_PACKING.items():
            if head.startswith(magic):
                raise DamagedFile(f"an archive packed with {packing} is not read", where=name,
                                  why="it has no place to begin at but the first byte",
                                  fix="pack it as plain tar, which for photos is no larger")
        return head.startswith(b"\x1f\x8b") or _is_header(head[:_BLOCK])

    def scan(self) -> Members:
        collected, beside = Collected(), BesidePhotos()
        for member in self._members():
            if member.isdir():
                continue
            if not member.isreg() or member.issparse():
                collected.refuse(member.name, "a link, a device or a sparse file, and no photo")
            elif BesidePhotos.takes(member.name, member.size):
                beside.add(member.name, self._plain.read_at(member.offset_data, member.size))
            elif self._is_photo(member):
                collected.add(member.name, (member.offset_data, member.size), member.size)
        return beside.joined(collected.members(("at", "size")))

    def read(self, place: Place) -> bytes:
        if objection := size_objection(place["size"]):
            raise UndecodableImage(objection)
        return self._plain.read_at(place["at"], place["size"])

    def _is_photo(self, member: tarfile.TarInfo) -> bool:
        by_name = may_be_photo(member.name)
        if by_name is None:
            return begins_as_photo(self._plain.read_at(member.offset_data, min(member.size, HEAD_BYTES)))
        return by_name

    def _members(self) -> Iterator[tarfile.TarInfo]:
        """One after the other; what comes after the last must be the end mark, or members were lost."""
        stream, last = ByteStream(self._plain, _AHEAD, _HEADER), -1
        try:
            with tarfile.open(fileobj=stream, mode="r:", errors="surrogateescape") as archive:
                for number, member in enumerate(archive):
                    if number >= MAX_MEMBERS:
                        raise DamagedFile(f"more than {MAX_MEMBERS:,} members", where=self.file.name, fix="split the archive")
                    if member.offset <= last:
                        raise self._damaged(f"its header at byte {last:,} leads back to byte {member.offset:,}")
                    last = member.offset
                    # Or tarfile would keep them all.
                    archive.members.clear()  # type: ignore[attr-defined]
                    yield member
                end = archive.offset
        except (tarfile.TarError, zlib.error, ValueError, OverflowError, RecursionError) as error:
            raise self._damaged(f"it is no sound tar archive: {error}") from error
        stream.seek(end)
        tail = stream.read(_PADDING)
        if len(tail) < _BLOCK or any(tail[:_BLOCK]):
            raise self._damaged(f"it ends at byte {end:,} without the mark that ends an archive")
        if any(tail):
            raise self._damaged(f"something follows the end mark at byte {end:,}, perhaps a second archive")

    def _damaged(self, what: str) -> DamagedFile:
        return DamagedFile(what, where=self.file.name, why="members may be missing, and with them photos",
                           fix="get it again and compare its size with the published one")


def _is_header(block: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True
