"""What a reviewer can decide, and the key for each: the two classes whatever they are called, drop and skip."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.dataset.classes import ClassNames
from tinysieve.filtering.decisions.answers import decision_words

# Positive and negative have their places on the keyboard whatever the classes are called.
CLASS_KEYS = ("p", "n")
# Keys that mean something on the page already; no class can have them.
TAKEN_KEYS = frozenset("dsujkpn")
_MEANINGS = ("", "", "leave the image out of training", "leave the label as it is")


@dataclass(frozen=True)
class Choice:
    """One decision.

    Args:
        word: as it stands in the file of decisions.
        name: as it stands on the button.
        keys: that decide so, the first is the one that is shown.
        meaning: what it does, "" where the word says it.
    """

    word: str
    name: str
    keys: tuple[str, ...]
    meaning: str


def choices(classes: ClassNames) -> tuple[Choice, ...]:
    """Classes, drop and skip, in the order of the buttons.

    A class is decided by p or n; its first letter decides too where no other key is that letter.

    >>> [(choice.name, choice.keys) for choice in choices(ClassNames())][:2]
    [('Person', ('p',)), ('Background', ('b', 'n'))]
    >>> [(choice.name, choice.keys) for choice in choices(ClassNames("cat", "no_cat"))][:2]
    [('Cat', ('c', 'p')), ('no_cat', ('n',))]
    """
    keys = [_keys(mine, own, other) for mine, own, other in zip(
        CLASS_KEYS, classes.positive_first, classes.positive_first[::-1], strict=True)] + [("d",), ("s",)]
    names = [_title(name) for name in decision_words(classes)]
    return tuple(Choice(word, name, key, meaning) for word, name, key, meaning in zip(
        decision_words(classes), names, keys, _MEANINGS, strict=True))


def _keys(key: str, name: str, other: str) -> tuple[str, ...]:
    letter = name[0].lower()
    own = letter.isascii() and letter.isalpha() and letter not in TAKEN_KEYS and letter != other[0].lower()
    return (letter, key) if own else (key,)


def _title(name: str) -> str:
    """A plain word with a capital letter; a name with a sign in it as it is."""
    return name.capitalize() if name.isalpha() else name
