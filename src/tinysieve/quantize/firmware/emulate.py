"""The proof without hardware: a model as C, linked for a board, run on an emulated Cortex-M4, compared code by code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

from numpy.typing import NDArray

from tinysieve.ground.errors import GateMissed
from tinysieve.quantize.firmware.boards import Board
from tinysieve.quantize.firmware.c_program import CProgram
from tinysieve.quantize.firmware.emulator_child import EmulatedBoard
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.oracle import expected_outputs
from tinysieve.quantize.firmware.toolchain import Memory, link_image
from tinysieve.quantize.tflite.source_model import SourceModel

BAND = 0.4  # of a latency estimate, both ways
STACK_RESERVE_BYTES = 2048
# A machine that any model fits: what it needs is measured on it, then compared with each board.
_ROOMY = Memory(64 * 2**20, 0x08000000, 16 * 2**20, 0x20000000, STACK_RESERVE_BYTES)
# CMSIS-NN's small copies become loads, and its headers ask for a math.h that nothing here uses.
FLAGS = ("-DBAKENN_CMSIS_NN_BUILTIN_MEMORY",)


@dataclass(frozen=True)
class LatencyEstimate:
    """Milliseconds for one inference: ``instructions * cycles_per_instruction / clock``, and the band around it."""

    milliseconds: float
    low: float
    high: float
    basis: str


@dataclass(frozen=True)
class BoardVerdict:
    """What one board has, whether the program fits it, and how long an inference may take there."""

    board: str
    core: str
    ram_bytes: int
    flash_bytes: int
    fits_ram: bool
    fits_flash: bool
    latency: LatencyEstimate | None
    note: str


@dataclass(frozen=True)
class Emulation:
    """What one program needs and whether it computed what it must; all in bytes but counts.

    ``ram_bytes`` = static (the arena, in which input and output lie) + the stack's high-water mark;
    ``flash_bytes`` = constants (weights, biases, multipliers) + call tables + code.
    """

    kernels: str
    linked_for: str
    inputs: int
    exact_inputs: int
    compared_with: str
    arena_bytes: int
    input_bytes: int
    output_bytes: int
    static_bytes: int
    stack_bytes: int
    ram_bytes: int
    weights_bytes: int
    tables_bytes: int
    code_bytes: int
    flash_bytes: int
    instructions: int
    macs: int
    boards: tuple[BoardVerdict, ...]

    def require_exact(self) -> Emulation:
        """This result, if every output was equal.

        Raises:
            GateMissed: says how many were not.
        """
        if self.exact_inputs != self.inputs:
            raise GateMissed(f"the emulated program answered {self.inputs - self.exact_inputs} of {self.inputs} inputs "
                             f"differently from {self.compared_with}", why="it would not compute the same on a board",
                             fix="report this as a fault of tinysieve, with the model")
        return self


def emulate(
    model: bytes, program: CProgram, chosen: Board | None, boards: Sequence[Board], inputs: int,
    progress: Callable[[int, int], None],
) -> Emulation:
    """Link ``program`` for ``chosen`` (its real flash and RAM; a roomy machine without one), run it, compare with ``model``.

    Each of ``boards`` is judged by what the program needs; a chosen one that is no ARM Cortex-M by memory only.
    Instructions are counted on the first input.

    Raises:
        GateMissed: the program does not fit the chosen board; says by how many bytes.
        MissingRequirement: ziglang or unicorn is not installed.
    """
    linked = chosen if chosen is not None and chosen.emulated else None
    memory = _ROOMY if linked is None else _memory(linked)
    name = "no board (16 MiB RAM, 64 MiB flash)" if linked is None else linked.name
    source = SourceModel(model)
    codes = golden_inputs(source.shape(source.inputs[0]), source.dtype(source.inputs[0]), inputs)
    expected = expected_outputs(model, codes)
    machine = EmulatedBoard(link_image(emulator_files(program), emulator_kernels(program), memory, FLAGS), memory)
    try:
        answers, instructions = _answers(machine, program, codes, progress)
        exact = sum(answer == wanted for answer, wanted in zip(answers, expected.rows, strict=True))
        return _result(program, machine, name, (inputs, exact, expected.by), instructions, boards)
    finally:
        machine.close()


def emulator_files(program: CProgram) -> dict[str, str]:
    """The program with the start table and the empty header that a bare machine needs."""
    boot = files("tinysieve.quantize.firmware") / "kernels" / "ts_boot.c"
    return {**program.files, **emulator_kernels(program), "ts_boot.c": boot.read_text(encoding="utf-8")}


def emulator_kernels(program: CProgram) -> dict[str, str]:
    """Those of `emulator_files` that every program with these kernels has, and that include no other."""
    return {**program.kernels.files(), "math.h": "/* Nothing here is needed. */\n"}


def _memory(board: Board) -> Memory:
    return Memory(board.flash_bytes, board.flash_origin, board.ram_bytes, board.ram_origin, STACK_RESERVE_BYTES)


def _answers(
    machine: EmulatedBoard, program: CProgram, codes: NDArray, progress: Callable[[int, int], None]
) -> tuple[list[bytes], int]:
    answer, instructions = machine.counted(codes[0].tobytes(), program.output_sizes)
    answers = [answer]
    progress(1, len(codes))
    for code in codes[1:]:
        answers.append(machine.answer(code.tobytes(), program.output_sizes))
        progress(len(answers), len(codes))
    return answers, instructions


def _result(
    program: CProgram, machine: EmulatedBoard, linked_for: str, compared: tuple[int, int, str], instructions: int,
    boards: Sequence[Board],
) -> Emulation:
    sections, stack = machine.sections, machine.stack_bytes()
    ram, inputs = sections.static_bytes + stack, compared[0]
    return Emulation(
        program.kernels.name, linked_for, inputs, compared[1], compared[2], program.arena_bytes, program.input_bytes,
        sum(program.output_sizes), sections.static_bytes, stack, ram, program.constant_bytes,
        sections.flash_bytes - program.constant_bytes - sections.code_bytes, sections.code_bytes, sections.flash_bytes,
        instructions, program.macs, tuple(_verdict(board, ram, sections.flash_bytes, instructions) for board in boards))


def _verdict(board: Board, ram: int, flash: int, instructions: int) -> BoardVerdict:
    room = board.ram_bytes - board.framework_ram_bytes
    return BoardVerdict(board.name, board.core, room, board.flash_room_bytes, ram <= room, flash <= board.flash_room_bytes,
                        latency(board, instructions), board.note)


def latency(board: Board, instructions: int) -> LatencyEstimate | None:
    """An estimate with its band; None for a board without a published run to scale by."""
    factor = board.latency.cycles_per_instruction
    if factor is None:
        return None
    middle = instructions * factor / board.clock_hz * 1000
    return LatencyEstimate(middle, middle * (1 - BAND), middle * (1 + BAND), board.latency.basis)
