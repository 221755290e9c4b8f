"""The consensus policy: a calibrated probability of error for every label, and the action of greatest expected value.

What such scores say of other photos is known beforehand, so that a few hundred labels are enough to start from. Requests of
filters are heard as by the default policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from tinysieve.dataset.classes import DROPPED, NEGATIVE, PERSON_TASK, POSITIVE, UNLABELED, ClassNames, Codes
from tinysieve.dataset.decisions import DROP, LABEL, RELABEL, Decisions
from tinysieve.dataset.samples import Mask
from tinysieve.filtering.decisions.error_model import PRIOR_PHOTOS, ErrorModel, fit_error_model, fit_signals
from tinysieve.filtering.decisions.error_rates import Doubles
from tinysieve.filtering.decisions.expected_gain import Choice, choose, expected_value, worth_a_look
from tinysieve.filtering.decisions.policy import Plan, Policy, Votes, count_votes, explain
from tinysieve.filtering.decisions.weight_prior import KnownWeights
from tinysieve.filtering.opinion import Opinions, opine
from tinysieve.filtering.score import Score
from tinysieve.ground.errors import InputError
from tinysieve.ground.settings import FilePath

_BANDS = (0.99, 0.9, 0.75, 0.5, 0.25, 0.1)


@dataclass(frozen=True, eq=False)
class Beliefs:
    """What all scores together say of N samples.

    Args:
        model: how they were weighed.
        p_positive: float64 [N], P(positive | scores and given label); 0 or 1 where a person has looked.
        by_signal: float64 [N] by signal, P(positive | the signal's own scores), 0.5 where it says nothing.
        verified: int8 [N], what a person said (NEGATIVE, POSITIVE, DROPPED), UNLABELED where nobody looked.
    """

    model: ErrorModel
    p_positive: Doubles
    by_signal: Mapping[str, Doubles]
    verified: Codes

    def p_wrong(self, labels: Codes) -> Doubles:
        """float64 [N] in [0, 1], probability that the given label is wrong; 0 without a label."""
        wrong = np.select([labels == POSITIVE, labels == NEGATIVE], [1 - self.p_positive, self.p_positive], 0.0)
        return np.asarray(wrong, np.float64)

    def agreeing(self, labels: Codes) -> NDArray[np.int64]:
        """int64 [N], signals that by themselves hold this label for the more probable one."""
        sides = [np.where(labels == POSITIVE, own, 1 - own) > 0.5 for own in self.by_signal.values()]
        return np.asarray(np.sum(sides, axis=0), np.int64)


def weigh(scores: Sequence[Score], labels: Codes, teaches: Mask, verified: Codes, known: KnownWeights | None = None,
          prior_photos: float = PRIOR_PHOTOS) -> Beliefs:
    """Fit the model and apply it; arguments as for `fit_error_model`, and `verified` may hold DROPPED."""
    model = fit_error_model(scores, labels, teaches, verified, known, prior_photos)
    p_positive = model.probability_of_positive(scores, labels)
    p_positive = np.select([verified == POSITIVE, verified == NEGATIVE], [1.0, 0.0], p_positive)
    return Beliefs(model, p_positive, fit_signals(model, scores, labels, teaches), verified)


@dataclass(frozen=True)
class Consensus(Policy):
    """Decide by expected value; see tinysieve.filtering.decisions.expected_gain.

    Args:
        harm: what a wrong label takes away, in right labels.
        flip_signals: independent signals that must lean to the new label, each by its own scores alone, before it is flipped or
            given; what is probably wrong without them is dropped.
        drop_confidence: requests to drop are granted from this confidence on.
        min_gain: looks that are expected to gain less, in right labels, are not asked for.
        review_budget: the most samples to ask a person about: the length of the review queue.
        prior_photos: as how many photos with known labels it counts what such scores said on other photos; 0: not at all.
        verified: a file of a person's answers, as `review import` takes them, to learn from.
    """

    harm: Annotated[float, Field(ge=0)] = 3.0
    flip_signals: Annotated[int, Field(ge=1)] = 1
    drop_confidence: Annotated[float, Field(ge=0)] = 0.6
    min_gain: Annotated[float, Field(ge=0)] = 0.1
    review_budget: Annotated[int, Field(ge=0)] = 1000
    prior_photos: Annotated[float, Field(ge=0)] = PRIOR_PHOTOS
    verified: FilePath | None = None
    kind: Literal["consensus"] = "consensus"

    def decide(self, opinions: Sequence[Opinions], beliefs: Beliefs, labels: Codes, eligible: Mask,
               classes: ClassNames = PERSON_TASK) -> Plan:
        """Weigh everything.

        Args:
            opinions: of N samples each; heard for their requests, and quoted as reasons.
            beliefs: of the same samples.
            labels: int8 [N], current labels.
            eligible: bool [N], samples whose label may change.
            classes: what reasons call the two classes.
        """
        votes = count_votes(opinions, len(labels))
        seen = beliefs.verified != UNLABELED
        removed = eligible & ~seen & (labels != DROPPED) & (votes.drop > 0) & (votes.drop >= np.float32(self.drop_confidence))
        held = ~seen & ((votes.look > 0) | (votes.drop > 0))
        probable = np.where(beliefs.p_positive > 0.5, POSITIVE, NEGATIVE).astype(np.int8)
        backed = seen | (beliefs.agreeing(probable) >= self.flip_signals)
        labelled = eligible & (labels > UNLABELED)
        p_wrong = beliefs.p_wrong(labels)
        choice = choose(p_wrong, backed & (probable != labels), labelled & ~held & (beliefs.verified != DROPPED), self.harm)
        named = self._named(beliefs, probable, backed, votes) & eligible & (labels == UNLABELED) & ~held
        actions, new = _actions(choice, named, removed, beliefs.verified, labels, eligible, probable)
        gone = (actions >= 0) & (new == DROPPED) & removed
        asked = labelled & held
        doubtful = (labelled | (eligible & (labels == UNLABELED) & (votes.total > 0) & ~named)) & ~gone & ~seen
        gain = np.where(doubtful, np.where(labels == UNLABELED, 1.0, choice.gain_of_a_look), 0.0)
        review = worth_a_look(gain, -np.abs(beliefs.p_positive - 0.5), asked & doubtful, self.min_gain,
                              self.review_budget)
        return _plan([*opinions, belief_opinion(beliefs, labels, classes)], actions, new, beliefs, review, gain)

    def _named(self, beliefs: Beliefs, probable: Codes, backed: Mask, votes: Votes) -> Mask:
        """Unlabelled samples worth a label: probable enough, backed, and no filter's vote says otherwise."""
        p_right = np.where(probable == POSITIVE, beliefs.p_positive, 1 - beliefs.p_positive)
        against = np.where(probable == POSITIVE, votes.negative, votes.positive)
        return backed & (against == 0) & (expected_value(p_right, self.harm) > 0)


def belief_opinion(beliefs: Beliefs, labels: Codes, classes: ClassNames) -> Opinions:
    """The consensus as an opinion: for the more probable class, its probability as confidence, in bands that read as reasons."""
    probable = np.where(beliefs.p_positive > 0.5, POSITIVE, NEGATIVE).astype(np.int8)
    p_wrong, unlabeled = beliefs.p_wrong(labels), labels <= UNLABELED
    cases = [((beliefs.verified != UNLABELED) & (probable == code), code, "a person has looked") for code in (POSITIVE, NEGATIVE)]
    cases += [(unlabeled & (probable == code), code, f"{word} is more probable")
              for code, word in ((POSITIVE, classes.positive), (NEGATIVE, classes.negative))]
    for floor in (*_BANDS, 0.0):
        words = f"label wrong with probability {floor:.2f} or more" if floor else "label probably right"
        cases += [((p_wrong >= floor) & (probable == code), code, words) for code in (POSITIVE, NEGATIVE)]
    return opine("consensus", "consensus", cases, np.maximum(beliefs.p_positive, 1 - beliefs.p_positive), "never")


def read_verified(decisions: Decisions, count: int) -> Codes:
    """int8 [N]: a person's decisions as verified labels, UNLABELED where there is none.

    Raises:
        InputError: a decision about a row that does not exist.
    """
    if len(decisions) and int(decisions.rows.max()) >= count:
        raise InputError(f"row {int(decisions.rows.max())} of {count}")
    verified = np.full(count, UNLABELED, np.int8)
    verified[decisions.rows] = decisions.new_labels
    return verified


def _actions(choice: Choice, named: Mask, removed: Mask, verified: Codes, labels: Codes, eligible: Mask,
             probable: Codes) -> tuple[Codes, Codes]:
    dropped = removed | choice.drop | (eligible & (verified == DROPPED) & (labels != DROPPED))
    actions = np.select([dropped, choice.flip, named], [np.int8(DROP), np.int8(RELABEL), np.int8(LABEL)], np.int8(-1))
    return actions.astype(np.int8), np.where(dropped, np.int8(DROPPED), probable).astype(np.int8)


def _plan(opinions: Sequence[Opinions], actions: Codes, new: Codes, beliefs: Beliefs, review: NDArray[np.int64],
          gain: Doubles) -> Plan:
    rows = np.flatnonzero(actions >= 0)
    by, reasons = explain(opinions, rows)
    p_new = np.where(new == POSITIVE, beliefs.p_positive, 1 - beliefs.p_positive)
    sure = np.where(new == DROPPED, np.maximum(beliefs.p_positive, 1 - beliefs.p_positive), p_new)[rows].astype(np.float32)
    decisions = Decisions(rows, actions[rows], new[rows], by, sure, reasons)
    proposals = np.where(beliefs.p_positive[review] > 0.5, POSITIVE, NEGATIVE).astype(np.int8)
    why = explain(opinions, review)[1].cast(pa.string()).to_pylist()
    dropped = (actions == DROP)[review]
    texts = [f"asking gains {worth:.2f} right labels on average{', dropped until then' if out else ''}; {words}"
            for worth, out, words in zip(gain[review], dropped, why, strict=True)]
    return Plan(decisions, review, proposals, pa.array(texts, pa.string()), gain[review])
