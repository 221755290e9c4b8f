"""What `fit` does around the passes: reads and writes files, shows progress and the result, says what was missed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import GateMissed, InputError, MissingRequirement
from tinysieve.ground.progress import PERCENT, part
from tinysieve.ground.settings import parse_bytes
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.model_files.model_file import about, check_output, read_model
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import pick_board
from tinysieve.quantize.firmware.placement import ARENA_MARGIN_BYTES, code_bytes
from tinysieve.quantize.passes.fit_model import FitResult, Size, Target, fit_model
from tinysieve.quantize.passes.float_border import strip_float_border
from tinysieve.quantize.tflm.kernel_libraries import REFERENCE, kernel_library


def target_of(ram: str, flash: str, max_extra_macs: str) -> Target:
    """A target from what a user types: sizes with a unit, a share in percent or as a number.

    >>> target_of("320KiB", "1MiB", "6%").ram_bytes
    327680

    Raises:
        InputError: not a size or not a share.
    """
    return Target(_bytes("--ram", ram), _bytes("--flash", flash), _share("--max-extra-macs", max_extra_macs))


def board_targets(name: str, own_boards: Path | None, max_extra_macs: str) -> tuple[Target, ...]:
    """One target for each kernel library of a board, the fastest first: what framework, stack and margin leave.

    Raises:
        InputError: no such board, or not a share.
    """
    board, share = pick_board(name, load_boards(own_boards)), _share("--max-extra-macs", max_extra_macs)
    return tuple(Target(board.arena_room_bytes - ARENA_MARGIN_BYTES, board.flash_room_bytes, share, code_bytes(kernels),
                        f"TFLM with {kernel_library(kernels).words} (assumed)", kernels) for kernels in board.kernels)


def fit_file(
    model: Path, output: Path, target: Target, seed: int, keep_signatures: bool, strip_float_io: bool, force: bool,
    as_json: bool,
) -> None:
    """Fit one file into another, as :func:`fit_to_first` does for one target."""
    fit_to_first(model, output, (target,), seed, keep_signatures, strip_float_io, force, as_json)


def fit_to_first(
    model: Path, output: Path, targets: Sequence[Target], seed: int, keep_signatures: bool, strip_float_io: bool, force: bool,
    as_json: bool,
) -> None:
    """Fit one file into another and print the result; the output is written even where the target is missed.

    Of several targets, the first that is met counts, else the last.

    Raises:
        InputError: no .tflite file, the output is there already or is the input, or TFLM cannot run the model.
        GateMissed: RAM or flash is over the target.
        MissingRequirement: the arena could not be measured, so nobody knows whether it fits.
    """
    check_output(output, model, force)
    with about(model), progress("fit", PERCENT) as report:
        given = read_model(model)
        if strip_float_io:
            given = strip_float_border(given).model
        for number, target in enumerate(targets):
            # Each target has its share of the count, so that a second one does not begin at nothing again.
            share = part(report, number / len(targets), (number + 1) / len(targets))
            result = fit_model(given, target, seed, share, keep_signatures)
            if result.met or result.after.arena is None:
                break
    with replacing(output) as temporary:
        temporary.write_bytes(result.model)
    typer.echo(json.dumps(result.to_json(), indent=1) if as_json else "\n".join(_lines(result, output)))
    _require(result, output)


def _require(result: FitResult, output: Path) -> None:
    missed = []
    arena, target = result.after.arena, result.target
    if arena is not None and not result.ram_met:
        missed.append(f"arena {result.kernels_arena_bytes:,} B > {target.ram_bytes:,} B under TFLM{_by(target)}")
    if not result.flash_met:
        missed.append(f"flash {result.after.file_bytes + target.runtime_code_bytes:,} B > {target.flash_bytes:,} B")
    if missed:
        raise GateMissed("; ".join(missed), where=str(output), why="this is the smallest that was found",
                         fix="allow more with --max-extra-macs, a board with more memory, or a smaller network")
    if result.tflm_refuses:
        raise InputError(result.arena_missing, where=str(output),
                         why="the file is smaller and answers as before, but no arena can be claimed for it",
                         fix="convert the model to full-integer int8 with operators that TFLM knows")
    if arena is None:
        raise MissingRequirement("the arena was not measured", where=str(output), why=result.arena_missing,
                                 fix="pip install 'tinysieve[mcu]' (x86-64 Linux), and fit again there")


def _lines(result: FitResult, output: Path) -> Iterator[str]:
    before, after = result.before, result.after
    yield f"{'':<24}{'before':>14}{'after':>14}"
    yield f"{'file':<24}{before.file_bytes:>12,} B{after.file_bytes:>12,} B"
    if after.arena is None:
        yield "arena                   computed, not measured"
    for name, attribute in (("arena under TFLM", "total_bytes"), ("  activations", "activations_bytes"),
                            ("  persistent", "persistent_bytes")):
        yield f"{name:<24}{_size(before, attribute):>14}{_size(after, attribute):>14}"
    if result.target.kernels != REFERENCE.name and result.kernels_arena_bytes is not None:
        yield f"{'arena on the board':<24}{'':>14}{result.kernels_arena_bytes:>12,} B  of {result.target.ram_bytes:,} B" \
              f"{_by(result.target)}"
    yield f"{'multiply-accumulates':<24}{before.macs:>14,}{after.macs:>14,}  ({result.extra_macs:+.2%})"
    yield f"{'operators':<24}{before.operators:>14,}{after.operators:>14,}"
    for gain in result.passes:
        arena = "" if gain.arena_bytes_gained is None else f", arena {-gain.arena_bytes_gained:+,} B"
        yield f"{gain.name}: file {-gain.file_bytes_gained:+,} B{arena}"
        yield from (f"  {note}" for note in gain.notes)
    yield from (f"left alone: {note}" for note in result.left_alone)
    equality = result.equality
    yield f"same outputs on {equality.inputs} inputs: {', '.join(equality.checked_with)}"
    yield from (f"  not checked: {note}" for note in equality.not_checked)
    yield str(output)


def _by(target: Target) -> str:
    return "" if target.kernels == REFERENCE.name else f" with {kernel_library(target.kernels).words}"


def _size(size: Size, attribute: str) -> str:
    if size.arena is not None:
        return f"{getattr(size.arena, attribute):,} B"
    return f"{size.planned_bytes:,} B" if attribute == "activations_bytes" else "not measured"


def _bytes(option: str, text: str) -> int:
    value = parse_bytes(text)
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    if not isinstance(value, int) or value <= 0:
        raise InputError(f"{option} {text!r} is not a size", fix="write 320KiB, 1MiB or a number of bytes")
    return value


def _share(option: str, text: str) -> float:
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(%?)\s*", text)
    if not match:
        raise InputError(f"{option} {text!r} is not a share", fix="write 6% or 0.06")
    return float(match[1]) / (100 if match[2] else 1)
