"""From the places that a configuration names to the store that reads them; every format of archives and shards is listed here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property, partial
from glob import glob
from pathlib import Path

from tinysieve.dataset.sources.image_places import ImagePlaces, Place, image_folder, in_words, is_address, places_of
from tinysieve.dataset.stores.block_cache import BlockCache
from tinysieve.dataset.stores.container import Container
from tinysieve.dataset.stores.container_store import ContainerStore, StoredFile
from tinysieve.dataset.stores.folder_store import FolderStore
from tinysieve.dataset.stores.parquet_container import ParquetContainer
from tinysieve.dataset.stores.ranged_file import LocalFile, RangedFile
from tinysieve.dataset.stores.remote_file import Remote, RemoteFile
from tinysieve.dataset.stores.remote_folder_store import RemoteFolderStore
from tinysieve.dataset.stores.store import ImageStore, StoreSettings
from tinysieve.dataset.stores.tar_container import TarContainer
from tinysieve.dataset.stores.tfrecord_container import TFRecordContainer
from tinysieve.dataset.stores.zip_container import ZipContainer
from tinysieve.ground.errors import InputError

FORMATS: dict[type[Container], Callable[[StoreSettings], Callable[[RangedFile], Container]]] = {
    TarContainer: lambda settings: TarContainer, ZipContainer: lambda settings: ZipContainer,
    ParquetContainer: lambda settings: partial(ParquetContainer, settings=settings),
    TFRecordContainer: lambda settings: partial(TFRecordContainer, settings=settings),
}
_HEAD = 512


def open_store(images: ImagePlaces, settings: StoreSettings, cache: Path, follow_links: Collection[Path] = (),
               keep: Collection[str] = ()) -> ImageStore:
    """The store of the configured images; the content of a file says what it is, not its name.

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
    store = _open(images, settings, cache, follow_links, keep)
    store.opened_by = partial(open_store, images, settings, cache, tuple(follow_links), tuple(keep))
    return store


def _open(images: ImagePlaces, settings: StoreSettings, cache: Path, follow_links: Collection[Path],
          keep: Collection[str]) -> ImageStore:
    folder = image_folder(images)
    if folder is not None:
        return FolderStore(folder, follow_links, keep)
    opened = _Opened(settings, settings.cache or cache)
    places = places_of(images)
    if len(places) == 1 and not places[0].under and opened.is_remote_folder(places[0]):
        return RemoteFolderStore(opened.remote(places[0].path), places[0].path, opened.blocks, keep)
    files = [opened.stored(file, place) for place in places for file in opened.files(place)]
    columns = f"{settings.image_column}\0{settings.name_column}"
    return ContainerStore(files, in_words(images), opened.cache / "index", columns, keep)


class _Opened:
    """Files of this machine and behind addresses, with one cache."""

    def __init__(self, settings: StoreSettings, cache: Path) -> None:
        self.settings, self.cache = settings, cache
        self._remotes: dict[str, Remote] = {}

    @cached_property
    def blocks(self) -> BlockCache:
        return BlockCache(self.cache / "blocks", self.settings.cache_size)

    def remote(self, address: str) -> Remote:
        return self._remotes.setdefault(address.partition("://")[0], Remote(address, self.settings.retries))

    def is_remote_folder(self, place: Place) -> bool:
        return is_address(place.path) and not place.is_pattern and self.remote(place.path).is_folder(place.path)

    def files(self, place: Place) -> Iterator[RangedFile]:
        if is_address(place.path):
            remote = self.remote(place.path)
            paths = remote.paths(place.path) if place.is_pattern else [place.path]
            yield from (RemoteFile(remote, path, self.blocks) for path in paths)
        else:
            paths = sorted(glob(place.path, recursive=True)) if place.is_pattern else [place.path]
            _refuse_folder(paths)
            yield from (LocalFile(Path(path)) for path in paths if Path(path).is_file())
        if not paths:
            raise InputError(f"no file is called {place.path}", where="dataset.source.images", fix="correct the pattern")

    def stored(self, file: RangedFile, place: Place) -> StoredFile:
        head = file.up_to(0, _HEAD)
        for kind, opener in FORMATS.items():
            if kind.begins(head, file.name):
                return StoredFile(file, kind.kind, opener(self.settings), place.under)
        what = "is empty" if not head else "is no archive or shard that is read"
        raise InputError(f"{file.name} {what}", where="dataset.source.images",
                         fix="name a folder, or files of tar, zip, Parquet or TFRecord")


def _refuse_folder(paths: list[str]) -> None:
    if len(paths) == 1 and not Path(paths[0]).is_file():
        what = "is a folder" if Path(paths[0]).is_dir() else "does not exist"
        raise InputError(f"{paths[0]} {what}", where="dataset.source.images", why="several places are archives or shards",
                         fix="name files, or a pattern such as shards/*.tar")
