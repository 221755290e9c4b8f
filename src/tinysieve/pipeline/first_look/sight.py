"""What lies in a folder, by one walk: photos, tables beside them, boxes, and what is packed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinysieve.dataset.sources.image_folder import scan_images
from tinysieve.dataset.sources.stored_images import StoredImages

TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tfrecord")
_HEAD_BYTES = 100_000
# Deeper than this nobody keeps a table, and a run folder's own tables lie deeper.
_DEEPEST = 2
_SKIPPED = ("runs", "node_modules", "__pycache__")


@dataclass(frozen=True)
class Sight:
    """What was seen.

    Args:
        root: the folder.
        images: the photos below it.
        tables: CSV, Excel and Parquet files near its top, sorted.
        box_files: text files in folders called `labels`, and COCO's JSON files: boxes.
        archives: what is packed.
        packed: whether `root` is itself an archive, or a pattern of shards.
    """

    root: Path
    images: StoredImages
    tables: tuple[Path, ...]
    box_files: tuple[Path, ...]
    archives: tuple[Path, ...]
    packed: bool = False


def look_at_folder(root: Path, follow_links: Sequence[Path] = ()) -> Sight:
    """Walk a folder twice: once for photos, once, and not deep, for the rest.

    Raises:
        InputError: there is no such folder.
    """
    images = scan_images(root, follow_links)
    files = sorted(_beside(root, 0))
    tables = tuple(path for path in files if path.name.lower().endswith(TABLES))
    archives = tuple(path for path in files if path.name.lower().endswith(_ARCHIVES))
    boxes = tuple(path for path in files if path.suffix == ".json" and _speaks_of_boxes(path))
    return Sight(root, images, tables, boxes + _yolo_folders(root), archives)


def _beside(folder: Path, depth: int) -> Iterator[Path]:
    """Files that are no photos, a folder or two down."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth < _DEEPEST and not _is_run(Path(entry.path)):
                yield from _beside(Path(entry.path), depth + 1)
        elif entry.name.lower().endswith((*TABLES, *_ARCHIVES, ".json")):
            yield Path(entry.path)


def _is_run(folder: Path) -> bool:
    """Whether it is a run folder of our own."""
    return (folder / "versions").is_dir() and (folder / "ingest").is_dir()


def _speaks_of_boxes(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    return b'"bbox"' in head or (b'"images"' in head and b'"file_name"' in head)


def _yolo_folders(root: Path) -> tuple[Path, ...]:
    """Folders called `labels` that hold text files, themselves or one folder down."""
    near = [root / "labels", *sorted(path / "labels" for path in root.iterdir() if path.is_dir())]
    return tuple(path for path in near if path.is_dir() and any(_has_text(part) for part in (path, *path.iterdir())))


def _has_text(path: Path) -> bool:
    if not path.is_dir():
        return path.suffix == ".txt"
    with os.scandir(path) as entries:
        return any(entry.name.endswith(".txt") for entry in entries)
