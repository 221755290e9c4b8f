"""What `emulate` and `flash-bundle` print."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from tinysieve.quantize.firmware.emulate import BoardVerdict, Emulation
from tinysieve.quantize.firmware.flash_bundle import Bundle
from tinysieve.quantize.tflm.kernel_libraries import kernel_library


def show_emulation(result: Emulation, as_json: bool) -> None:
    """RAM and flash with their parts, exactness, instructions, and each board's verdict."""
    if as_json:
        typer.echo(json.dumps(asdict(result), indent=1))
        return
    equal = "equal to" if result.exact_inputs == result.inputs else "DIFFERENT from"
    typer.echo(f"outputs      {equal} {result.compared_with} on {result.exact_inputs} of {result.inputs} inputs, "
               f"{result.kernels} kernels, linked for {result.linked_for}")
    typer.echo(f"RAM          {result.ram_bytes:,} B: arena {result.arena_bytes:,} (includes input {result.input_bytes:,} and "
               f"output {result.output_bytes:,}), other {result.static_bytes - result.arena_bytes:,}, "
               f"stack {result.stack_bytes:,}")
    typer.echo(f"flash        {result.flash_bytes:,} B: weights {result.weights_bytes:,}, tables {result.tables_bytes:,}, "
               f"code {result.code_bytes:,}")
    typer.echo(f"instructions {result.instructions:,} for {result.macs:,} multiply-accumulates, Cortex-M4")
    table = Table(title="boards; latency is an estimate, +-40 %")
    for name in ("board", "core", "RAM", "flash", "latency"):
        table.add_column(name, justify="left" if name in ("board", "core") else "right")
    for verdict in result.boards:
        table.add_row(verdict.board, verdict.core, _fits(result.ram_bytes, verdict.ram_bytes, verdict.fits_ram),
                      _fits(result.flash_bytes, verdict.flash_bytes, verdict.fits_flash), _latency(verdict))
    (Console() if Console().is_terminal else Console(width=130)).print(table)
    for verdict in result.boards:
        if verdict.note:
            typer.echo(f"{verdict.board}: {verdict.note}")


def show_bundle(bundle: Bundle, folder: Path, as_json: bool) -> None:
    """Where the bundle lies and what each of its two projects needs."""
    program = bundle.program
    if as_json:
        typer.echo(json.dumps({
            "folder": str(folder), "files": sorted(["model.tflite", "SHA256SUMS", *bundle.files]),
            "tflm_arena_bytes": bundle.arena_bytes, "c_arena_bytes": program and program.arena_bytes,
            "c_constant_bytes": program and program.constant_bytes, "c_route_missing": bundle.c_route_missing,
            "placement": None if bundle.placement is None else asdict(bundle.placement)}, indent=1))
        return
    typer.echo(f"tflm  arena {bundle.arena_bytes:,} B with margin, model {len(bundle.model):,} B")
    if way := bundle.placement:
        typer.echo(f"board {way.board}: {kernel_library(way.kernels).words}, arena {way.arena_bytes:,} of {way.room_bytes:,} B "
                   f"of {way.place}, flash {way.flash_bytes:,} of {way.flash_room_bytes:,} B")
        if way.cost:
            typer.echo(f"      {way.cost}")
    if program is None:
        typer.echo(f"c     left out: {bundle.c_route_missing}")
    else:
        typer.echo(f"c     arena {program.arena_bytes:,} B, constants {program.constant_bytes:,} B, "
                   f"{program.kernels.name} kernels")
    typer.echo(f"done: {folder / 'README.md'}")


def _fits(needed: int, there: int, fits: bool) -> str:
    return f"{'fits' if fits else 'TOO LARGE'}: {needed / 1024:,.0f} of {there / 1024:,.0f} KiB"


def _latency(verdict: BoardVerdict) -> str:
    latency = verdict.latency
    return "not emulated" if latency is None else f"{latency.low:,.0f} to {latency.high:,.0f} ms"
