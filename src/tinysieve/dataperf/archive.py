"""Unpacking an archive from outside: nothing may land outside its folder, be anything but a file, or fill the disk."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from tinysieve.ground.errors import InputError

MOST_MEMBERS = 1_000_000
_CHUNK_BYTES = 1 << 20
_LONGEST_HEADER_BYTES = 1 << 24
_BROKEN = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError, ValueError)


@dataclass(frozen=True)
class Member:
    """One file of an archive.

    Args:
        name: relative path with forward slashes, as checked.
        size_bytes: as declared; the stream ends there.
        stream: its content.
    """

    name: str
    size_bytes: int
    stream: IO[bytes]


def is_archive(path: Path) -> bool:
    """Whether it is a zip file, or a tar file, plain or compressed with gzip, bzip2 or xz.

    Raises:
        InputError: compressed, and cut or damaged at its beginning.
    """
    if zipfile.is_zipfile(path):
        return True
    try:
        with _decompressed(path) as plain, tarfile.open(fileobj=_Bounded(plain), mode="r:"):  # type: ignore[call-overload]
            return True
    except tarfile.TarError:
        return False
    except _BROKEN as error:
        raise _broken(path, error) from error


def unpack(archive: Path, folder: Path, limit_bytes: int) -> list[str]:
    """Unpack into an empty folder and give the names of the files.

    Args:
        archive: zip or tar.
        folder: is made; remove it when this raises.
        limit_bytes: for all files together, unpacked.

    Raises:
        InputError: a member that would leave the folder, a link, a device, an encrypted or repeated member, more bytes
            than the limit, or a broken archive.
    """
    folder.mkdir(parents=True)
    names: list[str] = []
    left = limit_bytes
    try:
        for member in _members(archive):
            left -= member.size_bytes
            if left < 0 or len(names) >= MOST_MEMBERS:
                raise InputError(f"{archive.name} unpacks to more than {limit_bytes:,} B or {MOST_MEMBERS:,} files",
                                 why="it could fill the disk", fix="raise the limit if you trust it")
            _write(member, folder)
            names.append(member.name)
    except _BROKEN as error:
        raise _broken(archive, error) from error
    return names


def safe_name(name: str, archive: str) -> str:
    """The member's name, if it stays inside the folder on any system.

    Raises:
        InputError: absolute, with `..`, a backslash, a drive, a control character, or empty.

    >>> safe_name("./data/a.csv", "x.zip")
    'data/a.csv'
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not parts or re.search(r"[\\\x00-\x1f]|^[A-Za-z]:", name):
        raise InputError(f"{archive} has a member {name!r}", why="it would leave the folder", fix="do not trust this archive")
    return "/".join(parts)


def _members(archive: Path) -> Iterator[Member]:
    return _zip_members(archive) if zipfile.is_zipfile(archive) else _tar_members(archive)


def _zip_members(archive: Path) -> Iterator[Member]:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)
            name = safe_name(entry.orig_filename, archive.name)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refusal(name, "a link or a device", archive)
            if entry.flag_bits & 1:
                raise _refusal(name, "encrypted", archive)
            if not entry.is_dir():
                with opened.open(entry) as stream:
                    yield Member(name, entry.file_size, stream)


def _tar_members(archive: Path) -> Iterator[Member]:
    with _decompressed(archive) as plain, tarfile.open(fileobj=_Bounded(plain), mode="r:") as opened:  # type: ignore[call-overload]
        for entry in opened:
            name = safe_name(entry.name, archive.name) if entry.name not in (".", "./") else "."
            if not (entry.isreg() or entry.isdir()):
                raise _refusal(name, "a link or a device", archive)
            stream = opened.extractfile(entry)
            if stream is not None:
                yield Member(name, entry.size, stream)


def _decompressed(archive: Path) -> IO[bytes]:
    with archive.open("rb") as raw:
        magic = raw.read(6)
    for start, opener in ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\x00", lzma.open)):
        if magic.startswith(start):
            return cast(IO[bytes], opener(archive, "rb"))
    return archive.open("rb")


class _Bounded:
    """A stream that refuses one huge read, which is how a forged tar header would fill the memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int) -> bytes:
        if size > _LONGEST_HEADER_BYTES:
            raise InputError(f"the archive has a header of {size:,} B", why="it would fill memory",
                             fix="do not trust this archive")
        return self.stream.read(size)


def _write(member: Member, folder: Path) -> None:
    target = folder / member.name
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as written:
        while chunk := member.stream.read(_CHUNK_BYTES):
            written.write(chunk)
        if written.tell() != member.size_bytes:
            raise EOFError(f"{member.name} ends after {written.tell():,} of {member.size_bytes:,} B")


def _refusal(name: str, what: str, archive: Path) -> InputError:
    return InputError(f"{archive.name} has a member {name!r} that is {what}", why="only plain files are unpacked",
                      fix="do not trust this archive")


def _broken(archive: Path, error: Exception) -> InputError:
    return InputError(f"{archive.name} cannot be unpacked: {error}", fix="unpack it by hand to see what is wrong")
