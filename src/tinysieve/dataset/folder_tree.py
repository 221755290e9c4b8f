"""A version as folders of images, `train|val|test/<class>`, which every trainer reads.

The way back is `tinysieve.dataset.sources.folders`.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, UNLABELED
from tinysieve.dataset.image_store import read_checked
from tinysieve.dataset.samples import SPLITS, SampleTable
from tinysieve.dataset.stores.store import ImageStore
from tinysieve.dataset.versions import Version
from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError

Placer = Callable[[ImageStore, str, bytes, Path], None]
"""Gives a photo of a store, by name and by bytes, a file in the tree."""
ABOUT = "version.json"
# Training takes an unlabeled sample that got a label; so does the tree.
_FOLDERS = {"train": "train", "validation": "val", "test": "test", "unlabeled": "train"}
# Written first into the folder that an export is built in.
_MARK = ".tinysieve-export"
_LONGEST_STEM = 100
# What Windows keeps for devices, whatever the extension.
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$", re.IGNORECASE)


@dataclass(frozen=True)
class Exported:
    """What went where.

    Args:
        version: id of the version.
        images: images in each folder, such as "train/person".
        unlabeled, dropped: samples that the version gives no label, or drops; they are left out.
        renamed: files whose name is not that of their photo, because it was unsafe or stood twice.
    """

    version: str
    images: dict[str, int]
    unlabeled: int
    dropped: int
    renamed: int


def copy(store: ImageStore, name: str, data: bytes, target: Path) -> None:
    """A file of its own."""
    target.write_bytes(data)


def symbolic_link(store: ImageStore, name: str, data: bytes, target: Path) -> None:
    """A link by path: takes no space, breaks when the photo moves."""
    target.symlink_to(_own_file(store, name))


def hard_link(store: ImageStore, name: str, data: bytes, target: Path) -> None:
    """A second name of the same bytes: takes no space, only within one file system."""
    target.hardlink_to(_own_file(store, name))


def _own_file(store: ImageStore, name: str) -> Path:
    path = store.local_path(name)
    if path is None:
        raise InputError("nothing to link to: the photo has no file of its own", where=store.place(name), fix="use --copies")
    return path.absolute()


def export_tree(samples: SampleTable, version: Version, store: ImageStore, folder: Path, place: Placer,
                progress: Callable[[int, int], None]) -> Exported:
    """Write the tree, whole or not at all, with `version.json` beside the splits.

    Args:
        samples: the sample table of the version.
        version: whose labels count.
        store: where the photos lie.
        folder: where the tree goes: a new folder, or an empty one.
        place: copy, symbolic_link or hard_link.
        progress: told (done, total) now and then.

    Raises:
        InputError: the folder holds something or lies among the images, or a photo is missing.
    """
    _refuse_folder(folder, store.local_path("."))
    rows = np.flatnonzero(version.labels > UNLABELED)
    folders, paths = _folders(samples, version, rows), _paths(samples, rows)
    names = safe_names(folders, paths, [samples.sample_ids[int(row)].as_py() for row in rows])
    targets = [f"{where}/{name}" for where, name in zip(folders, names, strict=True)]
    ids = [str(samples.sample_ids[int(row)].as_py()) for row in rows]
    partial = folder.with_name(f".{folder.name}.partial")
    _begin(partial)
    try:
        _make_folders(partial, samples)
        _fill(partial, store, paths, ids, targets, place, progress)
        made = _count(samples, version, folders, paths, names)
        write_text(partial / ABOUT, json.dumps(asdict(made), indent=1) + "\n")
        (partial / _MARK).unlink()
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return made


def _begin(partial: Path) -> None:
    """Make the folder to work in, where an export that was killed may have left its own; anybody else's stays.

    Raises:
        InputError: it holds something and lacks our mark.
    """
    if partial.is_symlink() or (partial.exists() and not (partial / _MARK).is_file() and any(partial.iterdir())):
        raise InputError("a folder with this name was not made by an export", where=str(partial),
                         why="the export is built there, and only what carries our own mark is removed", fix="move it elsewhere")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    (partial / _MARK).touch()


def safe_names(folders: list[str], paths: list[PurePosixPath], ids: list[str]) -> list[str]:
    """A file name for each photo that is harmless everywhere and stands once in its folder, upper and lower case alike.

    >>> two = [PurePosixPath("a/1.jpg"), PurePosixPath("b/1.JPG"), PurePosixPath("-rf *.png")]
    >>> safe_names(["train/person"] * 3, two, ["0a", "0b", "0c"])
    ['1-0a.jpg', '1-0b.JPG', 'rf.png']
    """
    names = [_harmless(path) for path in paths]
    while True:
        seen = [f"{where}/{name}".lower() for where, name in zip(folders, names, strict=True)]
        _, place, counts = np.unique(np.array(seen, dtype=str), return_inverse=True, return_counts=True)
        twice = np.flatnonzero(counts[place] > 1)
        if not len(twice):
            return names
        for index in twice:
            stem, suffix = Path(names[index]).stem, Path(names[index]).suffix
            names[index] = f"{stem}-{ids[index]}{suffix}"


def _harmless(path: PurePosixPath) -> str:
    stem = re.sub(r"[^\w.-]+", "_", path.stem)[:_LONGEST_STEM].strip(".-_ ") or "image"
    return (f"{stem}_" if _DEVICE.match(stem.split(".")[0]) else stem) + path.suffix


def _refuse_folder(folder: Path, images: Path | None) -> None:
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise InputError("the export folder is not empty", where=str(folder), why="export never overwrites files",
                         fix="name a new folder")
    if images is not None and folder.resolve().is_relative_to(images.resolve()):
        raise InputError("the export folder is inside the image folder", where=str(folder),
                         why="the next ingest would read every image twice", fix=f"name a folder outside {images.resolve()}")


def _folders(samples: SampleTable, version: Version, rows: NDArray[np.int64]) -> list[str]:
    table = np.array([[f"{_FOLDERS[split]}/{name}" for name in samples.classes.in_code_order]
                      for split in SPLITS])
    return [str(folder) for folder in table[samples.split_codes[rows], version.labels[rows]]]


def _paths(samples: SampleTable, rows: NDArray[np.int64]) -> list[PurePosixPath]:
    paths = [PurePosixPath(text) for text in samples.table["filepath"].take(rows).to_pylist()]
    for path in paths:
        if path.is_absolute() or ".." in path.parts:
            raise InputError(f"'{path}' leaves the image folder", fix="run 'tinysieve ingest' again")
    return paths


def _make_folders(partial: Path, samples: SampleTable) -> None:
    """Every folder of the tree, also one that stays empty: a trainer counts the classes by them."""
    for where in sorted(set(_FOLDERS.values())):
        for name in samples.classes.in_code_order:
            (partial / where / name).mkdir(parents=True)


def _fill(partial: Path, store: ImageStore, paths: list[PurePosixPath], ids: list[str], targets: list[str], place: Placer,
          progress: Callable[[int, int], None]) -> None:
    for done, (path, sample_id, target) in enumerate(zip(paths, ids, targets, strict=True), start=1):
        name = str(path)
        data = read_checked(store, name, sample_id)
        try:
            place(store, name, data, partial / target)
        except OSError as error:
            raise InputError(f"a file cannot be created: {error.strerror}", where=target,
                             fix="hard links need a single file system; use --copies") from error
        progress(done, len(paths))


def _count(samples: SampleTable, version: Version, folders: list[str], paths: list[PurePosixPath],
           names: list[str]) -> Exported:
    trees = {f"{where}/{name}": 0 for where in dict.fromkeys(_FOLDERS.values()) for name in samples.classes.positive_first}
    for where in folders:
        trees[where] += 1
    renamed = sum(path.name != name for path, name in zip(paths, names, strict=True))
    return Exported(version.id, trees, int((version.labels == UNLABELED).sum()), int((version.labels == DROPPED).sum()), renamed)
