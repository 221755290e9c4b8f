"""Any data set that is a folder a class: pictures of one small size, with labels and paths."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tinysieve.dataset.image_formats import HEAD_BYTES, is_picture
from tinysieve.dataset.images import UndecodableImage, decode, read_image
from tinysieve.ground.errors import InputError

_AT_A_TIME = 256


@dataclass(frozen=True, eq=False)
class ClassFolders:
    """N pictures of K classes.

    Args:
        images: uint8 [N, S, S, 3].
        labels: int64 [N], index into `classes`.
        classes: names of the folders, in alphabetical order.
        paths: relative to the folder, sorted.
        unread: pictures that could not be decoded, each with the reason.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    unread: tuple[tuple[str, str], ...]


def read_class_folders(folder: Path, side: int, progress: Callable[[int, int], None]) -> ClassFolders:
    """Read every picture below each folder of a class.

    Args:
        folder: holds one folder a class.
        side: S; pictures are averaged down to a square, their proportions not kept.
        progress: told (done, total) pictures.

    Raises:
        InputError: no such folder, or fewer than two classes with pictures.
    """
    if not folder.is_dir():
        raise InputError("no such folder", where=str(folder), fix="give the folder that holds one folder a class")
    found = {place.name: _pictures(place) for place in sorted(folder.iterdir()) if place.is_dir() and place.name[0] != "."}
    found = {name: files for name, files in found.items() if files}
    if len(found) < 2:
        raise InputError(f"{len(found)} folders with pictures, at least 2 are needed", where=str(folder),
                         why="the name of a folder is the class of its pictures",
                         fix="give the folder that holds one folder a class, such as .../train")
    files = [(path, code) for code, paths in enumerate(found.values()) for path in paths]
    images = np.empty((len(files), side, side, 3), np.uint8)
    good: list[tuple[str, int]] = []
    unread: list[tuple[str, str]] = []
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(files), _AT_A_TIME):
            some = files[start:start + _AT_A_TIME]
            for (path, code), made in zip(some, pool.map(lambda file: _small(file[0], side), some), strict=True):
                name = path.relative_to(folder).as_posix()
                if isinstance(made, str):
                    unread.append((name, made))
                else:
                    images[len(good)] = made
                    good.append((name, code))
            progress(min(start + _AT_A_TIME, len(files)), len(files))
    return ClassFolders(images[: len(good)], np.array([code for _, code in good], np.int64), tuple(found),
                        tuple(name for name, _ in good), tuple(unread))


def _pictures(place: Path) -> list[Path]:
    """Files that begin as pictures do, whatever their names."""
    return [path for path in sorted(place.rglob("*")) if path.is_file() and _begins_as_picture(path)]


def _begins_as_picture(path: Path) -> bool:
    with path.open("rb") as stream:
        return is_picture(stream.read(HEAD_BYTES))


def _small(path: Path, side: int) -> NDArray[np.uint8] | str:
    try:
        pixels = decode(read_image(path))
    except (UndecodableImage, OSError) as error:
        return str(error)
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))
