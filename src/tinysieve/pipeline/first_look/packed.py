"""What holds photos and is no folder of them: archives, and Parquet or TFRecord shards with the bytes of images inside."""

from __future__ import annotations

import shlex
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tinysieve.dataset.sources.image_folder import SUFFIXES
from tinysieve.ground.errors import InputError

_SHARD_FOLDERS = ("", "data", "default", "default/train")


def refuse_packed(path: Path) -> None:
    """Say what is inside and how it becomes a folder.

    Raises:
        InputError: an archive, or shards with embedded images.
    """
    if path.is_file() and ((zipfile.is_zipfile(path) and path.suffix != ".xlsx") or tarfile.is_tarfile(path)):
        raise _archive(path)
    shards = _shards(path)
    if shards:
        photos = sum(pq.read_metadata(shard).num_rows for shard in shards)
        column = embedded_images(shards[0])
        raise InputError(f"{len(shards)} Parquet files with {photos:,} images inside, in column '{column}'", where=str(path),
                         why="a configuration names files of images",
                         fix="write the images to files, their names and labels to a table, then: tinysieve init TABLE")


def embedded_images(shard: Path) -> str:
    """The column of a Parquet file that holds encoded images, "" if none."""
    try:
        schema = pq.read_schema(shard)
    except (pa.ArrowException, OSError):
        return ""
    return next((field.name for field in schema if _is_bytes(field.type)), "")


def _is_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(kind.field(place).name == "bytes" for place in range(kind.num_fields))
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _shards(path: Path) -> list[Path]:
    """Parquet files with images, of a folder that has no photos beside them."""
    if path.is_file():
        return [path] if path.suffix == ".parquet" and embedded_images(path) and not _has_photos(path.parent) else []
    for folder in (path / part for part in _SHARD_FOLDERS):
        shards = sorted(folder.glob("*.parquet")) if folder.is_dir() else []
        if shards and embedded_images(shards[0]) and not _has_photos(path):
            return shards
    return []


def _has_photos(folder: Path) -> bool:
    return any(entry.suffix.lower() in SUFFIXES for depth in ("*", "*/*") for entry in folder.glob(depth))


def _archive(path: Path) -> InputError:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        command = f"unzip -q {shlex.quote(str(path))} -d FOLDER"
    else:
        with tarfile.open(path) as archive:
            names = archive.getnames()
        command = f"mkdir FOLDER && tar -xf {shlex.quote(str(path))} -C FOLDER"
    photos = [name for name in names if name.lower().endswith(SUFFIXES)]
    inner = sorted({name.rpartition("/")[0] for name in photos})
    return InputError(f"an archive with {len(photos):,} photos in {len(inner):,} folders, such as {', '.join(inner[:4])}",
                      where=str(path), why="photos are read from folders", fix=f"{command} && tinysieve init FOLDER")
