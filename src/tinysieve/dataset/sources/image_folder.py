"""What lies in an image folder: photos, and what computers leave beside them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from tinysieve.dataset.image_formats import HEAD_BYTES, is_picture
from tinysieve.dataset.sources.listing import SkippedRow
from tinysieve.ground.errors import InputError

# Taken for photos unopened; what has another ending is looked into.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif")
_NEVER = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".parquet", ".npy", ".npz", ".py",
          ".zip", ".tar", ".gz", ".db", ".xlsx", ".cache", ".log")
_LITTER = frozenset({"@eadir", "__macosx", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found",
                     "thumbnails", "thumbs", "trash"})
MISNAMED = "file name is not UTF-8: rename it"


@dataclass(frozen=True)
class ImageFolder:
    """Files below a folder, relative to it, with forward slashes, sorted.

    Args:
        names: of photos, some perhaps not UTF-8.
        litter: of pictures that nobody took: previews, checkpoints, trash, names that begin with a dot.
        unfollowed: links to folders that were not entered.
    """

    root: Path
    names: tuple[str, ...]
    litter: tuple[str, ...]
    unfollowed: tuple[str, ...]

    @cached_property
    def photos(self) -> pa.Array:
        """string [F]: every photo whose name is UTF-8."""
        return pa.array([name for name in self.names if _is_utf8(name)], pa.string())

    def misnamed(self) -> tuple[SkippedRow, ...]:
        """Photos whose names no table can hold: not UTF-8, as old archives leave them."""
        return tuple(SkippedRow(os.fsencode(name).decode("utf-8", "backslashreplace"), str(self.root), MISNAMED)
                     for name in self.names if not _is_utf8(name))

    def notes(self) -> tuple[str, ...]:
        """What was left out, with an example."""
        said = []
        if self.litter:
            said.append(f"{len(self.litter):,} pictures left out that are no photos (previews, checkpoints, trash, names that "
                        f"begin with a dot), such as {self.litter[0]!r}")
        if self.unfollowed:
            said.append(f"{len(self.unfollowed):,} links to folders are not followed, such as {self.unfollowed[0]!r}: "
                        "dataset.follow_links: [FOLDER] names where links may lead")
        return tuple(said)


def scan_images(root: Path, follow_links: Collection[Path] = (), keep: Collection[str] = ()) -> ImageFolder:
    """Walk a folder; content decides what is a photo where the name does not.

    Args:
        root: image folder.
        follow_links: folders that links to folders may lead into.
        keep: names that are no litter, because classes or splits are called so.

    Raises:
        InputError: there is no such folder.
    """
    if not root.is_dir():
        raise InputError(f"image folder {root} does not exist", fix="correct the path in the configuration")
    allowed = tuple(folder.resolve() for folder in follow_links)
    scan = _Scan(root.resolve(), allowed, frozenset(name.casefold() for name in keep))
    photos = list(scan.pictures(root, "", frozenset({root.resolve()})))
    litter = [name for folder in scan.litter for name in scan.pictures(root / folder, folder, frozenset(), all_alike=True)]
    return ImageFolder(root, tuple(sorted(photos)), tuple(sorted(litter + scan.litter_files)), tuple(sorted(scan.unfollowed)))


class _Scan:
    """One walk; collects what it passes by."""

    def __init__(self, root: Path, allowed: tuple[Path, ...], keep: frozenset[str]) -> None:
        self.root, self.allowed, self.keep = root, allowed, keep
        self.litter: list[str] = []
        self.litter_files: list[str] = []
        self.unfollowed: list[str] = []

    def pictures(self, folder: Path, inside: str, above: frozenset[Path], all_alike: bool = False) -> Iterator[str]:
        """Relative names of pictures below `folder`; `above` are the real folders that led here, so that no circle is walked."""
        for entry in os.scandir(folder):
            name = f"{inside}/{entry.name}" if inside else entry.name
            if not all_alike and self._is_litter(entry.name):
                if entry.is_dir(follow_symlinks=False):
                    self.litter.append(name)
                elif entry.name.lower().endswith(SUFFIXES):
                    self.litter_files.append(name)
            elif entry.is_dir(follow_symlinks=False):
                yield from self.pictures(Path(entry.path), name, above, all_alike)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                yield from () if all_alike else self._linked(entry, name, above)
            elif self._is_photo(entry):
                yield name

    def _linked(self, entry: os.DirEntry[str], name: str, above: frozenset[Path]) -> Iterator[str]:
        real = Path(entry.path).resolve()
        if real not in above and any(real.is_relative_to(folder) for folder in self.allowed):
            yield from self.pictures(real, name, above | {real})
        else:
            self.unfollowed.append(name)

    def _is_litter(self, name: str) -> bool:
        return name.startswith(".") or (name.casefold() in _LITTER and name.casefold() not in self.keep)

    def _is_photo(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.lower()
        if name.endswith(SUFFIXES) or name.endswith(_NEVER):
            return name.endswith(SUFFIXES)
        real = Path(os.path.realpath(entry.path)) if entry.is_symlink() else None
        if real is not None and not any(real.is_relative_to(folder) for folder in (self.root, *self.allowed)):
            return False
        try:
            if not entry.is_file():
                return False
            with open(entry.path, "rb") as file:
                return is_picture(file.read(HEAD_BYTES))
        except OSError:
            return False


def _is_utf8(name: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in name)
