"""Folder trees train|val|test/person|background, packed once: the input of the challenge's entry point."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from dataset.atomic import replacing
from dataset.errors import InputError
from dataset.images import MODEL_SIZE, SUFFIXES, UndecodableImage, decode, resize_bilinear
from training.labelled_images import CLASS_NAMES, LabelledImages

SPLIT_FOLDERS = {"train": ("train",), "validation": ("val", "validation"), "test": ("test",)}
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class FolderImages:
    """What was found in the folders.

    Args:
        pixels: uint8 [M, 144, 144, 3], a memory map; rows of broken files are never handed out.
        rows: of each split, int64.
        labels: of each split, int8, 0 background, 1 person.
        broken: (path relative to the root, reason) of files that are no usable images.
        digest: SHA-256 of the files' names, sizes and times of change.
    """

    pixels: NDArray[np.uint8]
    rows: dict[str, NDArray[np.int64]]
    labels: dict[str, NDArray[np.int8]]
    broken: tuple[tuple[str, str], ...]
    digest: str

    def split(self, name: str) -> LabelledImages:
        """The images of "train", "validation" or "test"; raises InputError where a class is missing."""
        images = LabelledImages(self.pixels, self.rows[name], self.labels[name], name)
        images.check()
        return images


def pack_folders(root: Path, work: Path, progress: Progress) -> FolderImages:
    """Decode every image under `root` once, or take what an earlier call left in `work` where no file has changed.

    Args:
        root: holds train, val (or validation) and test, each with person and background.
        work: for pixels.npy, packed.json and quarantine.csv.
        progress: called with (images done, images in all).

    Raises:
        InputError: a folder or a class is missing, or the same file lies in test and in another split.
    """
    files = list(_find(root))
    digest = _digest(root, [path for path, _, _ in files])
    note = work / "packed.json"
    if not note.exists() or json.loads(note.read_text())["digest"] != digest:
        _pack(root, work, [path for path, _, _ in files], digest, progress)
    stored = json.loads(note.read_text())
    broken = dict(stored["broken"])
    usable = np.array([str(path.relative_to(root)) not in broken for path, _, _ in files], bool)
    splits, codes = np.array([split for _, split, _ in files]), np.array([code for _, _, code in files], np.int8)
    rows = {name: np.flatnonzero(usable & (splits == name)) for name in SPLIT_FOLDERS}
    _refuse_leaks(root, files, rows, np.array(stored["hashes"]))
    pixels = np.load(work / "pixels.npy", mmap_mode="r")
    return FolderImages(pixels, rows, {name: codes[rows[name]] for name in rows}, tuple(broken.items()), digest)


def _find(root: Path) -> Iterator[tuple[Path, str, int]]:
    for split, names in SPLIT_FOLDERS.items():
        here = [root / name for name in names if (root / name).is_dir()]
        if len(here) != 1:
            raise InputError(
                f"{len(here)} folders named {' or '.join(names)} in {root}, one is needed",
                fix="lay the images out as train|val|test/person|background, or name their folder with --dataset",
            )
        for code, name in enumerate(CLASS_NAMES):
            if not (here[0] / name).is_dir():
                raise InputError(f"no folder {name!r} in {here[0]}", fix="each split needs person and background")
            for path in sorted((here[0] / name).rglob("*")):
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    yield path, split, code


def _digest(root: Path, paths: list[Path]) -> str:
    state = hashlib.sha256()
    for path in paths:
        about = path.stat()
        state.update(f"{path.relative_to(root)}\0{about.st_size}\0{about.st_mtime_ns}\n".encode())
    return state.hexdigest()


def _pack(root: Path, work: Path, paths: list[Path], digest: str, progress: Progress) -> None:
    work.mkdir(parents=True, exist_ok=True)
    broken, hashes = [], []
    with replacing(work / "pixels.npy") as temporary:
        pixels = open_memmap(temporary, mode="w+", dtype=np.uint8, shape=(len(paths), MODEL_SIZE, MODEL_SIZE, 3))
        for row, (image, content) in enumerate(_decoded(paths)):
            hashes.append(content)
            if isinstance(image, str):
                broken.append((str(paths[row].relative_to(root)), image))
            else:
                pixels[row] = image
            progress(row + 1, len(paths))
        pixels.flush()
    with replacing(work / "quarantine.csv") as temporary, temporary.open("w", newline="") as file:
        csv.writer(file).writerows([("filepath", "reason"), *broken])
    with replacing(work / "packed.json") as temporary:
        temporary.write_text(json.dumps({"digest": digest, "broken": broken, "hashes": hashes}))


def _decoded(paths: list[Path]) -> Iterator[tuple[NDArray[np.uint8] | str, str]]:
    """Pixels, or why there are none, and the content's hash; in order, decoded by all cores, few held at a time."""

    def one(path: Path) -> tuple[NDArray[np.uint8] | str, str]:
        data = path.read_bytes()
        content = hashlib.sha256(data).hexdigest()
        try:
            return resize_bilinear(decode(data)), content
        except UndecodableImage as error:
            return str(error), content

    waiting = iter(paths)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        while chunk := list(islice(waiting, 256)):
            yield from threads.map(one, chunk)


def _refuse_leaks(
    root: Path, files: list[tuple[Path, str, int]], rows: dict[str, NDArray[np.int64]], hashes: NDArray[np.str_]
) -> None:
    learned = np.concatenate([rows["train"], rows["validation"]])
    leaked = learned[np.isin(hashes[learned], hashes[rows["test"]])]
    if len(leaked):
        raise InputError(
            f"{len(leaked)} images of train or validation are in test too, byte for byte",
            where=str(files[leaked[0]][0].relative_to(root)),
            why="the test accuracy would count images that were learned by heart",
            fix="remove them from train and validation",
        )
