"""Sources made of folders: `train/person`, or the challenge's `train_quality/1` with `unlabeled_images`."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import CLASS_NAMES
from tinysieve.dataset.samples import SPLITS
from tinysieve.dataset.sources.listing import Listing, image_files, make_listing
from tinysieve.dataset.sources.tables import SPLIT_NAMES
from tinysieve.ground.errors import InputError

_CLASSES = {"person": "person", "1": "person", "background": "background", "0": "background"}
UNLABELED_FOLDERS = ("unlabeled", "unlabeled_images")


def list_folders(root: Path, train_folders: tuple[str, ...] = ()) -> Listing:
    """A tree `<split>/<class>/**/image`; images in `unlabeled_images/` have no label.

    Args:
        root: folder that holds the split folders, in upper or lower case.
        train_folders: which of `train`, `train_quality`, `train_large` to use; empty for all that are there.

    Raises:
        InputError: no split folder, a class folder of another name, or two folders whose names differ only in case.
    """
    files = image_files(root)
    inside = files.filter(pc.match_substring(files, "/"))
    top, second = _part(inside, 0), _part(inside, 1)
    chosen = [name.lower() for name in train_folders]
    used = {name: split for name, split in SPLIT_NAMES.items() if split != "train" or not chosen or name in chosen}
    split = _mapped(pc.utf8_lower(top), used)
    label = _mapped(pc.utf8_lower(second), _CLASSES)
    free = pc.is_in(pc.utf8_lower(top), pa.array(UNLABELED_FOLDERS))
    labelled = pc.and_(split.is_valid(), pc.invert(free))
    _check(inside, labelled, label, root)
    keep = pc.or_(labelled, free)
    _refuse_two_spellings(top.filter(keep), root)
    _refuse_two_spellings(pc.binary_join_element_wise(top, second, "/").filter(labelled), root)
    split = pc.if_else(free, "unlabeled", split).filter(keep)
    label = pc.if_else(free, pa.scalar(None, pa.string()), label).filter(keep)
    return make_listing(inside.filter(keep), split, label, pa.table({}))


def require_classes(listing: Listing, root: Path) -> None:
    """Stop where a split has no image of a class, before an hour of decoding.

    Raises:
        InputError: as said, with the folder that is empty or not there.
    """
    there = {(row["split"], row["label"]) for row in listing.table.group_by(["split", "label"]).aggregate([]).to_pylist()}
    for split in SPLITS[:3]:
        for name in CLASS_NAMES:
            if (split, name) not in there:
                raise InputError(f"split '{split}' holds no image labelled {name}", where=str(root),
                                 why="train, validation and test are all needed: to train, to choose the epoch, to measure",
                                 fix=f"put images into a folder '{name}' of that split's folder")


def _part(files: pa.Array, place: int) -> pa.Array:
    """The first or the second part of paths that have two or more."""
    return pc.list_element(pc.split_pattern(files, "/", max_splits=2), place)


def _mapped(values: pa.Array, names: dict[str, str]) -> pa.Array:
    return pa.array(list(names.values()), pa.string()).take(pc.index_in(values, pa.array(list(names))))


def _check(files: pa.Array, labelled: pa.Array, label: pa.Array, root: Path) -> None:
    if not pc.any(labelled).as_py():
        raise InputError("no images in train/person, train/background and the like", where=str(root),
                         fix="folders: train|val|validation|test/person|background, or train_quality|train_large/0|1")
    strange = files.filter(pc.and_(labelled, pc.is_null(label)))
    if len(strange):
        lie = "1 image lies" if len(strange) == 1 else f"{len(strange):,} images lie"
        raise InputError(f"{lie} outside the class folders, first: {strange[0].as_py()!r}", where=str(root),
                         fix="class folders are person and background, or 1 and 0, in upper or lower case")


def _refuse_two_spellings(folders: pa.Array, root: Path) -> None:
    spelled: dict[str, str] = {}
    for name in sorted(pc.unique(folders).to_pylist()):
        other = spelled.setdefault(name.lower(), name)
        if other != name:
            raise InputError(f"the names of the folders {other!r} and {name!r} differ only in case", where=str(root),
                             why="they would be read as a single folder", fix="merge the folders, or rename one of them")
