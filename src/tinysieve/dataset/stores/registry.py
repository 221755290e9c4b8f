"""From the places that a configuration names to the store that reads them; every format of archives and shards is listed here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from glob import glob
from pathlib import Path

from tinysieve.dataset.sources.image_places import ImagePlaces, Place, image_folder, in_words, places_of
from tinysieve.dataset.stores.container import Container
from tinysieve.dataset.stores.container_store import ContainerStore, StoredFile
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.dataset.stores.ranged_file import LocalFile, RangedFile
from tinysieve.dataset.stores.store import ImageStore, StoreSettings
from tinysieve.dataset.stores.tar_container import TarContainer
from tinysieve.ground.errors import InputError

FORMATS: tuple[type[Container], ...] = (TarContainer,)
_HEAD = 512


def open_store(images: ImagePlaces, settings: StoreSettings, cache: Path, follow_links: Collection[Path] = (),
               keep: Collection[str] = ()) -> ImageStore:
    """The store of the configured images.

    Args:
        images: as the configuration names them.
        settings: how archives, shards and addresses are read.
        cache: folder for indexes and blocks where the settings name none.
        follow_links: folders that links of an image folder may lead into.
        keep: names that are no litter, because classes or splits are called so.

    Raises:
        InputError: there is no such file, or it is of no format that is read.
        MissingRequirement: a package for addresses is missing, or one does not answer.
    """
    folder = image_folder(images)
    if folder is not None:
        return FolderStore(folder, follow_links, keep)
    files = [stored for place in places_of(images) for stored in _files(place, settings, settings.cache or cache)]
    return ContainerStore(files, in_words(images), (settings.cache or cache) / "index", "", keep)


def _files(place: Place, settings: StoreSettings, cache: Path) -> Iterator[StoredFile]:
    for path in _paths(place):
        yield _stored(LocalFile(path), place)


def _paths(place: Place) -> list[Path]:
    paths = sorted(Path(name) for name in glob(place.path, recursive=True)) if place.is_pattern else [Path(place.path)]
    files = [path for path in paths if path.is_file()]
    if not files or (not place.is_pattern and not paths[0].is_file()):
        there = "is a folder" if paths and paths[0].is_dir() else "does not exist"
        raise InputError(f"no file is called {place.path}" if place.is_pattern else f"{place.path} {there}",
                         where="dataset.source.images", why="several places are archives or shards",
                         fix="name files, or a pattern such as shards/*.tar")
    return files


def _stored(file: RangedFile, place: Place) -> StoredFile:
    head = file.up_to(0, _HEAD)
    for kind in FORMATS:
        if kind.begins(head, file.name):
            return StoredFile(file, kind.kind, kind, place.under)
    raise InputError(f"{file.name} is no archive or shard that is read", where="dataset.source.images",
                     fix="name a folder, or files of tar, zip, Parquet or TFRecord")
