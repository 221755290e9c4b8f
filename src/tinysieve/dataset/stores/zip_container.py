"""Container: a zip archive; its directory stands at its end, so that little is read to know what lies where."""

from __future__ import annotations

import struct
import zipfile
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
from tinysieve.dataset.stores.ranged_file import ByteStream
from tinysieve.dataset.stores.store import DamagedFile

_COLUMNS = ("at", "packed", "size", "method", "crc")
_LOCAL = struct.Struct("<4s22xHH")
_DIRECTORY, _AHEAD = 1 << 31, 1 << 16
# What deflate may need before its first byte comes out.
_TREES = 4096
_ENCRYPTED, _UTF8 = 0x1, 0x800
_LINK = 0o120000


class ZipContainer(Container):
    """Members stored or deflated, each held against its checksum."""

    kind = "zip"

    @staticmethod
    def begins(head: bytes, name: str) -> bool:
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def scan(self) -> Members:
        collected = Collected()
        for member, room in self._with_room(self._directory()):
            name = _name_of(member)
            place = (member.header_offset, member.compress_size, member.file_size, member.compress_type, member.CRC)
            if objection := _objection(member, room):
                if may_be_photo(name) is not False:
                    collected.refuse(name, objection)
            elif self._is_photo(name, place):
                collected.add(name, place, max(member.file_size, member.compress_size))
        return collected.members(_COLUMNS)

    def read(self, place: Place) -> bytes:
        if objection := size_objection(max(place["size"], place["packed"])):
            raise UndecodableImage(objection)
        data = self._unpacked(place, place["size"])
        if len(data) != place["size"] or zlib.crc32(data) != place["crc"]:
            raise UndecodableImage("damaged in the archive: its checksum is another")
        return data

    def _is_photo(self, name: str, place: tuple[int, ...]) -> bool:
        by_name = may_be_photo(name)
        if by_name is None:
            try:
                return begins_as_photo(self._unpacked(dict(zip(_COLUMNS, place, strict=True)), HEAD_BYTES))
            except UndecodableImage:
                return False
        return by_name

    def _unpacked(self, place: Place, length: int) -> bytes:
        """The first bytes of a member; never more than `length`."""
        head = self.file.read_at(place["at"], _LOCAL.size)
        magic, name, extra = _LOCAL.unpack(head)
        if magic != b"PK\x03\x04":
            raise UndecodableImage("damaged in the archive: no member begins where the directory says")
        wanted = place["packed"] if length >= place["size"] else min(place["packed"], length + _TREES)
        packed = self.file.read_at(place["at"] + _LOCAL.size + name + extra, wanted)
        if place["method"] == zipfile.ZIP_STORED:
            return packed[:length]
        try:
            return zlib.decompressobj(-15).decompress(packed, length) if length else b""
        except zlib.error as error:
            raise UndecodableImage(f"damaged in the archive: {error}") from error

    def _directory(self) -> list[zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(ByteStream(self.file, _AHEAD, _DIRECTORY)) as archive:
                members = [member for member in archive.infolist() if not member.is_dir()]
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OverflowError, struct.error) as error:
            raise DamagedFile(f"it is no sound zip archive: {error}", where=self.file.name,
                              why="a zip that was cut off has lost its directory, which stands at its end",
                              fix="get it again and compare its size with the published one") from error
        if len(members) > MAX_MEMBERS:
            raise DamagedFile(f"more than {MAX_MEMBERS:,} members", where=self.file.name, fix="split the archive")
        return members

    def _with_room(self, members: list[zipfile.ZipInfo]) -> Iterator[tuple[zipfile.ZipInfo, int]]:
        """Each with the bytes up to the next: overlapping members are how a small zip gets to be endless."""
        ordered = sorted(members, key=lambda member: member.header_offset)
        ends = [member.header_offset for member in ordered[1:]] + [self.file.size]
        for member, end in zip(ordered, ends, strict=True):
            yield member, end - member.header_offset - _LOCAL.size


def _objection(member: zipfile.ZipInfo, room: int) -> str:
    if member.flag_bits & _ENCRYPTED:
        return "encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed with a method that is not read: pack the archive without compression"
    if member.external_attr >> 16 & 0o170000 == _LINK:
        return "a link, a device or a sparse file, and no photo"
    return "it overlaps the next member" if member.compress_size > room else ""


def _name_of(member: zipfile.ZipInfo) -> str:
    """As it was meant: many programs write UTF-8 and do not say so."""
    if member.flag_bits & _UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename
