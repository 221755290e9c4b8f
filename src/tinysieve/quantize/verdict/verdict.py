"""The Verdict: what is true of a model, measured. Tables, pages and exit codes are made of it elsewhere."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.statistics import Confusion, Interval
from tinysieve.quantize.runtime_code import TFLM_CODE_BASIS, TFLM_CODE_BYTES
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.verdict.paired_comparison import Comparison


@dataclass(frozen=True)
class Gates:
    """What a model must meet; ``None`` asks nothing. Shares in [0, 1], sizes in bytes.

    ``max_drop`` is how far int8 accuracy may lie under the baseline's on the same images.
    """

    flash_bytes: int | None = 2**20
    arena_bytes: int | None = 320 * 2**10
    minimum_accuracy: float | None = None
    max_drop: float | None = 0.0
    runtime_code_bytes: int = TFLM_CODE_BYTES
    runtime_code_basis: str = TFLM_CODE_BASIS


@dataclass(frozen=True)
class Budget:
    """One gate: ``margin`` is positive where met, in ``unit``; ``met`` is None where nothing could be measured."""

    name: str
    limit: float
    measured: float | None
    unit: str
    margin: float | None
    met: bool | None
    how: str


@dataclass(frozen=True)
class Accuracy:
    """Share of right answers on ``images`` images with its Wilson interval."""

    value: float
    images: int
    interval: Interval


@dataclass(frozen=True)
class SliceAccuracy:
    """Accuracies on one slice; None where that model was not given. ``images`` may be few: see the interval."""

    name: str
    images: int
    int8: Accuracy
    float32: Accuracy | None
    baseline_int8: Accuracy | None


@dataclass(frozen=True)
class DeviceAgreement:
    """TFLM beside LiteRT's reference kernels on the stated images."""

    images: int
    same_class: int
    same_codes: int
    largest_code_difference: float
    tflm_accuracy: Accuracy
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """Everything measured of one int8 model. ``int8`` is by LiteRT reference kernels, never XNNPACK.

    ``planned_bytes``, the activations by TFLM's memory plan, are computed: all there is where no ``arena`` could be measured.
    """

    int8: Accuracy
    float32: Accuracy | None
    baseline_int8: Accuracy | None
    comparison: Comparison | None
    confusion: Confusion
    baseline_confusion: Confusion | None
    float_int8_agreement: float | None
    tied_scores: int
    slices: tuple[SliceAccuracy, ...]
    device: DeviceAgreement | None
    file_bytes: int
    flash_bytes: int
    flash_basis: str
    weights_bytes: int
    arena: Arena | None
    planned_bytes: int
    operators: dict[str, int]
    macs: int
    budgets: tuple[Budget, ...]
    accuracy_measured_with: str
    notes: tuple[str, ...]
    calibration_rows: tuple[int, ...]
    worst_mistakes: tuple[int, ...]

    @property
    def gates_missed(self) -> tuple[Budget, ...]:
        """Gates that were measured and missed; any makes exit code 1."""
        return tuple(budget for budget in self.budgets if budget.met is False)

    @property
    def gates_unmeasured(self) -> tuple[Budget, ...]:
        """Gates about which nothing can be said on this machine."""
        return tuple(budget for budget in self.budgets if budget.met is None)

    def to_json(self) -> dict[str, Any]:
        """Plain dicts, lists, numbers and strings; a number that is not finite becomes None."""
        plain = _plain(asdict(self))
        for name, cells in (("confusion", self.confusion), ("baseline_confusion", self.baseline_confusion)):
            if cells is not None:
                plain[name] |= {"balanced_accuracy": cells.balanced_accuracy, "constant_accuracy": cells.constant_accuracy}
        plain["gates_missed"] = [budget.name for budget in self.gates_missed]
        plain["gates_unmeasured"] = [budget.name for budget in self.gates_unmeasured]
        if self.comparison is not None:
            plain["comparison"] |= {"better": self.comparison.better, "worse": self.comparison.worse}
        return plain


@dataclass(frozen=True)
class Verification:
    """The verdict with the scores behind it, float32 [N, 2], columns in the order of the labels' codes, rows as the images'."""

    verdict: Verdict
    int8_logits: NDArray[np.float32]
    baseline_logits: NDArray[np.float32] | None


def challenge_line(accuracy: float) -> str:
    """The line that the challenge's own script prints, accuracy as a share in [0, 1].

    >>> challenge_line(0.7102)
    'Tflite model test accuracy: 0.7102'
    """
    return f"Tflite model test accuracy: {accuracy}"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
