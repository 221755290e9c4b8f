"""What stage `policy` says of itself in `policy.json`: the filters, what they were worth, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass, field

from tinysieve.filtering.decisions.filter_precision import Share
from tinysieve.filtering.decisions.vote_table import FilterRow
from tinysieve.pipeline.engine.artifacts import facts


@dataclass(frozen=True)
class PrecisionFacts:
    """How far one filter can be believed; see `FilterPrecision`."""

    against: int
    precision: Share | None
    recall: float | None


@dataclass(frozen=True)
class ErrorModelFacts:
    """The error model behind a consensus; see `ErrorModel`.

    Args:
        weights: of each score, by name.
        intercept: log odds where all scores are at their mean.
        negative_as_positive, positive_as_negative: shares of wrong labels in each class.
        prior_share: how much of what is known of the weights comes from other photos and not from these labels, in [0, 1].
    """

    weights: dict[str, float]
    intercept: float
    negative_as_positive: float
    positive_as_negative: float
    prior_share: float

    @property
    def rests_on_other_photos(self) -> bool:
        """Whether these labels taught less than what was known beforehand."""
        return self.prior_share > 0.5


@dataclass(frozen=True)
class NextLooks:
    """What a person's next answers are expected to bring.

    Args:
        looks: how many, from the head of the review queue.
        gain: in right labels.
    """

    looks: int
    gain: float


@dataclass(frozen=True, kw_only=True)
class PolicyFacts:
    """What a policy decided.

    Args:
        policy: its kind.
        filters: one row a filter, over the samples that may change.
        precision: of each filter by name; empty where it could not be estimated.
        changes: images by kind of change, such as "person -> dropped".
        review: images in the review queue.
        version: id of the labels that it made.
        parent: id of the labels that it started from.
        model: of a policy that weighs all scores together.
        next_looks: of such a policy, where the queue is not empty.
    """

    policy: str
    filters: tuple[FilterRow, ...]
    precision: dict[str, PrecisionFacts] = field(default_factory=dict)
    changes: dict[str, int]
    review: int
    version: str
    parent: str
    model: ErrorModelFacts | None = None
    next_looks: NextLooks | None = None


POLICY_FACTS = facts("policy", "policy.json", PolicyFacts)
