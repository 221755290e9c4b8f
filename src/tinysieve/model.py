"""A .tflite model in a notebook or a script: inspect, fit, emulate, predict, save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tinysieve.face.data_frame import data_frame
from tinysieve.face.fit_target import fit_target
from tinysieve.face.html import table_html
from tinysieve.face.model_results import ModelEmulation, ModelInspection, Predictions, missed_target, size_rows
from tinysieve.face.pictures import Images, image_list
from tinysieve.face.predict import SCORES, predictions
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import GateMissed, InputError, MissingRequirement
from tinysieve.ground.progress import Progress, silent
from tinysieve.pipeline.model_files.model_file import about, labels_beside, read_model
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import pick_board
from tinysieve.quantize.firmware.bundle_words import require_codes
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.emulate import emulate
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.passes.fit_model import FitResult, fit_model
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.graph import load_model, read_graph

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, repr=False)
class Model:
    """A .tflite file in memory; no method changes it.

    Args:
        data: the bytes of the file.
        name: what errors call it; the path where it was opened.
        classes: names of its scores, from a `labels.txt` beside the file; None where there is none.
    """

    data: bytes
    name: str = "model"
    classes: tuple[str, ...] | None = None

    @classmethod
    def open(cls, path: str | Path) -> Model:
        """Read a file.

        Raises:
            InputError: no such file, or no .tflite model.
        """
        with about(Path(path)):
            data = read_model(Path(path))
            load_model(data)
        return Model(data, str(path), labels_beside(Path(path), SCORES))

    def __repr__(self) -> str:
        return f"{self.name}: {len(self.data):,} B"

    def inspect(self) -> ModelInspection:
        """Sizes, operators, MACs, memory over time, arena.

        Raises:
            InputError: the file is damaged.
        """
        with about(Path(self.name)):
            return ModelInspection.of(inspect_model(self.data))

    def fit(self, ram: str | int = "320KiB", flash: str | int = "1MiB", max_extra_macs: str | float = "6%", *,
            seed: int = 0, progress: Progress = silent) -> FittedModel:
        """The same outputs, bit for bit, in less memory.

        Args:
            ram: arena that TFLM may use.
            flash: for the file and the runtime's code.
            max_extra_macs: multiply-accumulates that stripes may add, "6%" or 0.06.
            seed: of the search for a memory plan and of the inputs that check it.
            progress: called with (steps done, steps in all).

        Raises:
            TargetMissed: a GateMissed; its `model` is the smallest that was found.
            TargetUnmeasured: a MissingRequirement, TFLM is not installed; its `model` is what could be done without.
            InputError: not a size or not a share, or a model that TFLM cannot run.
        """
        target = fit_target(ram, flash, max_extra_macs)
        with about(Path(self.name)):
            result = fit_model(self.data, target, seed, progress)
            return _required(FittedModel(result.model, self.name, self.classes, result=result))

    def emulate(self, board: str | None = None, *, inputs: int = 8, kernels: str = "dsp",
                boards: str | Path | None = None, progress: Progress = silent) -> ModelEmulation:
        """Run it as generated C on an emulated Cortex-M4 and compare every output with the reference kernels.

        Args:
            board: its real memory limits the program; every known board is judged without.
            inputs: how many to run.
            kernels: dsp, cmsis-nn or portable.
            boards: a YAML file with boards of one's own, as for `tinysieve emulate --boards`.
            progress: called with (inputs done, inputs in all).

        Raises:
            GateMissed: it does not fit the board, or an output differs.
            InputError: no such board (lists all) or kernel set, or operators without a kernel.
            MissingRequirement: the extra mcu is not installed.
        """
        known, chosen_kernels = load_boards(None if boards is None else Path(boards)), kernel_set(kernels)
        chosen = None if board is None else pick_board(board, known)
        if inputs < 1:
            raise InputError(f"inputs is {inputs}", where="Model.emulate", fix="give 1 or more")
        with about(Path(self.name)):
            require_codes(read_graph(self.data))
            judged = tuple(known.values()) if chosen is None else (chosen,)
            emulation = emulate(self.data, generate(self.data, chosen_kernels), chosen, judged, inputs, progress)
            return ModelEmulation.of(emulation.require_exact())

    def predict(self, images: Images, *, class_names: Sequence[str] | None = None, progress: Progress = silent) -> Predictions:
        """Scores of images, by LiteRT's reference kernels: what a microcontroller computes.

        Args:
            images: paths, Pillow images, arrays uint8 [H, W, 3]; resized to the model's size as in training.
            class_names: of its scores, in their order; default: those in the file or beside it, else they are numbered.
            progress: called with (images done, images in all).

        Raises:
            InputError: an image that cannot be read, or a model that is no 8-bit classifier of two classes.
        """
        with about(Path(self.name)):
            names = class_names or class_labels(self.data, SCORES) or self.classes
            return predictions(self.data, image_list(images), names, progress)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the file, whole or not at all; the same bytes again are no change.

        Raises:
            InputError: another file is there and `overwrite` is not set, or nothing can be written there.
        """
        path = Path(path)
        if path.is_file() and path.read_bytes() == self.data:
            return path
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists", why="nothing is overwritten unasked", fix="give another name, or overwrite=True")
        with replacing(path) as temporary:
            temporary.write_bytes(self.data)
        return path


@dataclass(frozen=True, repr=False)
class FittedModel(Model):
    """A fitted model; `result` says what each pass gained and how the outputs were compared."""

    result: FitResult = field(kw_only=True)

    def to_pandas(self) -> DataFrame:
        """Before and after, one row a measure.

        Raises:
            MissingRequirement: pandas is not installed.
        """
        return data_frame(size_rows(self.result))

    def _repr_html_(self) -> str:
        table = size_rows(self.result)
        rows = [tuple(row.values()) for row in table.to_pylist()]
        return table_html(repr(self), table.column_names, rows, len(rows))


class TargetMissed(GateMissed):
    """The smallest model that was found is larger than what was asked for."""

    def __init__(self, what: str, model: FittedModel) -> None:
        super().__init__(what, where=model.name, why="this is the smallest that was found",
                         fix="allow more max_extra_macs, more ram, or take a smaller network; the error's 'model' is this one")
        self.model = model


class TargetUnmeasured(MissingRequirement):
    """The arena was not measured, so it is not known whether the model fits."""

    def __init__(self, model: FittedModel) -> None:
        super().__init__("the arena was not measured", where=model.name, why=model.result.arena_missing,
                         fix="pip install 'tinysieve[mcu]' (x86-64 Linux); the error's 'model' is what could be done without")
        self.model = model


def _required(model: FittedModel) -> FittedModel:
    result = model.result
    if missed := missed_target(result):
        raise TargetMissed(missed, model)
    if result.tflm_refuses:
        raise InputError(result.arena_missing, where=model.name, why="no arena can be claimed for it",
                         fix="convert the model to full-integer int8 with operators that TFLM knows")
    if result.after.arena is None:
        raise TargetUnmeasured(model)
    return model
