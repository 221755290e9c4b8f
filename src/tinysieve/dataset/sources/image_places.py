"""Where images lie, as a configuration says it: a folder, archives or shards, on this machine or behind an address."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import BeforeValidator

from tinysieve.ground.settings import expand_path

_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_PATTERN = re.compile(r"[*?\[]")
_Written = str | tuple[str, ...]
_FOLDER_NAME = re.compile(r"[^\x00-\x1f\\/]+")


def _expanded(value: object) -> object:
    """Variables and `~` in every path; of a mapping also the folders' names are judged."""
    if isinstance(value, Mapping):
        for name in value:
            if not isinstance(name, str) or not _FOLDER_NAME.fullmatch(name) or name.startswith("."):
                raise ValueError(f"{name!r} is no name for a folder")
        return {name: _expanded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_expanded(part) for part in value)
    return _checked(expand_path(str(value) if isinstance(value, Path) else value))


def _checked(path: object) -> object:
    if not isinstance(path, str):
        return path
    if not path:
        raise ValueError("an empty path")
    if "://" in path and ("::" in path or "@" in path.split("://")[1].split("/")[0]):
        raise ValueError("an address without '::' and without a user or password in it: credentials come from the environment")
    return path


# As people write it: one path, several, or several below folders of their own, which may name splits.
ImagePlaces = Annotated[_Written | dict[str, _Written], BeforeValidator(_expanded)]


@dataclass(frozen=True)
class Place:
    """One path or address.

    Args:
        path: of a folder or a file; of files also a pattern such as `shards/*.tar`.
        under: the folder that its images appear in, "" for none.
    """

    path: str
    under: str = ""

    @property
    def is_pattern(self) -> bool:
        """Names several files."""
        return bool(_PATTERN.search(self.path)) and (is_address(self.path) or not Path(self.path).exists())


def is_address(path: str) -> bool:
    """True for what is no path of this machine.

    >>> is_address("s3://bucket/train.tar"), is_address("photos/a.jpg")
    (True, False)
    """
    return bool(_ADDRESS.match(path))


def places_of(images: _Written | Mapping[str, _Written] | Path) -> tuple[Place, ...]:
    """All places in the order in which they are written.

    >>> places_of({"train": ("a.tar", "b.tar"), "test": "c.tar"})[1:]
    (Place(path='b.tar', under='train'), Place(path='c.tar', under='test'))
    """
    return tuple(_places(images))


def _places(images: _Written | Mapping[str, _Written] | Path) -> Iterator[Place]:
    if isinstance(images, Mapping):
        for under, part in images.items():
            yield from (Place(path, under) for path in _several(part))
    else:
        yield from (Place(path) for path in _several(images))


def _several(written: _Written | Path) -> tuple[str, ...]:
    return written if isinstance(written, tuple) else tuple(written) if isinstance(written, list) else (str(written),)


def image_folder(images: _Written | Mapping[str, _Written] | Path) -> Path | None:
    """The folder of this machine that all images lie in as files of their own; None where they lie otherwise."""
    places = places_of(images)
    if len(places) != 1 or places[0].under or is_address(places[0].path) or places[0].is_pattern:
        return None
    folder = Path(places[0].path)
    return None if folder.is_file() else folder


def local_paths(images: _Written | Mapping[str, _Written] | Path) -> tuple[Path, ...]:
    """The places on this machine: folders and files, of a pattern the folder that its files lie in."""
    return tuple(Path(place.path).parent if place.is_pattern else Path(place.path)
                 for place in places_of(images) if not is_address(place.path))


def folders_of_files(images: _Written | Mapping[str, _Written] | Path) -> tuple[Path, ...]:
    """Where archives and shards of this machine lie."""
    return tuple(Path(place.path).parent for place in places_of(images) if not is_address(place.path))


def images_name(images: _Written | Mapping[str, _Written] | Path) -> str:
    """What a person would call them: the folder that holds them."""
    first = places_of(images)[0].path
    path = PurePosixPath(_ADDRESS.sub("", first)) if is_address(first) else Path(first)
    alone = image_folder(images)
    # A folder that is called "images" says nothing; what it lies in does.
    folder = path if alone is not None or not path.suffix else path.parent
    says_nothing = folder.name.lower() in ("images", "img", "photos", "data") and folder.parent.name
    return folder.parent.name if says_nothing else folder.name


def in_words(images: _Written | Mapping[str, _Written] | Path) -> str:
    """For an error's `where`."""
    paths = [place.path for place in places_of(images)]
    return ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
