"""Every layout that docs/data.md lists, made of tiny photos whose names say what they show: `p...` a person, `b...` nobody."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

SPLITS = ("train", "val", "test")
EACH = 3
PERSONS = {"p": "person", "b": "background"}


def photo(path: Path) -> None:
    """A picture of its own, by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(crc32(path.stem.encode())).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")


def named() -> Iterator[tuple[str, str, str]]:
    """(split, "p" or "b", file name) of each photo."""
    for split in SPLITS:
        for kind in "pb":
            for number in range(EACH):
                yield split, kind, f"{kind}_{split}_{number}.png"


def tree(pattern: str, **words: str) -> Callable[[Path], None]:
    """Folders by a pattern of {split} and {kind}; `words` say what splits and kinds are called."""
    def make(root: Path) -> None:
        for split, kind, name in named():
            photo(root / pattern.format(split=words.get(split, split), kind=words[kind]) / name)
    return make


def rows(path: Path, header: str, lines: list[list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header.split(","), *lines])


def table(folder: str, header: str = "filename,person,split", end: str = ".png", repeat: int = 1,
          name: str = "labels.csv") -> Callable[[Path], None]:
    """A table and its photos below `folder`; the cells follow the columns filename, label and split, if there is any."""
    def make(root: Path) -> None:
        lines: list[list[object]] = []
        for split, kind, file in named():
            photo(root / folder / file)
            cells: list[object] = [file.removesuffix(".png") + end, int(kind == "p"), split]
            lines += [cells[: header.count(",") + 1]] * repeat
        rows(root / name, header, lines)
    return make


def wake_vision(root: Path) -> None:
    for split in SPLITS:
        mine = [(kind, name) for where, kind, name in named() if where == split]
        for _, name in mine:
            photo(root / "images" / name)
        rows(root / f"wake_vision_{split}.csv", "filename,person,depiction,far", [[name, int(kind == "p"), 0, 1]
                                                                                 for kind, name in mine])


def roboflow(root: Path) -> None:
    for split, folder in zip(SPLITS, ("train", "valid", "test"), strict=True):
        mine = [(kind, name) for where, kind, name in named() if where == split]
        for _, name in mine:
            photo(root / folder / name)
        rows(root / folder / "_classes.csv", "filename, background, person",
             [[name, int(kind == "b"), int(kind == "p")] for kind, name in mine])


def open_images(root: Path) -> None:
    for split, name_of_split in zip(SPLITS, ("train", "validation", "test"), strict=True):
        lines: list[list[object]] = []
        for where, kind, name in named():
            if where == split:
                photo(root / "images" / name)
                lines += [[name.removesuffix(".png"), "verification", "/m/01g317", int(kind == "p")],
                          [name.removesuffix(".png"), "verification", "/m/0bt9lr", 1]]
        rows(root / f"{name_of_split}-annotations-human-imagelabels.csv", "ImageID,Source,LabelName,Confidence", lines)


def imagenet(root: Path) -> None:
    for split in SPLITS:
        for number in range(EACH):
            photo(root / split / "n00007846" / f"p_{split}_{number}.png")
            photo(root / split / ("n02084071", "n02121808", "n01503061")[number] / f"b_{split}_{number}.png")


def cvat(root: Path) -> None:
    """CVAT's export as Open Images names both classes, and writes rows about what is there only."""
    lines: list[list[object]] = []
    for _, kind, name in named():
        photo(root / "images" / "train" / name)
        lines.append([name.removesuffix(".png"), "", PERSONS[kind], 1])
    rows(root / "annotations" / "train-annotations-human-imagelabels.csv", "ImageID,Source,LabelName,Confidence", lines)


def label_studio(root: Path) -> None:
    lines: list[list[object]] = []
    for number, (_, kind, name) in enumerate(named()):
        photo(root / "images" / name)
        lines.append([number, "1", PERSONS[kind], number, f"/data/upload/1/{number + 2**28:08x}-{name}", 3.1])
    rows(root / "project-1.csv", "annotation_id,annotator,choice,id,image,lead_time", lines)


def challenge(root: Path) -> None:
    tree("{split}/{kind}", train="train_quality", val="validation", p="1", b="0")(root)
    for number in range(2):
        photo(root / "unlabeled_images" / f"u_{number}.png")


# Name: how it is made, and whether it gives the splits.
LAYOUTS: dict[str, tuple[Callable[[Path], None], bool]] = {
    "ultralytics": (tree("{split}/{kind}", **PERSONS), True),
    "capitals": (tree("{split}/{kind}", train="Train", val="Validation", p="Person", b="Background"), True),
    "roboflow folders": (tree("{split}/{kind}", val="valid", **PERSONS), True),
    "years of COCO": (tree("{split}/{kind}", train="train2017", val="val2017", test="test2015", **PERSONS), True),
    "keras": (tree("{kind}", **PERSONS), False),
    "vw_coco2014_96": (tree("vw_coco2014_96/{kind}", p="person", b="non_person"), False),
    "no test": (tree("{split}/{kind}", test="train", **PERSONS), False),
    "a folder above": (tree("data/{split}/{kind}", **PERSONS), True),
    "a folder between": (tree("{split}/images/{kind}", **PERSONS), True),
    "class outside": (tree("{kind}/{split}", **PERSONS), True),
    "ones and zeros": (tree("{split}/{kind}", p="1", b="0"), True),
    "human and nobody": (tree("{split}/{kind}", p="human", b="nobody"), True),
    "imagenet": (imagenet, True),
    "imagenet as it comes": (lambda root: imagenet(root / "ILSVRC/Data/CLS-LOC"), True),
    "sets": (tree("{split}/{kind}", train="train-set", val="val_data", test="Test images", **PERSONS), True),
    "numbered classes": (tree("{split}/{kind}", p="1_person", b="0_background"), True),
    "cvat": (cvat, False),
    "label studio": (label_studio, False),
    "challenge": (challenge, True),
    "table": (table("images"), True),
    "table beside": (table("."), True),
    "table of other names": (table("photos/all", "Image,Label,Subset"), True),
    "table without splits": (table("images", "path,is_person"), False),
    "table without endings": (table("images", "id,target,split", end=""), True),
    "annotators": (table("images", repeat=3), True),
    "semicolons": (table("images", name="labels.tsv"), True),
    "wake vision": (wake_vision, True),
    "roboflow table": (roboflow, True),
    "open images": (open_images, True),
}
