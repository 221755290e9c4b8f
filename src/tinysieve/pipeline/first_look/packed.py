"""What holds photos and is no folder of them: archives, and Parquet or TFRecord shards with the bytes of images inside."""

from __future__ import annotations

import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tinysieve.dataset.sources.image_folder import SUFFIXES
from tinysieve.dataset.sources.splits import split_words
from tinysieve.dataset.stores.registry import open_store
from tinysieve.dataset.stores.store import AS_A_RULE
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.first_look.sight import TABLES, Sight

_SHARD_FOLDERS = ("", "data", "default", "default/train")


def look_at_packed(path: Path, cache: Path) -> Sight | None:
    """What an archive with the tables beside it, or shards, hold; None for anything else. Nothing is unpacked.

    Args:
        path: a file, or a folder.
        cache: for the index of an archive.

    Raises:
        InputError: an archive or shard that is damaged.
    """
    place = path if _is_archive(path) else _shards(path)
    if place is None:
        return None
    images = open_store(str(place), AS_A_RULE, cache).scan()
    if images.rows is None and place != path:
        _refuse_archives_of_splits(place)
    beside = sorted(path.parent.iterdir()) if images.rows is None else []
    tables = tuple(file for file in beside if file.is_file() and file.name.lower().endswith(TABLES))
    return Sight(place, images, tables, (), (), packed=True)


def _is_archive(path: Path) -> bool:
    return path.is_file() and (tarfile.is_tarfile(path) or (zipfile.is_zipfile(path) and path.suffix != ".xlsx"))


def _shards(path: Path) -> Path | None:
    """Parquet or TFRecord files with images, as a path or a pattern, where no photos lie beside them."""
    if path.is_file():
        return path if _holds_images(path) and not _has_photos(path.parent) else None
    for folder in (path / part for part in _SHARD_FOLDERS):
        for pattern in ("*.parquet", "*.tfrecord*", "*.tar", "*.tar.gz", "*.tgz", "*.zip"):
            shards = sorted(folder.glob(pattern)) if folder.is_dir() else []
            if shards and (_is_archive(shards[0]) or _holds_images(shards[0])) and not _has_photos(path):
                return folder / pattern
    return None


def _refuse_archives_of_splits(pattern: Path) -> None:
    """Several archives without labels beside the photos, called like splits: read as one they would lose that."""
    files = sorted(pattern.parent.glob(pattern.name))
    splits = {split: file for file in files for split in split_words(file.name)}
    if splits:
        shown = ", ".join(f"{split}: {file}" for split, file in splits.items())
        raise InputError(f"{len(files):,} archives whose names say splits", where=str(pattern),
                         why="read as one store they would lose their splits",
                         fix=f"write dataset.source: {{kind: folders, images: {{{shown}}}}} into a configuration such as "
                             "configs/folders.yaml")


def _holds_images(shard: Path) -> bool:
    """Whether it is TFRecord, or a Parquet file with a column of encoded images."""
    if shard.suffix != ".parquet":
        return ".tfrecord" in shard.name
    try:
        return any(_is_bytes(field.type) for field in pq.read_schema(shard))
    except (pa.ArrowException, OSError):
        return False


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(place).name == "bytes" for place in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _has_photos(folder: Path) -> bool:
    return any(entry.suffix.lower() in SUFFIXES for depth in ("*", "*/*") for entry in folder.glob(depth))
