"""Boards as data: what each has of memory and speed, and where each figure is from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Interval, MinLen
from pydantic import ConfigDict, Strict, StringConstraints

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflm.kernel_libraries import KERNEL_LIBRARIES

Words = Annotated[str, Strict(), MinLen(1)]
Positive = Annotated[int, Strict(), Gt(0)]
Bytes = Annotated[int, Strict(), Ge(0)]
# A board's name in a framework goes into build files as it is.
Target = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]+$", max_length=100)]
Setting = Annotated[str, StringConstraints(pattern=r"^CONFIG_[A-Z0-9_]+=[a-z0-9]+$")]
ESP32_CAMERA = "esp32-camera"
CAMERA_DRIVERS = (ESP32_CAMERA, "arduino-gc2145")
CAMERA_PINS = ("pwdn", "reset", "xclk", "sda", "scl", *(f"d{bit}" for bit in range(8)), "vsync", "href", "pclk")
FRAMEWORKS = ("esp-idf", "pico-sdk", "platformio", "zephyr")
# A task or main stack in which TFLM runs a model: it used under 1.4 kB in seven builds, printing and the framework want the rest.
TFLM_STACK_BYTES = 4096
# A number of a pin; -1 where the board has no such pin.
Pin = Annotated[int, Strict(), Interval(ge=-1, lt=256)]
Address = Annotated[int, Strict(), Interval(ge=0, lt=2**32)]
_KNOWN_KEYS_ONLY = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True)
class Latency:
    """``cycles_per_instruction`` of CMSIS-NN code counted on an emulated Cortex-M4; none where there is no basis."""

    __pydantic_config__: ClassVar[ConfigDict] = _KNOWN_KEYS_ONLY

    cycles_per_instruction: Annotated[float, Strict(), Gt(0)] | None
    basis: Words


@dataclass(frozen=True)
class Board:
    """One microcontroller; bytes that a linker can use in one stretch, addresses where they start.

    ``kernels`` are the libraries that TFLM can be built with there, the fastest first. ``projects`` names the board in each
    framework that knows it. What the framework itself takes is ``framework_ram_bytes`` and ``framework_flash_bytes``.
    PSRAM holds an arena where ``psram_attribute`` is what places an array there in C. ``camera_driver`` runs its camera, on
    ``camera_pins`` where it must be told. ``steps`` say how a person gets the C project onto it, with code between backquotes.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _KNOWN_KEYS_ONLY

    name: Words
    core: Words
    clock_hz: Positive
    ram_bytes: Positive
    ram_origin: Address
    ram_source: Words
    flash_bytes: Positive
    flash_origin: Address
    flash_source: Words
    clock_source: Words
    emulated: Annotated[bool, Strict()]
    latency: Latency
    steps: Words
    note: Annotated[str, Strict()] = ""
    also_called: tuple[Words, ...] = ()
    kernels: Annotated[tuple[Words, ...], MinLen(1)] = ("reference",)
    projects: Mapping[Words, Target] = field(default_factory=dict)
    framework_ram_bytes: Bytes = 0
    framework_flash_bytes: Bytes = 0
    framework_source: Annotated[str, Strict()] = ""
    psram_bytes: Bytes = 0
    psram_attribute: Annotated[str, StringConstraints(pattern=r"^[A-Z_]*$")] = ""
    psram_settings: tuple[Setting, ...] = ()
    psram_source: Annotated[str, Strict()] = ""
    camera: Annotated[str, Strict()] = ""
    camera_driver: Annotated[str, Strict()] = ""
    camera_pins: Mapping[str, Pin] = field(default_factory=dict)

    @property
    def arena_room_bytes(self) -> int:
        """RAM that is left for an arena beside the framework and a stack."""
        return max(0, self.ram_bytes - self.framework_ram_bytes - TFLM_STACK_BYTES)

    @property
    def flash_room_bytes(self) -> int:
        """Flash that is left for the model, the runtime and the application."""
        return max(0, self.flash_bytes - self.framework_flash_bytes)

    def __post_init__(self) -> None:
        """Raises ValueError where flash and RAM overlap, or end beyond 32 bits; where a name is none that is known, or a figure
        has no source."""
        if unknown := [name for name in self.kernels if name not in KERNEL_LIBRARIES]:
            raise ValueError(f"kernels: {unknown[0]!r} is none of {', '.join(KERNEL_LIBRARIES)}")
        if unknown := [name for name in self.projects if name not in FRAMEWORKS]:
            raise ValueError(f"projects: {unknown[0]!r} is none of {', '.join(FRAMEWORKS)}")
        if self.camera_driver not in ("", *CAMERA_DRIVERS):
            raise ValueError(f"camera_driver: {self.camera_driver!r} is none of {', '.join(CAMERA_DRIVERS)}")
        if set(self.camera_pins) != set(CAMERA_PINS if self.camera_driver == ESP32_CAMERA else ()):
            raise ValueError(f"camera_pins: {ESP32_CAMERA} wants {', '.join(CAMERA_PINS)}, other drivers none")
        if (self.framework_ram_bytes or self.framework_flash_bytes) and not self.framework_source:
            raise ValueError("what the framework takes has no framework_source")
        if self.psram_bytes and not self.psram_source:
            raise ValueError("psram_bytes has no psram_source")
        regions = sorted([(self.flash_origin, self.flash_bytes), (self.ram_origin, self.ram_bytes)])
        if regions[0][0] + regions[0][1] > regions[1][0]:
            raise ValueError("flash and RAM overlap")
        if regions[1][0] + regions[1][1] > 2**32:
            raise ValueError("flash or RAM ends beyond the last 32-bit address")


def pick_board(name: str, boards: Mapping[str, Board]) -> Board:
    """The board of that name, in any case, with or without spaces and hyphens.

    Raises:
        InputError: there is none; lists all.
    """
    by_word = {board_word(other): board for board in boards.values() for other in board.also_called}
    by_word |= {board_word(known): board for known, board in boards.items()}
    if board_word(name) not in by_word:
        raise InputError(f"no board {name!r}", fix=f"give one of {', '.join(boards)}, or add yours with --boards FILE")
    return by_word[board_word(name)]


def board_word(name: str) -> str:
    """Letters and digits alone: ESP32-S3, esp32s3 and "ESP32 S3" are one board.

    >>> board_word("Nano 33 BLE"), board_word("ESP32-S3")
    ('nano33ble', 'esp32s3')
    """
    return "".join(letter for letter in name.lower() if letter.isalnum())
