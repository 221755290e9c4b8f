"""What the class numbers of boxes mean. A number without a name means nothing: class 0 is a person here and a car there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

_COCO = (
    "person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light", "fire hydrant",
    "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra",
    "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard", "sports ball", "kite",
    "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle", "wine glass", "cup", "fork",
    "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut",
    "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet", "tv", "laptop", "mouse", "remote",
    "keyboard", "cell phone", "microwave", "oven", "toaster", "sink", "refrigerator", "book", "clock", "vase", "scissors",
    "teddy bear", "hair drier", "toothbrush",
)
# Numbers of COCO's annotation files that no class has.
_GAPS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
# Both ways in which COCO's classes are numbered: by detectors (person is 0) and by its annotation files (person is 1).
NUMBERINGS: Mapping[str, Mapping[int, str]] = {
    "coco80": dict(enumerate(_COCO)),
    "coco91": dict(zip([number for number in range(1, 91) if number not in _GAPS], _COCO, strict=True)),
}
# What the numbers of a table mean where nothing says so; said aloud whenever it is used.
UNSTATED = NUMBERINGS["coco80"]
_LISTED = 90
Names = Mapping[int, str]


@dataclass(frozen=True)
class BoxClasses:
    """Names of the class numbers of boxes, and which of them show the class to be detected.

    Args:
        names: (number, name) of every class.
        wanted: names that count, alike; in upper or lower case.

    >>> seen = BoxClasses(((0, "car"), (3, "person")), ("Person",))
    >>> seen.numbers, seen.name_of(0), seen.name_of(7)
    ((3,), 'car', 'class 7')
    """

    names: tuple[tuple[int, str], ...]
    wanted: tuple[str, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the classes that count."""
        wanted = {_plain(name) for name in self.wanted}
        return tuple(number for number, name in self.names if _plain(name) in wanted)

    def name_of(self, number: int) -> str:
        """What a class is called."""
        return dict(self.names).get(number, f"class {number}")

    def counted(self, class_id: NDArray[np.integer]) -> NDArray[np.bool_]:
        """bool [B]: the box is of a class that counts."""
        return np.isin(class_id, self.numbers)


def box_classes(names: Names, wanted: Sequence[str], where: str) -> BoxClasses:
    """Names with the wanted ones looked up in them.

    Raises:
        InputError: a wanted name is not there; lists what is.
    """
    there = {_plain(name) for name in names.values()}
    missing = [name for name in wanted if _plain(name) not in there]
    if missing:
        raise InputError(f"no class '{missing[0]}'", where=where, why="its boxes would be taken for something else",
                         fix=f"set task.detector_classes to classes that it has: {listed(names.values())}")
    return BoxClasses(tuple(sorted(names.items())), tuple(wanted))


def stated_names(stated: str | Sequence[str] | Mapping[int, str]) -> dict[int, str]:
    """What a setting says about class numbers: a known numbering, a list from number 0 on, or each number's name.

    Raises:
        InputError: no such numbering.

    >>> stated_names("coco91")[1], stated_names(["cat", "dog"]), len(stated_names("coco80"))
    ('person', {0: 'cat', 1: 'dog'}, 80)
    """
    if isinstance(stated, str):
        if stated not in NUMBERINGS:
            raise InputError(f"no numbering '{stated}'", where="filter.detector.names",
                             fix=f"one of {', '.join(NUMBERINGS)}, a list of names, or number: name")
        return dict(NUMBERINGS[stated])
    return {int(number): name for number, name in stated.items()} if isinstance(stated, Mapping) else dict(enumerate(stated))


def listed(names: Iterable[str]) -> str:
    """Names for a message, cut where they are many.

    >>> listed(["cat", "dog", "cat"])
    'cat, dog'
    """
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_LISTED]) + (f" and {len(unique) - _LISTED} more" if len(unique) > _LISTED else "")


def _plain(name: str) -> str:
    return name.strip().casefold()


PERSON_BOXES = BoxClasses(((0, "person"),), ("person",))
