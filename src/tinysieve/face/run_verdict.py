"""The verdict of a run: both models on the frozen test images, and every gate with its margin."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from tinysieve.face.data_frame import data_frame
from tinysieve.face.html import table_html
from tinysieve.ground.statistics import Interval
from tinysieve.pipeline.engine.words import amount, judgement, percent, points
from tinysieve.pipeline.stages.verify import VerifyFacts
from tinysieve.quantize.verdict.verdict import Accuracy, Budget

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class RunVerdict:
    """What `verify` measured; accuracies are shares in [0, 1] on the frozen test images.

    Args:
        accuracy: of the mended int8 model.
        float_accuracy: of the same model before it was quantized.
        baseline: of the int8 model that was trained on the labels as they came.
        difference, interval: accuracy minus baseline, with its 95 % interval.
        budgets: the gates.
        challenge_line: what the challenge's own script prints.
    """

    accuracy: Accuracy
    float_accuracy: Accuracy
    baseline: Accuracy
    difference: float
    interval: Interval
    budgets: tuple[Budget, ...]
    challenge_line: str

    @classmethod
    def of(cls, facts: VerifyFacts) -> RunVerdict:
        """From what stage `verify` has left; a run has always measured both models and the float one."""
        assert facts.float32 is not None
        assert facts.baseline_int8 is not None
        assert facts.comparison is not None
        return cls(facts.int8, facts.float32, facts.baseline_int8, facts.comparison.difference, facts.comparison.interval,
                   facts.budgets, facts.challenge_line)

    @property
    def missed(self) -> tuple[Budget, ...]:
        """Gates that were measured and missed."""
        return tuple(budget for budget in self.budgets if budget.met is False)

    def __repr__(self) -> str:
        gates = f"missed: {', '.join(budget.name for budget in self.missed)}" if self.missed else "no gate missed"
        return (f"accuracy {percent(self.accuracy.value)} on {self.accuracy.images:,} test images, {points(self.difference)} "
                f"against the baseline; {gates}")

    def to_pandas(self) -> DataFrame:
        """One row a gate.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(pa.Table.from_pylist([asdict(budget) for budget in self.budgets]))

    def _repr_html_(self) -> str:
        rows = [(one.name, amount(one, "measured"), amount(one, "limit"), judgement(one)) for one in self.budgets]
        return table_html(repr(self), ("gate", "measured", "limit", "verdict"), rows, len(rows))
