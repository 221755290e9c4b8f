"""Which of the words that a folder or a column uses means which class."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tinysieve.dataset.classes import PERSON_TASK, ClassNames
from tinysieve.dataset.sources.label_words import ANY, LabelWords, plain, unnumbered
from tinysieve.ground.errors import InputError

# What data sets call persons, ImageNet's and Open Images' numbers for them included.
_PERSONS = frozenset({"person", "persons", "human", "humans", "people", "pedestrian", "pedestrians", "persona", "personas",
                      "withperson", "withpeople", "n00007846", "/m/01g317"})
_NOTHING = frozenset({"background", "backgrounds", "none", "nothing", "empty", "other", "others", "negative", "negatives", "neg",
                      "nobody", "noperson", "nopeople", "nohuman", "nohumans", "withoutpeople", "rest", "clear"})
_REST = "the rest"
_YES = frozenset({"1", "true", "yes", "positive"})
# As many classes as a person may be asked about.
_FEW = 30
# A share or a probability is no class.
_DECIMAL = re.compile(r"[-+]?\d*[.,]\d*[1-9]\d*(e[-+]?\d+)?", re.IGNORECASE)
_WHOLE = re.compile(r"\d+([.,]0*)?")
_COUNTS_PERSONS = re.compile(r"(person|people|pedestrian|human)s?\b")


@dataclass(frozen=True)
class Meaning:
    """What the two classes are called and which words mean them.

    Args:
        names: of the task.
        classes: the setting `dataset.classes`; empty where the built-in words suffice.
        words: the same for a person.
    """

    names: ClassNames = PERSON_TASK
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    words: str = ""


def meanings(words: Iterable[str], positive: str | None = None) -> list[Meaning]:
    """All meanings that the words may have, the likeliest first; none where they cannot be two classes.

    Args:
        words: as they stand in a column or as folders; those that say "no label" are no matter.
        positive: the word of what is to be detected, if a person said so.

    Raises:
        InputError: no word is `positive`.

    >>> [(m.names.positive, m.names.negative) for m in meanings(["cat", "no_cat"])]
    [('cat', 'no_cat')]
    >>> [dict(m.classes) for m in meanings(["dog", "human", "tree"])]
    [{'person': ('human',), 'background': ('*',)}]
    >>> [m.names.positive for m in meanings(["cats", "dogs"])]
    ['cats', 'dogs']
    """
    known = LabelWords.of(PERSON_TASK)
    said = sorted({word.strip() for word in words if known.meaning.get(plain(word), "") is not None or known.doubts(word)},
                  key=str.casefold)
    sure = [word for word in said if not known.doubts(word)]
    # "unknown" is the other class where there is none besides; beside two classes it is no label.
    said = sure if len(sure) > 1 else said
    if any(_DECIMAL.fullmatch(word) for word in said):
        return []
    if positive is not None:
        chosen = [word for word in said if plain(word) == plain(positive)]
        if not chosen:
            raise InputError(f"nothing is called '{positive}'", fix="--positive is one of " + ", ".join(said[:20]))
        return [_against(chosen[0], said)]
    if {known.named(word) for word in said} == {*PERSON_TASK.in_code_order}:
        return [Meaning()]
    persons = [word for word in said if _means_person(word)]
    if len(persons) == 1 and len(said) > 1:
        return [_against(persons[0], said)]
    if len(said) < 2:
        return []
    few = said if len(said) <= _FEW else []
    absent = [word for word in said if plain(word) in _NOTHING or _denies(word, few)]
    # Of numbers zero is the likeliest to mean that nothing is there.
    return [_against(word, said) for word in sorted(said, key=lambda word: word == "0") if word not in absent][:_FEW]


def counted(column: str, words: Iterable[str]) -> Meaning | None:
    """The meaning of a column that counts persons: none is the background, any number of them the class; None where it does not.

    >>> counted("num_people", ["0", "2", "1", ""]).words, counted("person", ["0", "1"]), counted("people", ["yes", "no"])
    ('0 is background, more is person', None, None)
    """
    numbers = {word.strip() for word in words if word.strip()}
    name = re.sub(r"[\W_]+", " ", column.casefold())
    if not _COUNTS_PERSONS.search(name) or numbers <= {"0", "1"} or not all(_WHOLE.fullmatch(word) for word in numbers):
        return None
    positive, negative = PERSON_TASK.positive, PERSON_TASK.negative
    return Meaning(PERSON_TASK, {positive: (ANY,), negative: ("0",)}, f"0 is {negative}, more is {positive}")


def _means_person(word: str) -> bool:
    return plain(unnumbered(word)) in _PERSONS


def _denies(word: str, others: Iterable[str]) -> bool:
    """Whether a word is the absence of another one, as no_cat is."""
    named = (LabelWords.of(ClassNames(other, _REST)) for other in others if other != word and _is_name(other))
    return any(words.meaning.get(plain(word)) == _REST for words in named)


def _against(word: str, said: list[str]) -> Meaning:
    """`word` against all others, under names that a class may have."""
    rest = [other for other in said if other != word]
    is_person = _means_person(word) or (len(said) == 2 and plain(word) in _YES)
    positive = PERSON_TASK.positive if is_person else word if _is_name(word) else f"class {word}"
    lone = rest[0] if len(rest) == 1 and _is_name(rest[0]) and plain(rest[0]) != plain(positive) else ""
    negative = lone if lone and not is_person else PERSON_TASK.negative
    star = len(rest) > 1
    classes = {positive: (word,), negative: (ANY,) if star else tuple(rest)}
    shown = f"{len(rest)} other words" if star else f"'{rest[0]}'" if rest else "nothing"
    return Meaning(ClassNames(positive, negative), classes, f"'{word}' is {positive}, {shown} {negative}")


def _is_name(word: str) -> bool:
    try:
        ClassNames(word, _REST)
    except InputError:
        return False
    return True
