"""What a model says of itself in a notebook: inspection and emulation as data frames and tables, predictions as pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.face.data_frame import data_frame
from tinysieve.face.html import SHOWN_ROWS, table_html
from tinysieve.face.pictures import AnyImage, picture_of
from tinysieve.face.rows import Rows
from tinysieve.quantize.firmware.emulate import Emulation
from tinysieve.quantize.inspection import Inspection
from tinysieve.quantize.passes.fit_model import FitResult

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class ModelInspection(Inspection):
    """An `Inspection` that shows itself; `to_pandas()` has a row an operator."""

    @classmethod
    def of(cls, inspection: Inspection) -> Self:
        """The same figures."""
        return cls(**vars(inspection))

    def __repr__(self) -> str:
        arena = (f"arena computed, not measured: activations {self.activation_bytes:,} B" if self.arena_bytes is None
                 else f"arena {self.arena_bytes:,} B")
        return f"file {self.file_bytes:,} B, {arena}, {self.macs:,} MACs, {sum(self.operators.values())} operators"

    @property
    def _operators(self) -> pa.Table:
        return pa.table({"operator": [f"{row.operator.name} #{row.operator.index}" for row in self.live],
                         "output_shape": [list(row.output_shape) for row in self.live],
                         "macs": [row.macs for row in self.live], "live_bytes": [row.live_bytes for row in self.live],
                         "live_tensors": [row.live_tensors for row in self.live]})  # fmt: skip

    def to_pandas(self) -> DataFrame:
        """One row an operator: what it computes and what lies in memory while it runs.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(self._operators)

    def _repr_html_(self) -> str:
        table = self._operators.slice(0, SHOWN_ROWS)
        rows = [tuple(row.values()) for row in table.to_pylist()]
        return table_html(repr(self), table.column_names, rows, len(self.live))


@dataclass(frozen=True, repr=False)
class ModelEmulation(Emulation):
    """An `Emulation` that shows itself; `to_pandas()` has a row a board."""

    @classmethod
    def of(cls, emulation: Emulation) -> Self:
        """The same figures."""
        return cls(**vars(emulation))

    def __repr__(self) -> str:
        return (f"RAM {self.ram_bytes:,} B, flash {self.flash_bytes:,} B, {self.exact_inputs} of {self.inputs} inputs equal to "
                f"{self.compared_with}")

    @property
    def _boards(self) -> pa.Table:
        milliseconds = [None if board.latency is None else board.latency.milliseconds for board in self.boards]
        return pa.table({"board": [board.board for board in self.boards], "core": [board.core for board in self.boards],
                         "ram_bytes": [board.ram_bytes for board in self.boards],
                         "fits_ram": [board.fits_ram for board in self.boards],
                         "flash_bytes": [board.flash_bytes for board in self.boards],
                         "fits_flash": [board.fits_flash for board in self.boards],
                         "estimated_ms": pa.array(milliseconds, pa.float64())})  # fmt: skip

    def to_pandas(self) -> DataFrame:
        """One row a board: its memory, whether the model fits, and the estimated time of one inference.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(self._boards)

    def _repr_html_(self) -> str:
        rows = [tuple(row.values()) for row in self._boards.to_pylist()]
        return table_html(repr(self), self._boards.column_names, rows, len(rows))


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """Answers of a model to N images.

    Args:
        scores: float32 [N, K], as the model gives them; the largest wins.
        class_names: K names, in the order of the columns.
        images: what was asked, for the thumbnails.
    """

    scores: NDArray[np.float32]
    class_names: tuple[str, ...]
    images: Sequence[AnyImage] = field(default=())

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.labels.count(name):,} {name}" for name in self.class_names)
        return f"{len(self):,} predictions: {counts}"

    @property
    def labels(self) -> list[str]:
        """The class with the largest score of each image; of equals the first."""
        return [self.class_names[code] for code in self.scores.argmax(axis=1)] if len(self) else []

    @property
    def _table(self) -> pa.Table:
        scores = {f"score_{name}": self.scores[:, code] for code, name in enumerate(self.class_names)}
        return pa.table({"label": pa.array(self.labels, pa.string()), **scores})

    def to_pandas(self) -> DataFrame:
        """One row an image: its label and the score of each class.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(self._table)

    def _repr_html_(self) -> str:
        table = self._table
        return Rows(repr(self), table, picture_of(self.images, len(self)), tuple(table.column_names))._repr_html_()


def size_rows(result: FitResult) -> pa.Table:
    """Before and after a fit: file, arena, multiply-accumulates, operators."""
    sizes = (result.before, result.after)
    arenas = [None if size.arena is None else size.arena.total_bytes for size in sizes]
    rows = [("file, B", *(size.file_bytes for size in sizes)), ("arena under TFLM, B", *arenas),
            ("multiply-accumulates", *(size.macs for size in sizes)), ("operators", *(size.operators for size in sizes))]
    names, before, after = zip(*rows, strict=True)
    return pa.table({"measure": names, "before": pa.array(before, pa.int64()), "after": pa.array(after, pa.int64())})


def missed_target(result: FitResult) -> str:
    """Which parts of the target were measured and missed, and by what; "" where none was."""
    missed = []
    arena, target = result.after.arena, result.target
    if arena is not None and not result.ram_met:
        missed.append(f"arena {arena.total_bytes:,} B > {target.ram_bytes:,} B under TFLM")
    if not result.flash_met:
        missed.append(f"flash {result.after.file_bytes + target.runtime_code_bytes:,} B > {target.flash_bytes:,} B")
    return "; ".join(missed)
