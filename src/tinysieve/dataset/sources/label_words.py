"""What people write for the two classes, in a column or as the name of a folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.classes import ClassNames
from tinysieve.ground.errors import InputError

# In `dataset.classes` the star stands for every word that the other class does not have.
ANY = "*"
_YES = ("1", "1.0", "1,0", "true", "yes", "y", "t", "positive")
_NO = ("0", "0.0", "0,0", "false", "no", "n", "f", "negative")
# What says "neither": an empty cell, a missing number, and Wake Vision's mark of an excluded image.
_NEITHER = ("", "-1", "-1.0", "-1,0", "nan", "null", "na", "n/a", "<na>")
# What people write who cannot tell, or do not want to: no label either.
DOUBTS = frozenset({"unknown", "unsure", "uncertain", "unclear", "undecided", "ambiguous", "notsure", "dontknow", "maybe", "skip",
                    "skipped", "ignore", "ignored", "exclude", "excluded", "unlabeled", "unlabelled", "todo", "tbd", "?"})
_WITHOUT = ("no", "non", "not", "without")
# Numbers before the names of class folders: 0_background, 01-person, 1.person.
_NUMBERED = re.compile(r"^\d{1,3}[_.-]+(?=[^\W\d_])")
# Columns called so say that nothing is there; with `is_` or `has_` in front too.
_ABSENCE = frozenset({"empty", "nothing", "nobody", "noone", "none", "vacant", "clear", "absent", "negative", "nopeople",
                      "nohuman", "nohumans", "unoccupied", "excluded"})
_ASKED = re.compile(r"^(is|has|contains|with|label)(?=[^\W_])")


@dataclass(frozen=True)
class LabelWords:
    """Words and the class that each means.

    Args:
        meaning: word as `plain` writes it -> name of a class, or None for "no label".
        other: the class that every other word means; None where other words are an error.
        names: what the classes are called.
    """

    meaning: Mapping[str, str | None]
    other: str | None
    names: ClassNames

    def folder(self, name: str) -> str | None:
        """The class of a folder of this name; None where it is no class folder, or says that nobody knows."""
        return self.meaning.get(self._key(name), self.other)

    def named(self, word: str) -> str | None:
        """The class that a word means by itself; None where only a star gives it one."""
        return self.meaning.get(self._key(word))

    def doubts(self, word: str) -> bool:
        """Whether a word says that nobody knows."""
        return plain(word) in DOUBTS and self.named(word) is None

    def _key(self, word: str) -> str:
        """The word as `meaning` has it. A number before it is no matter, but "0 persons" are none.

        >>> from tinysieve.dataset.classes import PERSON_TASK
        >>> [LabelWords.of(PERSON_TASK).named(word) for word in ("0_background", "1-person", "0_persons", "7")]
        ['background', 'person', None, None]
        """
        key, bare = plain(word), plain(unnumbered(word))
        known = key in self.meaning or self.meaning.get(bare) is None or bare == plain(f"{self.names.positive}s")
        return key if known else bare

    def read(self, values: pa.Array | pa.ChunkedArray, place: Callable[[int], str]) -> pa.Array:
        """Cells of any type -> names of classes or null.

        Raises:
            InputError: a cell means nothing; with its place, made from its row.

        >>> from tinysieve.dataset.classes import PERSON_TASK
        >>> LabelWords.of(PERSON_TASK).read(pa.array(["1", "Person", "-1", None, "FALSE"]), str).to_pylist()
        ['person', 'person', None, None, 'background']
        """
        text = pc.fill_null(as_text(values), "")
        text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        encoded = text.dictionary_encode()
        words = encoded.dictionary.to_pylist()
        for number, word in enumerate(words):
            if self._key(word) not in self.meaning and self.other is None:
                row = pc.index(encoded.indices, pa.scalar(number, encoded.indices.type)).as_py()
                raise InputError(f"label {word!r} is none of {', '.join(self.shown())} or empty", where=place(row),
                                 fix="mend the value, name another label column, or say what it means: "
                                 f"dataset.classes: {{{self.names.positive}: [...], {self.names.negative}: [...]}}")
        classes = pa.array([self.folder(word) for word in words], pa.string())
        return classes.take(encoded.indices)

    def read_column(self, values: pa.Array | pa.ChunkedArray, place: Callable[[int], str], column: str) -> pa.Array:
        """As `read`, of a column of this name: a 1 in a column called like the negative class does not mean the positive one.

        Raises:
            InputError: a cell means nothing, or the column says the opposite of its cells.

        >>> from tinysieve.dataset.classes import PERSON_TASK
        >>> LabelWords.of(PERSON_TASK).read_column(pa.array([1, 0]), str, "person").to_pylist()
        ['person', 'background']
        """
        if self._denies(plain(column)):
            agreeing = {plain(word) for word in as_text(values).unique().to_pylist() if word} & {*_YES, *_NO}
            if agreeing:
                raise InputError(f"the column '{column}' holds {', '.join(sorted(agreeing)[:3])}: its 1 would mean "
                                 f"{self.names.positive}", why="the column is called like the other class",
                                 fix=f"name a column of {self.names.positive}, or write the names of the classes in it")
        return self.read(values, place)

    def _denies(self, column: str) -> bool:
        """Whether a column so called says that the positive class is not there; "empty" does, unless it is that class."""
        asked = _ASKED.sub("", column)
        meant = {self.meaning.get(word) for word in (column, asked)} & set(self.names.in_code_order)
        return column not in _NO and (self.names.negative in meant or (not meant and asked in _ABSENCE))

    def shown(self) -> list[str]:
        """A few of the words, for an error."""
        known = [word for word, name in self.meaning.items() if name is not None]
        return [self.names.positive, self.names.negative, *(word for word in ("1", "0", "true", "false") if word in known)]

    @staticmethod
    def of(names: ClassNames, classes: Mapping[str, Sequence[str]] | None = None) -> LabelWords:
        """The words of a task: the user's where they are given, and always the names themselves.

        Raises:
            InputError: `classes` names another class, or one word for both.
        """
        nouns = (names.positive, f"{names.positive}s")
        absent = (f"{word}{noun}" for word in _WITHOUT for noun in nouns)
        present = (f"with{noun}" for noun in nouns)
        given = classes or {names.positive: (*_YES, *nouns, *present), names.negative: (*_NO, *absent)}
        strange = [name for name in given if name not in names.in_code_order]
        if strange:
            raise InputError(f"no class is called '{strange[0]}'", where="dataset.classes",
                             fix=f"the classes are {' and '.join(names.in_code_order)}")
        meaning: dict[str, str | None] = {plain(word): None for word in (*_NEITHER, *DOUBTS)}
        for name in names.in_code_order:
            for word in (name, *given.get(name, ())):
                if meaning.get(plain(word), name) not in (name, None):
                    raise InputError(f"'{word}' stands for both classes", where="dataset.classes", fix="give it to one of them")
                meaning[plain(word)] = name
        other = [name for name in given if ANY in given[name]]
        if len(other) > 1:
            raise InputError(f"'{ANY}' stands for both classes", where="dataset.classes", fix="give it to one of them")
        return LabelWords({word: name for word, name in meaning.items() if word != ANY}, other[0] if other else None, names)


def plain(word: str) -> str:
    """A word without case, spaces around it, and what joins its parts.

    >>> plain(" Non-Person "), plain("no_person"), plain("-1")
    ('nonperson', 'noperson', '-1')
    """
    return re.sub(r"(?<=[^\W_])[\s_-]+(?=[^\W_])", "", unicodedata.normalize("NFC", word).strip().casefold())


def unnumbered(word: str) -> str:
    """A word without the number that sorts folders.

    >>> unnumbered("01-person"), unnumbered("1 person"), unnumbered("2024")
    ('person', '1 person', '2024')
    """
    return _NUMBERED.sub("", word.strip())


def as_text(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """A column as strings without spaces around them.

    Raises:
        InputError: it holds lists, structures or bytes.
    """
    try:
        return pc.utf8_trim_whitespace(pc.cast(values, pa.string()))
    except pa.ArrowException as error:
        raise InputError(f"a column of type {values.type} cannot be read as words", fix="name another column") from error
