"""What lies in an image folder: photos, and what computers leave beside them."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from tinysieve.dataset.image_formats import HEAD_BYTES, is_picture
from tinysieve.dataset.sources.listing import SkippedRow
from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.ground.errors import InputError

# Taken for photos unopened; what has another ending is looked into.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".heic", ".heif")
NO_PHOTO = (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".html", ".parquet", ".npy", ".npz", ".py",
            ".zip", ".tar", ".gz", ".db", ".xlsx", ".cache", ".log")
_LITTER = frozenset({"@eadir", "__macosx", "#recycle", "#snapshot", "$recycle.bin", "system volume information", "lost+found",
                     "__pycache__", "thumbnails", "_thumbnails", "thumbs", "_thumbs", "thumb",
                     "preview", "previews", "cache", "trash"})
# Folders of file servers and synchronizers begin so: @eaDir, @Recycle, #recycle, ~snapshot.
_SERVICE_SIGNS = ("@", "#", "~")
# Downloads that did not end, and copies that editors keep.
_LEFTOVERS = (".tmp", ".temp", ".part", ".partial", ".crdownload", ".bak", ".orig", "~")
MISNAMED = "file name is not UTF-8: rename it"


def scan_images(root: Path, follow_links: Collection[Path] = (), keep: Collection[str] = ()) -> StoredImages:
    """Walk a folder; content decides what is a photo where the name does not.

    Args:
        root: image folder.
        follow_links: folders that links to folders may lead into.
        keep: names that are no litter, because classes or splits are called so.

    Raises:
        InputError: there is no such folder.
    """
    scan, photos = _walked(root, follow_links, keep)
    litter = [name for folder in scan.litter for name in scan.pictures(root / folder, folder, (), all_alike=True)]
    litter = sorted(litter + scan.litter_files)
    return StoredImages(str(root), pa.array([name for name in photos if _is_utf8(name)], pa.string()), tuple(litter),
                        _misnamed(photos, root), litter_note(litter) + _unfollowed_note(sorted(scan.unfollowed)),
                        tuple(sorted(scan.unfollowed)))


def scanned_names(root: Path, follow_links: Collection[Path] = (), keep: Collection[str] = ()) -> list[str]:
    """The photos of `scan_images`, sorted, with those whose names are not UTF-8."""
    return _walked(root, follow_links, keep)[1]


def litter_note(litter: Sequence[str]) -> tuple[str, ...]:
    """How many pictures were left out, with an example."""
    if not litter:
        return ()
    return (f"{len(litter):,} pictures left out that are no photos (previews, checkpoints, trash, names that begin with a dot), "
            f"such as {litter[0]!r}",)


def is_litter(name: str, keep: Collection[str]) -> bool:
    """True for a file or folder name that computers give to what is no photo; `keep` in lower case."""
    low = name.casefold()
    if low in keep:
        return False
    is_service = low.startswith(_SERVICE_SIGNS) and not low.endswith(SUFFIXES)
    return low.startswith(".") or is_service or low in _LITTER or low.endswith(_LEFTOVERS)


def _walked(root: Path, follow_links: Collection[Path], keep: Collection[str]) -> tuple[_Scan, list[str]]:
    if not root.is_dir():
        raise InputError(f"image folder {root} does not exist", fix="correct the path in the configuration")
    allowed = tuple(folder.resolve() for folder in follow_links)
    scan = _Scan(root.resolve(), allowed, frozenset(name.casefold() for name in keep))
    return scan, sorted(scan.pictures(root, "", ()))


def _misnamed(names: Sequence[str], root: Path) -> tuple[SkippedRow, ...]:
    """Photos whose names no table can hold: not UTF-8, as old archives leave them."""
    return tuple(SkippedRow(os.fsencode(name).decode("utf-8", "backslashreplace"), str(root), MISNAMED)
                 for name in names if not _is_utf8(name))


def _unfollowed_note(unfollowed: Sequence[str]) -> tuple[str, ...]:
    if not unfollowed:
        return ()
    return (f"{len(unfollowed):,} links to folders are not followed, such as {unfollowed[0]!r}: "
            "dataset.follow_links: [FOLDER] names where links may lead",)


class _Scan:
    """One walk; collects what it passes by."""

    def __init__(self, root: Path, allowed: tuple[Path, ...], keep: frozenset[str]) -> None:
        self.root, self.allowed, self.keep = root, allowed, keep
        self.litter: list[str] = []
        self.litter_files: list[str] = []
        self.unfollowed: list[str] = []

    def pictures(self, folder: Path, inside: str, above: tuple[Path, ...], all_alike: bool = False) -> Iterator[str]:
        """Relative names of pictures below `folder`; `above` are the real folders of the links that led here."""
        for entry in os.scandir(folder):
            name = f"{inside}/{entry.name}" if inside else entry.name
            if not all_alike and is_litter(entry.name, self.keep):
                if entry.is_dir(follow_symlinks=False):
                    self.litter.append(name)
                elif entry.name.lower().endswith((*SUFFIXES, *_LEFTOVERS)):
                    self.litter_files.append(name)
            elif entry.is_dir(follow_symlinks=False):
                yield from self.pictures(Path(entry.path), name, above, all_alike)
            elif entry.is_symlink() and os.path.isdir(entry.path):
                yield from () if all_alike else self._linked(entry, name, above)
            elif self._is_photo(entry):
                yield name

    def _linked(self, entry: os.DirEntry[str], name: str, above: tuple[Path, ...]) -> Iterator[str]:
        """What lies below a link; not of one that leads back to a folder on the way: its photos would come in twice."""
        real, way = Path(entry.path).resolve(), (*above, Path(entry.path).parent.resolve())
        is_circle = any(folder.is_relative_to(real) for folder in way)
        if not is_circle and any(real.is_relative_to(folder) for folder in self.allowed):
            yield from self.pictures(real, name, way)
        else:
            self.unfollowed.append(name)

    def _is_photo(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.lower()
        if name.endswith(SUFFIXES) or name.endswith(NO_PHOTO):
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
