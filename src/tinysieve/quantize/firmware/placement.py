"""Whether a model fits a board under TFLM: the fastest kernels that the board has room for, and where the arena lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinysieve.ground.errors import GateMissed
from tinysieve.quantize.firmware.boards import Board
from tinysieve.quantize.passes.firmware_arena import arena_planner
from tinysieve.quantize.runtime_code import REFERENCE_CODE_BYTES, TFLM_CODE_BYTES
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.kernel_libraries import KERNEL_LIBRARIES, kernel_library
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT

# Another release of TFLM or of the kernels may keep a few bytes more.
ARENA_MARGIN_BYTES = 1024
INTERNAL, EXTERNAL = "RAM", "PSRAM"
PSRAM_COST = "the arena lies in PSRAM: person detection takes 54 ms on an ESP32-S3 instead of 47 ms (ESP-NN's README)"
_WITHOUT_OPTIMISED = ("reference", "esp-nn-ansi")


@dataclass(frozen=True)
class Placement:
    """One way to run a model on one board; ``arena_bytes`` is what the firmware reserves, margin included.

    ``flash_bytes`` counts model and runtime code; ``cost`` says what this way costs against the board's fastest.
    """

    board: str
    kernels: str
    place: str
    arena_bytes: int
    room_bytes: int
    flash_bytes: int
    flash_room_bytes: int
    cost: str = ""

    @property
    def fits_ram(self) -> bool:
        """Whether the arena has room beside framework and stack."""
        return self.arena_bytes <= self.room_bytes

    @property
    def fits_flash(self) -> bool:
        """Whether model and runtime have room beside the framework."""
        return self.flash_bytes <= self.flash_room_bytes

    @property
    def fits(self) -> bool:
        """Whether the board can run it so."""
        return self.fits_ram and self.fits_flash


def code_bytes(kernels: str) -> int:
    """Flash that TFLM's code takes with these kernels (assumed, see ``runtime_code``)."""
    return REFERENCE_CODE_BYTES if kernels in _WITHOUT_OPTIMISED else TFLM_CODE_BYTES


@dataclass(frozen=True)
class Needs:
    """What one model asks of any board: its file, and the arena that a firmware reserves by kernel library."""

    file_bytes: int
    arena_bytes: Mapping[str, int]

    def ways(self, board: Board) -> tuple[Placement, ...]:
        """Every way to run the model on the board, the fastest first: by kernel library, in RAM and then in PSRAM."""
        ways = []
        for kernels in board.kernels:
            arena, cost = self.arena_bytes[kernels], "" if kernels == board.kernels[0] else kernel_library(kernels).cost
            flash = self.file_bytes + code_bytes(kernels), board.flash_room_bytes
            ways.append(Placement(board.name, kernels, INTERNAL, arena, board.arena_room_bytes, *flash, cost))
            if board.psram_bytes and board.psram_attribute:
                slower = "; ".join(filter(None, (PSRAM_COST, cost)))
                ways.append(Placement(board.name, kernels, EXTERNAL, arena, board.psram_bytes, *flash, slower))
        return tuple(ways)

    def best(self, board: Board) -> Placement:
        """The fastest way that fits, else the one that lacks least."""
        ways = self.ways(board)
        return next((way for way in ways if way.fits), min(ways, key=lambda way: way.arena_bytes - way.room_bytes))


def needs_of(model: bytes, measured: Arena) -> Needs:
    """What a model needs with each library: a multiple of 16, which wastes nothing where TFLM aligns it.

    Raises:
        InputError: not a .tflite file, or a damaged one.
    """
    planner = arena_planner(model, measured)
    totals = {name: planner.arena(library).total_bytes + ARENA_MARGIN_BYTES for name, library in KERNEL_LIBRARIES.items()}
    return Needs(len(model), {name: -(-total // TFLM_ALIGNMENT) * TFLM_ALIGNMENT for name, total in totals.items()})


def require_fit(needs: Needs, board: Board, boards: Sequence[Board]) -> Placement:
    """The board's best placement.

    Raises:
        GateMissed: the model does not fit the board in any way; names each with what it lacks, and what would fit.
    """
    best = needs.best(board)
    if best.fits:
        return best
    raise GateMissed(_lacking(needs.ways(board)), where=board.name,
                     why="the firmware could not start there" if not best.fits_ram else "the image could not be flashed",
                     fix=_remedies(best, needs, board, boards))


def _lacking(ways: Sequence[Placement]) -> str:
    """Each way with its arena, and the flash once."""
    short = [f"{kernel_library(way.kernels).words}: arena {way.arena_bytes:,} B > {way.room_bytes:,} B of {way.place}"
             for way in ways if not way.fits_ram]
    if not ways[-1].fits_flash:
        short.append(f"flash {ways[-1].flash_bytes:,} B > {ways[-1].flash_room_bytes:,} B")
    return "it does not fit: " + "; ".join(short)


def _remedies(best: Placement, needs: Needs, board: Board, boards: Sequence[Board]) -> str:
    remedies = []
    if not best.fits_ram:
        remedies.append(f"fit it to the board ('tinysieve fit MODEL OUT --board \"{board.name}\"', an arena of at most "
                        f"{board.arena_room_bytes - ARENA_MARGIN_BYTES:,} B)")
    if fitting := [other.name for other in boards if needs.best(other).fits]:
        remedies.append(f"take a board that holds it: {', '.join(fitting)}")
    return ", or ".join(remedies) or "take a smaller network"
