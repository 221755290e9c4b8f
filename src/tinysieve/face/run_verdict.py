"""The verdict of a run: both models on the frozen test images, and every gate with its margin."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from pydantic import TypeAdapter

from tinysieve.face.data_frame import data_frame
from tinysieve.face.html import table_html
from tinysieve.ground.statistics import Interval
from tinysieve.pipeline.engine.words import amount, judgement, percent, points
from tinysieve.quantize.verdict.verdict import Accuracy, Budget

if TYPE_CHECKING:
    from pandas import DataFrame

T = TypeVar("T")


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
    def read(cls, path: Path) -> RunVerdict:
        """From the file that stage `verify` writes."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        compared = stored["comparison"]
        return cls(_made(Accuracy, stored["int8"]), _made(Accuracy, stored["float32"]), _made(Accuracy, stored["baseline_int8"]),
                   float(compared["difference"]), _made(Interval, compared["interval"]),
                   tuple(_made(Budget, budget) for budget in stored["budgets"]), str(stored["challenge_line"]))

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
        plain = [asdict(budget) for budget in self.budgets]
        rows = [(one["name"], amount(one, "measured"), amount(one, "limit"), judgement(one)) for one in plain]
        return table_html(repr(self), ("gate", "measured", "limit", "verdict"), rows, len(rows))


def _made(kind: type[T], values: Any) -> T:
    made: T = TypeAdapter(kind).validate_python(values)
    return made
