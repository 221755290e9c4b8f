"""A Cortex-M4 in software: only the board's flash and RAM exist, and every wild access is an error."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.firmware.toolchain import Memory

_PAGE = 4096
_PAINT = 0xA5
_MAGIC = 0x54534D31
_CHUNK = 1_000_000


@dataclass(frozen=True)
class Sections:
    """Bytes of a linked program: code, constants (weights and tables), static RAM (the arena and little else)."""

    code_bytes: int
    constant_bytes: int
    static_bytes: int
    flash_bytes: int


class Emulator:
    """One linked image on one emulated Cortex-M4.

    RAM begins painted, not zeroed: a program that reads what it never wrote gives a wrong answer here too.

    Raises:
        MissingRequirement: unicorn is not installed.
    """

    def __init__(self, image: bytes, memory: Memory) -> None:
        self._unicorn = require_unicorn()
        self._memory = memory
        (magic, self._halt, self._run, self._input, self._output, code_start, code_end, constants_end, image_end,
         self._static_start, self._static_end, self._stack_top) = struct.unpack_from("<12I", image)
        if magic != _MAGIC:
            raise InputError("the image has no start table", why="it was not linked for the emulator",
                             fix="report this as a fault of tinysieve")
        self.sections = Sections(code_end - code_start, constants_end - code_end, self._static_end - self._static_start,
                                 image_end - memory.flash_origin)
        self._machine = self._booted(image)

    def _booted(self, image: bytes) -> Any:
        uc = self._unicorn
        machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
        machine.ctl_set_cpu_model(uc.arm_const.UC_CPU_ARM_CORTEX_M4)
        machine.mem_map(*_pages(self._memory.flash_origin, self._memory.flash_bytes), uc.UC_PROT_READ | uc.UC_PROT_EXEC)
        machine.mem_map(*_pages(self._memory.ram_origin, self._memory.ram_bytes), uc.UC_PROT_READ | uc.UC_PROT_WRITE)
        machine.mem_write(self._memory.flash_origin, image)
        machine.mem_write(self._memory.ram_origin, bytes([_PAINT]) * self._memory.ram_bytes)
        return machine

    def answer(self, codes: bytes, output_sizes: Sequence[int]) -> bytes:
        """Bytes of all outputs of one inference, one output after the other.

        Raises:
            InputError: the program touched memory that the board does not have.
        """
        self._start_at(codes)
        self._go(self._run)
        return self._read_outputs(output_sizes)

    def counted(self, codes: bytes, output_sizes: Sequence[int]) -> tuple[bytes, int]:
        """Output bytes and the instructions that one inference took, exactly."""
        self._start_at(codes)
        done, pace, at = 0, _CHUNK, self._run | 1
        while True:
            before = self._snapshot()
            self._go(at, pace)
            if self._finished() and pace == 1:
                return self._read_outputs(output_sizes), done + 1
            if self._finished():
                # It ended somewhere in this chunk: again from its start, in smaller steps.
                self._restore(before)
                pace //= 10
                continue
            done, at = done + pace, self._register("PC") | 1

    def blocks(self, codes: bytes, output_sizes: Sequence[int], mark: int) -> tuple[bytes, list[Counter[tuple[int, int]]]]:
        """Output bytes, and how often one inference ran each basic block, by its address and bytes.

        A new count begins whenever the program arrives at the address ``mark``.
        """
        counts: list[Counter[tuple[int, int]]] = [Counter()]
        ran = self._machine.hook_add(self._unicorn.UC_HOOK_BLOCK, lambda _, at, size, __: counts[-1].update(((at, size),)))
        marked = self._machine.hook_add(self._unicorn.UC_HOOK_CODE, lambda *_: counts.append(Counter()), begin=mark, end=mark)
        output = self.answer(codes, output_sizes)
        for hook in (ran, marked):
            self._machine.hook_del(hook)
        return output, counts

    def returned(self) -> int:
        """What the program's entry, called with 0, gives back: for programs linked with another entry than one inference."""
        self._set("SP", self._stack_top)
        return self._called(self._run)

    def stack_bytes(self) -> int:
        """The deepest that the stack has been in any run so far, read from the paint."""
        stack = bytes(self._machine.mem_read(self._static_end, self._stack_top - self._static_end))
        untouched = len(stack) - len(stack.lstrip(bytes([_PAINT])))
        return len(stack) - untouched

    def _start_at(self, codes: bytes) -> None:
        self._set("SP", self._stack_top)
        self._machine.mem_write(self._called(self._input), codes)
        self._set("SP", self._stack_top)
        self._set("LR", self._halt | 1)

    def _read_outputs(self, sizes: Sequence[int]) -> bytes:
        self._set("SP", self._stack_top)
        return b"".join(bytes(self._machine.mem_read(self._called(self._output, n), size)) for n, size in enumerate(sizes))

    def _called(self, function: int, argument: int = 0) -> int:
        self._set("R0", argument)
        self._set("LR", self._halt | 1)
        self._go(function)
        return self._register("R0")

    def _go(self, start: int, instructions: int = 0) -> None:
        try:
            self._machine.emu_start(start | 1, self._halt & ~1, count=instructions)
        except self._unicorn.UcError as error:
            raise InputError(f"the program stopped at {self._register('PC'):#010x}: {error}",
                             why="it reached for memory that the board does not have", fix="report this as a fault of tinysieve"
                             ) from error

    def _finished(self) -> bool:
        return self._register("PC") & ~1 == self._halt & ~1

    def _register(self, name: str) -> int:
        return int(self._machine.reg_read(getattr(self._unicorn.arm_const, f"UC_ARM_REG_{name}")))

    def _set(self, name: str, value: int) -> None:
        self._machine.reg_write(getattr(self._unicorn.arm_const, f"UC_ARM_REG_{name}"), value)

    def _snapshot(self) -> tuple[Any, bytes]:
        ram = self._machine.mem_read(self._memory.ram_origin, self._memory.ram_bytes)
        return self._machine.context_save(), bytes(ram)

    def _restore(self, snapshot: tuple[Any, bytes]) -> None:
        context, ram = snapshot
        self._machine.mem_write(self._memory.ram_origin, ram)
        self._machine.context_restore(context)


def _pages(origin: int, size: int) -> tuple[int, int]:
    """Start and bytes of the whole pages around a region: the emulator maps nothing smaller."""
    start = origin // _PAGE * _PAGE
    return start, -(-(origin + size - start) // _PAGE) * _PAGE


def require_unicorn() -> Any:
    """The emulator's module; raises MissingRequirement where it is not installed."""
    try:
        import unicorn
        import unicorn.arm_const
    except ImportError as error:
        raise MissingRequirement("unicorn is not installed", why="it is the emulated microcontroller",
                                 fix="pip install 'tinysieve[mcu]'") from error
    return unicorn
