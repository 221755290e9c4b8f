"""What people answered about samples, wherever they answered, and what stands of it in the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.decisions import DROP, LABEL, RELABEL, RESTORE, Decisions
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.sources.label_words import LabelWords, plain
from tinysieve.ground.errors import InputError

NO_ANSWER, TAKEN_BACK = UNLABELED, -3
DROP_WORD, SKIP_WORD, UNDO_WORD = "drop", "skip", "undo"
REASON = "reviewed by a person"
_ACTIONS = {"drop": DROPPED, "dropped": DROPPED, "skip": NO_ANSWER, "skipped": NO_ANSWER,
            "unsure": NO_ANSWER, "unclear": NO_ANSWER, "": NO_ANSWER, "undo": TAKEN_BACK}
_AGREEMENT = ("yes", "y", "true", "t", "no", "n", "false", "f")


def decision_words(classes: ClassNames) -> tuple[str, ...]:
    """What a person may decide, in the order of buttons and keys.

    >>> decision_words(ClassNames("cat", "no_cat"))
    ('cat', 'no_cat', 'drop', 'skip')
    """
    return (*classes.positive_first, DROP_WORD, SKIP_WORD)


def answer_codes(classes: ClassNames, given: Mapping[str, Sequence[str]] | None = None) -> dict[str, int]:
    """Code of every word that a file of answers may hold, as `plain` writes it.

    A class is meant by its name, by the words that mean it in a table or as a folder, by 1 or 0, and by its first letter, the key
    on our own page; p is the positive one there. A short form that could mean two things is none. `yes`, `no` and the like are
    none either: beside a proposal they may say "I agree".

    Args:
        classes: names of the two classes.
        given: the user's own words for a class, as in `dataset.classes`.

    >>> codes = answer_codes(ClassNames("dog", "no_dog"))
    >>> [codes.get(word) for word in ("Dog".lower(), "0", "withoutdogs", "n", "yes")], "d" in codes
    ([1, 0, 0, 0, None], False)
    """
    named = {plain(classes.positive): POSITIVE, plain(classes.negative): NEGATIVE, **_ACTIONS}
    meant: dict[str, set[int]] = {}
    for word, name in LabelWords.of(classes, given).meaning.items():
        if name is not None and word not in _AGREEMENT:
            meant.setdefault(word, set()).add(classes.in_code_order.index(name))
    keys = [(word[0], code) for word, code in named.items() if word[:1].isalpha()]
    for letter, code in (*keys, ("p", POSITIVE)):
        meant.setdefault(letter, set()).add(code)
    return {word: codes.pop() for word, codes in meant.items() if len(codes) == 1} | named


@dataclass(frozen=True, eq=False)
class Answers:
    """M answers, in the order in which they were given.

    Args:
        sample_ids: string [M].
        codes: int8 [M]: POSITIVE, NEGATIVE, DROPPED, NO_ANSWER, or TAKEN_BACK, which voids what the same reviewer
            answered about the same sample before.
        reviewers: string [M].
        at: string [M], null where no time is known.
        place: says where answer number i stands, for a person who has to mend it.
    """

    sample_ids: pa.Array
    codes: Codes
    reviewers: pa.Array
    at: pa.Array
    place: Callable[[int], str]

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Conflict:
    """Two answers about one sample that contradict each other, and where they stand."""

    sample_id: str
    first: str
    second: str
    where: str


@dataclass(frozen=True, eq=False)
class Review:
    """What stands of the answers.

    Args:
        decisions: one for each sample that is decided without conflict.
        repeated: answers that say once more what was said already.
        taken_back: answers that were taken back or replaced by their own reviewer.
        skipped: answers that decide nothing, and were not taken back.
        conflicts: one for each answer that contradicts an earlier one.
    """

    decisions: Decisions
    repeated: int
    taken_back: int
    skipped: int
    conflicts: tuple[Conflict, ...]

    def agreed(self) -> Decisions:
        """The decisions, where nobody contradicts anybody.

        Raises:
            InputError: there is a conflict; the first is told, the others are counted.
        """
        if self.conflicts:
            conflict = self.conflicts[0]
            raise InputError(
                f"two different decisions for one sample, {conflict.sample_id}: {conflict.first} against {conflict.second} "
                f"({len(self.conflicts)} such answers)", where=conflict.where, why="nothing was applied",
                fix="keep one of them, or import with --leave-conflicts: these samples then stay as they are")
        return self.decisions


def resolve_answers(answers: Answers, samples: SampleTable, labels: Codes) -> Review:
    """Bring answers down to at most one decision for a sample.

    Args:
        answers: in the order in which they were given.
        samples: N samples.
        labels: int8 [N], the labels that the decisions start from.

    Raises:
        InputError: an answer names a sample that does not exist.
    """
    rows = samples.rows_of(answers.sample_ids)
    refuse_first(rows < 0, answers.sample_ids, answers.place, "no sample has the id")
    given = np.isin(answers.codes, (POSITIVE, NEGATIVE, DROPPED))
    alive = np.arange(len(rows)) > _last_taken_back(answers, rows)
    standing, skips = np.flatnonzero(given & alive), answers.codes == NO_ANSWER
    own, codes = rows[standing], answers.codes[standing]
    unique, first, group = np.unique(own, return_index=True, return_inverse=True)
    differs = codes != codes[first][group]
    agreed = first[~np.isin(unique, own[differs])]
    return Review(
        _decisions(answers, rows, standing[agreed], labels), int(len(standing) - len(unique) - differs.sum()),
        int(((given | skips) & ~alive).sum()), int((skips & alive).sum()),
        tuple(_conflict(answers, samples.classes, int(standing[first[group[index]]]), int(standing[index]))
              for index in np.flatnonzero(differs)),
    )


def refuse_first(bad: NDArray[np.bool_], values: pa.Array, place: Callable[[int], str], what: str, fix: str = "mend it") -> None:
    """Raise for the first bad one of M values, with where it stands and how many there are.

    Raises:
        InputError: any is bad.
    """
    rows = np.flatnonzero(bad)
    if len(rows):
        more = f" ({len(rows):,} such answers)" if len(rows) > 1 else ""
        raise InputError(f"{what} {values[int(rows[0])].as_py()!r}{more}",
                         where=place(int(rows[0])), why="nothing was applied", fix=fix)


def _last_taken_back(answers: Answers, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of the last TAKEN_BACK of the same reviewer and sample, -1 where there is none; int64 [M]."""
    reviewer = answers.reviewers.dictionary_encode().indices.to_numpy()
    _, same = np.unique(np.stack([rows, reviewer]), axis=1, return_inverse=True)
    last = np.full(len(rows), -1, np.int64)
    voided = np.flatnonzero(answers.codes == TAKEN_BACK)
    np.maximum.at(last, same.ravel()[voided], voided)
    return last[same.ravel()]


def _decisions(answers: Answers, rows: NDArray[np.int64], taken: NDArray[np.int64], labels: Codes) -> Decisions:
    new, old, count, index = answers.codes[taken], labels[rows[taken]], len(taken), pa.array(taken)
    actions = np.select([new == DROPPED, old == UNLABELED, old == DROPPED], [DROP, LABEL, RESTORE], RELABEL)
    return Decisions(rows[taken], actions.astype(np.int8), new, answers.reviewers.take(index), np.ones(count, np.float32),
                     pa.array([REASON] * count, pa.string()), answers.at.take(index))


def _conflict(answers: Answers, classes: ClassNames, first: int, second: int) -> Conflict:
    words = {**classes.words, DROPPED: DROP_WORD}
    said = [f"{words[int(answers.codes[number])]} by {answers.reviewers[number].as_py()} ({answers.place(number)})"
            for number in (first, second)]
    return Conflict(answers.sample_ids[second].as_py(), said[0], said[1], answers.place(second))
