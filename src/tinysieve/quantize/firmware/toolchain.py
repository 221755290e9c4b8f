"""The C compiler that comes from the package index: C files to a flash image for a bare Cortex-M, or to a program here."""

from __future__ import annotations

import atexit
import importlib.util
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tinysieve.ground.child_process import child_environment, stop_reason
from tinysieve.ground.errors import GateMissed, InputError, MissingRequirement

# Soft float: the programs hold no floating-point arithmetic, and the emulator's FPU stays out of it.
CORTEX_M4 = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-ffreestanding", "-fno-builtin", "-nostdlib")
_COMMON = ("-std=c11", "-O2", "-fno-sanitize=all", "-ffunction-sections", "-fdata-sections", "-Wno-unused-command-line-argument")
_OVERFLOW = re.compile(r"section '([^']+)' will not fit in region '(\w+)': overflowed by (\d+) bytes")
_SECONDS = 300
_LOADABLE = 1
LINKER_SCRIPT = """\
MEMORY {{
    FLASH (rx) : ORIGIN = {flash_origin:#010x}, LENGTH = {flash_bytes}
    RAM (rwx) : ORIGIN = {ram_origin:#010x}, LENGTH = {ram_bytes}
}}
SECTIONS {{
    .boot : {{ KEEP(*(.boot)) }} > FLASH
    .text : {{ ts_code_start = .; *(.text .text.*) . = ALIGN(4); ts_code_end = .; }} > FLASH
    .rodata : {{ *(.rodata .rodata.*) . = ALIGN(4); ts_constants_end = .; }} > FLASH
    .ARM.exidx : {{ *(.ARM.exidx .ARM.exidx.*) }} > FLASH
    .image_end : {{ ts_image_end = .; LONG(0) }} > FLASH
    .bss (NOLOAD) : {{ ts_static_start = .; *(.data .data.* .bss .bss.* COMMON) . = ALIGN(8); ts_static_end = .; }} > RAM
    .stack (NOLOAD) : {{ . += {stack_bytes}; }} > RAM
    ts_stack_top = ORIGIN(RAM) + LENGTH(RAM);
    /DISCARD/ : {{ *(.comment) *(.ARM.attributes) *(.debug*) }}
}}
"""


@dataclass(frozen=True)
class Memory:
    """Lengths in bytes and start addresses of a board's flash and RAM; ``stack_bytes`` must stay free."""

    flash_bytes: int
    flash_origin: int
    ram_bytes: int
    ram_origin: int
    stack_bytes: int


def require_ziglang() -> None:
    """Raises MissingRequirement without ziglang."""
    if importlib.util.find_spec("ziglang") is None:
        raise MissingRequirement("ziglang is not installed", why="it is the C compiler for the emulated board",
                                 fix="pip install 'tinysieve[mcu]'")


def link_image(files: Mapping[str, str], kernels: Mapping[str, str], memory: Memory, flags: Sequence[str]) -> bytes:
    """A flash image of C files (by name, flat; ``kernels`` are among them) for a bare Cortex-M4 with that much memory.

    Raises:
        GateMissed: the program does not fit; says the region and by how many bytes.
        InputError: it does not compile.
        MissingRequirement: ziglang is not installed.
    """
    require_ziglang()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = write_program(folder, files, kernels)
        (folder / "link.ld").write_text(LINKER_SCRIPT.format(**vars(memory)))
        finished = compile_c([*CORTEX_M4, *flags, *sources, "-Wl,-T,link.ld", "-Wl,--gc-sections", "-Wl,-e,0",
                              "-o", "image.elf"], folder)
        if overflow := _OVERFLOW.findall(finished.stderr):
            raise GateMissed(_does_not_fit(overflow, memory), why="the linker could not place it",
                             fix="take a board with more, or shrink the model: tinysieve fit")
        if finished.returncode:
            raise InputError(f"the generated program does not compile: {compiler_words(finished)}",
                             why="nothing can be emulated", fix="report this as a fault of tinysieve")
        return flash_image((folder / "image.elf").read_bytes(), memory.flash_origin)


def flash_image(elf: bytes, origin: int) -> bytes:
    """What a programmer writes to flash from ``origin`` on: the loadable segments of a 32-bit little-endian ELF file."""
    if elf[:6] != b"\x7fELF\x01\x01":
        raise InputError("the linker's file is not 32-bit ELF", fix="report this as a fault of tinysieve")
    table, entry_bytes, entries = *struct.unpack_from("<I", elf, 28), *struct.unpack_from("<HH", elf, 42)
    image = bytearray()
    for at in range(table, table + entries * entry_bytes, entry_bytes):
        kind, offset, _, address, file_bytes = struct.unpack_from("<5I", elf, at)
        if kind == _LOADABLE and file_bytes:
            start = address - origin
            image.extend(bytes(max(0, start + file_bytes - len(image))))
            image[start:start + file_bytes] = elf[offset:offset + file_bytes]
    return bytes(image)


def _does_not_fit(overflow: list[tuple[str, str, str]], memory: Memory) -> str:
    lengths = {"FLASH": memory.flash_bytes, "RAM": memory.ram_bytes}
    worst = {region: max(int(by) for _, full, by in overflow if full == region) for _, region, _ in overflow}
    return "; ".join(f"does not fit: {lengths[region] + by:,} B > {lengths[region]:,} B of {region}, {by:,} B too many"
                     for region, by in sorted(worst.items()))


def compile_c(arguments: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the compiler in ``folder``, with limits of time and memory; its caches stay where the compiler keeps them.

    Raises:
        InputError: it takes longer than five minutes.
        MissingRequirement: ziglang is not installed.
    """
    require_ziglang()
    command = [sys.executable, "-m", "tinysieve.quantize.firmware.limited_ziglang", "cc", *_COMMON, *arguments]
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, env=child_environment(),
                              errors="replace")
    except subprocess.TimeoutExpired as error:
        raise InputError(f"the C compiler gave nothing within {_SECONDS} s", why="the generated program is too large for it",
                         fix="give a smaller model") from error


def compiler_words(finished: subprocess.CompletedProcess[str]) -> str:
    """Why the compiler stopped: the end of what it says, or its signal."""
    return finished.stderr.strip()[-600:] or stop_reason(finished.returncode, b"")


def write_program(folder: Path, files: Mapping[str, str], kernels: Mapping[str, str]) -> list[str]:
    """Write C files into an existing folder, but for the kernels among them; what to compile, as the compiler's arguments.

    Kernels lie in a folder that stays as long as this process. The compiler keeps what it made of a file by the file's path and
    time, so that of a second program with the same kernels it compiles the model alone.
    """
    own = {name: text for name, text in files.items() if kernels.get(name) != text}
    write_files(folder, own)
    kept = _kept(tuple(sorted(kernels.items())))
    return ["-I.", f"-I{kept}", *(name if name in own else str(kept / name) for name in sorted(files) if name.endswith(".c"))]


@cache
def _kept(kernels: tuple[tuple[str, str], ...]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tinysieve-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_files(folder, dict(kernels))
    return folder


def write_files(folder: Path, files: Mapping[str, str]) -> None:
    """Write C files into an existing folder."""
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
