"""What a person sets of a selection: `policy.select`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field

_FORBID = ConfigDict(extra="forbid")


@dataclass(frozen=True)
class Step:
    """One way in turn.

    Args:
        way: its name.
        keep: share of the photos left by the step before that this one keeps; without it the steps narrow down by equal factors.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID

    way: Literal["random", "uniqueness", "representativeness", "coverage", "label_quality", "uncertainty"]
    keep: Annotated[float, Field(gt=0, le=1)] | None = None


def _step(value: object) -> object:
    """A name alone is a step without a share of its own."""
    return {"way": value} if isinstance(value, str) else value


@dataclass(frozen=True)
class Selection:
    """How many photos to train on, and which.

    Args:
        budget: photos, or a share of those that have a label.
        by: ways in turn, each keeps the first of what the one before has left; the last fills the budget.
        per_class: `proportional` gives each class its share of the photos, `equal` half the budget each, `any` looks at no class.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _FORBID

    budget: Annotated[int, Field(ge=2)] | Annotated[float, Field(gt=0, lt=1)]
    by: Annotated[tuple[Annotated[Step, BeforeValidator(_step)], ...], Field(min_length=1)]
    per_class: Literal["proportional", "equal", "any"] = "proportional"

    def __post_init__(self) -> None:
        if self.by[-1].keep is not None:
            raise ValueError(f"the last way, {self.by[-1].way}, fills the budget: it has no share to keep")

    @property
    def words(self) -> str:
        """The ways, in words.

        >>> Selection(100, (Step("uniqueness", .3), Step("coverage"))).words
        'uniqueness (keeps 30 %), coverage'
        """
        return ", ".join(step.way + ("" if step.keep is None else f" (keeps {100 * step.keep:.0f} %)") for step in self.by)
