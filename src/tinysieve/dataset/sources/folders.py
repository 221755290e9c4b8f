"""Sources made of folders: `train/<class>`, `<class>` alone, or the challenge's `train_quality/1` with `unlabeled_images`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.samples import SPLITS
from tinysieve.dataset.sources.folder_layout import Layout, Parts, layouts
from tinysieve.dataset.sources.label_words import LabelWords
from tinysieve.dataset.sources.listing import Listing, SkippedRow, make_listing
from tinysieve.dataset.sources.splits import SPLIT_NAMES, UNLABELED_FOLDERS, split_key
from tinysieve.ground.errors import InputError

OUTSIDE = "outside the folders of the classes"
WORDS = LabelWords.of(PERSON_TASK)


class MissingSplit(InputError):
    """A split has no folder at all."""


def list_folders(files: pa.Array, root: Path | str, train_folders: tuple[str, ...] = (), words: LabelWords = WORDS) -> Listing:
    """A tree of folders that name split and class; images in `unlabeled_images/` have no label.

    The usual `<split>/<class>/**/image` may lie in another folder or two, have a folder between split and class, have the class
    outside, or have no split folders at all: then every labelled photo counts as train. Notes say so.

    Args:
        files: string [F], the photos below `root`, relative to it.
        root: image folder, for errors.
        train_folders: which of `train`, `train_quality`, `train_large` to use; empty for all that are there.
        words: which folder names mean which class, in upper or lower case.

    Raises:
        InputError: no class folder, a folder of another name where a class folder must be, two trees, or two folders whose names
            differ only in case.
    """
    chosen = [name.lower() for name in train_folders]
    used = {name: split for name, split in SPLIT_NAMES.items() if split != "train" or not chosen or name in chosen}
    parts = Parts(files)
    free = pc.fill_null(pc.is_in(pc.utf8_lower(parts.at(0)), pa.array(UNLABELED_FOLDERS)), False)
    layout = _layout(parts, free, used, words, root)
    split = _split(parts, layout, used)
    label = _mapped(parts.at(layout.label), words.folder)
    doubt = pc.is_valid(_mapped(parts.at(layout.label), lambda name: name if words.doubts(name) else None))
    inside = pc.and_(split.is_valid(), pc.invert(free))
    labelled = pc.and_(inside, label.is_valid())
    beside = pc.is_in(parts.above(layout.first), pc.unique(parts.above(layout.first).filter(labelled)))
    if layout.split is None:
        # What lies outside all folders is no matter, a folder beside the class folders is.
        inside = pc.and_(pc.and_(inside, beside), parts.at(layout.label).is_valid())
    doubt = pc.and_(inside, doubt)
    _refuse_strange(files.filter(pc.and_(pc.and_(inside, label.is_null()), pc.invert(doubt))), words.names, root)
    keep = pc.or_(pc.or_(labelled, free), doubt)
    _refuse_two_spellings(parts.above(layout.first + (2 if layout.split is not None else 1)).filter(keep), root)
    _refuse_two_spellings(parts.above(1).filter(keep), root)
    _refuse_two_trees(parts.above(layout.first).filter(labelled), layout, root)
    _refuse_nested(parts, layout, label, labelled, words, root)
    split, label = pc.if_else(free, "unlabeled", split), pc.if_else(free, pa.scalar(None, pa.string()), label)
    listing = make_listing(files.filter(keep), split.filter(keep), label.filter(keep))
    left = files.filter(pc.invert(keep))
    unchosen = _unchosen(left, layout, used)
    lost = tuple(SkippedRow(name, str(root), OUTSIDE) for name in left.filter(pc.invert(unchosen)).to_pylist())
    return replace(listing, notes=_notes(left, files.filter(doubt), layout), skipped=lost, aside=left.filter(unchosen))


def require_classes(listing: Listing, root: Path | str, names: ClassNames = PERSON_TASK) -> None:
    """Stop where a split has no image of a class, before an hour of decoding.

    Raises:
        MissingSplit: a split has no folder.
        InputError: a class of a split is empty.
    """
    there = {(row["split"], row["label"]) for row in listing.table.group_by(["split", "label"]).aggregate([]).to_pylist()}
    splits = {split for split, _ in there}
    for split in SPLITS[:3]:
        if split not in splits:
            folders = sorted(name for name, meaning in SPLIT_NAMES.items() if meaning == split)
            raise MissingSplit(f"there is no folder for the split '{split}'", where=str(root),
                               why=f"a folder called {', '.join(folders[:-1])} or {folders[-1]} would be it; it holds "
                                   f"{', '.join(sorted(splits))}",
                               fix=f"make the folder {root}/{split} with {names.positive} and {names.negative}")
        for name in names.in_code_order:
            if (split, name) not in there:
                raise InputError(f"split '{split}' holds no image labelled {name}", where=str(root),
                                 why="train, validation and test are all needed: to train, to choose the epoch, to measure",
                                 fix=f"put images into a folder '{name}' of that split's folder, or say which folders hold them: "
                                     "dataset.classes")


def _layout(parts: Parts, free: pa.Array, used: dict[str, str], words: LabelWords, root: Path | str) -> Layout:
    """The first layout in which a photo has a split and a class."""
    for layout in layouts():
        split = _split(parts, layout, used)
        # A star would make every folder a class: it counts only beside the folders that are named.
        label = _mapped(parts.at(layout.label), words.named)
        if pc.any(pc.and_(pc.and_(split.is_valid(), label.is_valid()), pc.invert(free))).as_py():
            return layout
    tops = ", ".join(sorted(pc.unique(parts.above(1)).drop_null().to_pylist())[:8]) or "nothing"
    positive, negative = words.names.positive, words.names.negative
    raise InputError(f"no folder is called {positive}, {negative} or the like", where=str(root), why=f"it holds {tops}",
                     fix=f"folders: train|val|test/{positive}|{negative}, or {positive}|{negative} alone; say other names with "
                         f"dataset.classes: {{{positive}: [...], {negative}: [...]}}")


def _split(parts: Parts, layout: Layout, used: dict[str, str]) -> pa.Array:
    if layout.split is None:
        return pa.array(["train"] * len(parts.paths), pa.string())
    return _mapped(parts.at(layout.split), lambda name: used.get(split_key(name)))


def _mapped(values: pa.Array, meaning: Callable[[str], str | None]) -> pa.Array:
    encoded = values.dictionary_encode()
    return pa.array([meaning(name) for name in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _refuse_strange(strange: pa.Array, names: ClassNames, root: Path | str) -> None:
    if len(strange):
        lie = "1 image lies" if len(strange) == 1 else f"{len(strange):,} images lie"
        raise InputError(f"{lie} outside the class folders, first: {strange[0].as_py()!r}", where=str(root),
                         fix=f"class folders are {names.positive} and {names.negative}, or 1 and 0; say other names with "
                             f"dataset.classes: {{{names.positive}: [...], {names.negative}: [...]}}; photos without a label go "
                             f"into {root}/unlabeled")


def _refuse_two_trees(above: pa.Array, layout: Layout, root: Path | str) -> None:
    trees = sorted(pc.unique(above).to_pylist())
    if layout.first and len(trees) > 1:
        raise InputError(f"there are several trees: {', '.join(trees[:5])}", where=str(root),
                         why="it is not clear which one to use",
                         fix=f"set dataset.source.images to one of them, such as {root}/{trees[0]}")


def _refuse_nested(parts: Parts, layout: Layout, label: pa.Array, labelled: pa.Array, words: LabelWords,
                   root: Path | str) -> None:
    """A folder of one class that slipped into one of the other: its photos would have the label of the outer one."""
    inner = _mapped(parts.at(max(layout.label, layout.split or 0) + 1), words.named)
    nested = parts.paths.filter(pc.fill_null(pc.and_(labelled, pc.not_equal(inner, label)), False))
    if len(nested):
        lie = "1 image lies" if len(nested) == 1 else f"{len(nested):,} images lie"
        raise InputError(f"{lie} in a folder of one class inside a folder of the other, first: {nested[0].as_py()!r}",
                         where=str(root), why="the two folders say different labels",
                         fix="move the inner folder to where it belongs")


def _refuse_two_spellings(folders: pa.Array, root: Path | str) -> None:
    spelled: dict[str, str] = {}
    for name in sorted(folder.rstrip("/") for folder in pc.unique(folders).drop_null().to_pylist()):
        other = spelled.setdefault(name.lower(), name)
        if other != name:
            raise InputError(f"the names of the folders {other!r} and {name!r} differ only in case", where=str(root),
                             why="they would be read as a single folder", fix="merge the folders, or rename one of them")


def _unchosen(left: pa.Array, layout: Layout, used: dict[str, str]) -> pa.Array:
    """bool [L]: photos in a folder of training photos that `train_folders` does not name."""
    if layout.split is None:
        return pa.array([False] * len(left), pa.bool_())
    known = {name for name in SPLIT_NAMES if name not in used}
    return pc.is_valid(_mapped(Parts(left).at(layout.split), lambda name: name if split_key(name) in known else None))


def _notes(left: pa.Array, doubt: pa.Array, layout: Layout) -> tuple[str, ...]:
    said = [] if layout == next(layouts()) else [f"the folders are read as {layout.words}"]
    for files, what in ((doubt, "in folders that say no class: without a label"), (left, "outside these folders left out")):
        if len(files):
            said.append(f"{len(files):,} photo{'s' if len(files) > 1 else ''} {what}, such as {files[0].as_py()!r}")
    return tuple(said)
