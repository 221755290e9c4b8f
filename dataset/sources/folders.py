"""Sources made of folders: `train/person`, or the challenge's `train_quality/1` with `unlabeled_images`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from dataset.errors import InputError
from dataset.sources.listing import Listing, image_files, make_listing
from dataset.sources.tables import SPLIT_NAMES

_CLASSES = {"person": "person", "1": "person", "background": "background", "0": "background"}
UNLABELED_FOLDERS = ("unlabeled", "unlabeled_images")


def list_folders(root: Path, train_folders: tuple[str, ...] = ()) -> Listing:
    """A tree `<split>/<class>/**/image`; images in `unlabeled_images/` have no label.

    Args:
        root: folder that holds the split folders.
        train_folders: which of `train`, `train_quality`, `train_large` to use; empty for all that are there.

    Raises:
        InputError: no split folder, a class folder of another name, or a class without images in train.
    """
    files = image_files(root)
    parts = pc.split_pattern(files, "/", max_splits=2)
    depth = pc.list_value_length(parts)
    top = pc.list_element(parts.filter(pc.greater(depth, 1)), 0)
    inside = files.filter(pc.greater(depth, 1))
    used = {name: split for name, split in SPLIT_NAMES.items()
            if split != "train" or not train_folders or name in train_folders}
    split = _mapped(top, used)
    second = pc.list_element(pc.list_slice(pc.split_pattern(inside, "/", max_splits=2), 0, 2, return_fixed_size_list=True), 1)
    label = _mapped(second, _CLASSES)
    free = pc.is_in(top, pa.array(UNLABELED_FOLDERS))
    labelled = pc.and_(split.is_valid(), pc.invert(free))
    _check(inside, labelled, label, root)
    keep = pc.or_(labelled, free)
    split = pc.if_else(free, "unlabeled", split).filter(keep)
    label = pc.if_else(free, pa.scalar(None, pa.string()), label).filter(keep)
    return make_listing(inside.filter(keep), split, label, pa.table({}))


def _mapped(values: pa.Array, names: dict[str, str]) -> pa.Array:
    return pa.array(list(names.values()), pa.string()).take(pc.index_in(values, pa.array(list(names))))


def _check(files: pa.Array, labelled: pa.Array, label: pa.Array, root: Path) -> None:
    if not pc.any(labelled).as_py():
        raise InputError("no images in train/person, train/background and the like", where=str(root),
                         fix="folders: train|val|validation|test/person|background, or train_quality|train_large/0|1")
    strange = files.filter(pc.and_(labelled, pc.is_null(label)))
    if len(strange):
        raise InputError(f"{len(strange)} images lie in no class folder, the first is {strange[0]}", where=str(root),
                         fix="class folders are person and background, or 1 and 0")
