"""What a person flashes: the model, a C project, a TFLM project, golden vectors, the words that go with them, checksums."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.ground.escaping import Escaped, one_line
from tinysieve.quantize.firmware.boards import Board
from tinysieve.quantize.firmware.bundle_values import bundle_values, layer_values
from tinysieve.quantize.firmware.bundle_words import require_codes, scores_of
from tinysieve.quantize.firmware.c_program import CProgram, generate
from tinysieve.quantize.firmware.camera_projects import camera_files
from tinysieve.quantize.firmware.golden_layers import watched_operators
from tinysieve.quantize.firmware.kernel_sets import KernelSet
from tinysieve.quantize.firmware.placement import Needs, Placement, needs_of, require_fit
from tinysieve.quantize.firmware.rendering import rendered
from tinysieve.quantize.firmware.tflm_projects import arduino_c_files, projects_of, tflm_files
from tinysieve.quantize.tflite.graph import Graph, read_graph
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.kernel_libraries import kernel_library

# Where no board is named, the arena holds what any of these asks for; an ESP32-S3's vector kernels have an arena of their own.
ANY_BOARD_KERNELS = ("reference", "cmsis-nn", "cmsis-nn-scalar", "cmsis-nn-mve", "esp-nn-generic")
ESP32S3_KERNELS = "esp-nn-esp32s3"
# What a C project adds to its constants in flash, and to its arena in RAM.
C_CODE_BYTES, C_STACK_BYTES = 20_000, 2048


@dataclass(frozen=True)
class Bundle:
    """Text files by path, beside ``model.tflite`` itself; ``c_route_missing`` says why there is no C project."""

    files: Mapping[str, str]
    model: bytes
    arena_bytes: int
    program: CProgram | None
    c_route_missing: str
    placement: Placement | None = None

    def save(self, folder: Path) -> None:
        """Write everything and ``SHA256SUMS`` into a folder that is empty or not there.

        Raises:
            InputError: the folder holds something.
        """
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError(f"{folder} is not an empty folder", why="a bundle never overwrites what it did not write",
                             fix="give a new folder, or empty this one")
        written = {"model.tflite": self.model, **{name: text.encode() for name, text in sorted(self.files.items())}}
        for name, content in written.items():
            _write(folder / name, content)
        sums = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(written.items())]
        _write(folder / "SHA256SUMS", "".join(sums).encode())


def make_bundle(
    model: bytes, c_model: bytes, name: str, labels: Sequence[str], kernels: KernelSet, boards: Sequence[Board],
    chosen: Board | None = None, watched: Callable[[int], bool] = lambda _: True,
) -> Bundle:
    """Everything that belongs to one int8 model; the same model gives the same bytes.

    ``c_model`` is what the C project is made of: ``model`` itself, or the same in stripes (``stripe_for_c``). The README has
    a line for each of ``boards``. For a ``chosen`` board the bundle holds its projects only, with the kernels and the arena
    that it has room for.

    ``labels`` are empty where nobody says what the scores mean. Of ``watched`` operators the bundle knows the golden outputs,
    by their numbers in the model that each project is made of.

    Raises:
        GateMissed: the chosen board cannot take the model under TFLM; says what would.
        InputError: TFLM cannot run the model, it has not one 8-bit input and 8-bit outputs, or labels do not match the scores.
        MissingRequirement: tflite-micro is not installed: golden outputs and the arena are measured with it.
    """
    graph = read_graph(model)
    require_codes(graph)
    _require_labels(graph, labels)
    arena = measure_arena(model)
    needs = needs_of(model, arena)
    placement = None if chosen is None else require_fit(needs, chosen, boards)
    values = {**bundle_values(model, name, labels, graph, arena), **_arenas(needs, placement),
              **layer_values(model, graph, watched_operators(model, watched))}
    program, missing = _program(c_model, kernels, chosen, watched)
    listed = tuple(boards) if chosen is None else (chosen,)
    values |= {"c_route": program and {"kernels": program.kernels.name, "arena_bytes": program.arena_bytes,
                                       "constant_bytes": program.constant_bytes}, "c_route_missing": missing,
               "boards": listed, "projects": projects_of(listed),
               "targets": {} if chosen is None else dict(chosen.projects)}
    camera, values["no_camera"] = ({}, "") if chosen is None or placement is None or not chosen.camera_driver else camera_files(
        values, graph, chosen, placement, None if program is None else program.arena_bytes)
    values["camera_project"] = next((Escaped(name.split("/")[1]) for name in camera if "-camera/" in name), "")
    texts = {**tflm_files(values, listed, placement), **camera, "PREPROCESSING.md": rendered("PREPROCESSING.md", values)}
    if labels:
        texts["labels.txt"] = "".join(f"{one_line(label)}\n" for label in labels)
    licences = dict(kernels.licences()) if program else {}
    if program:
        c_values = {**values, **layer_values(c_model, graph, program.layers), "kernels": program.kernels.name}
        texts |= {**_standalone(program, c_values), **arduino_c_files(listed, bool(program.layers))}
    texts |= {f"LICENSES/{file}": text for file, text in licences.items()}
    texts["README.md"] = rendered("README.md", {**values, "licences": sorted(licences)})
    return Bundle(texts, model, values["arena_bytes"], program, missing, placement)


def _require_labels(graph: Graph, labels: Sequence[str]) -> None:
    if labels and len(graph.outputs) > 1:
        raise InputError(f"{len(labels)} labels for a model of {len(graph.outputs)} outputs",
                         why="labels name the scores of one output", fix="leave --label out: the bundle numbers the outputs")
    if labels and len(labels) != scores_of(graph):
        raise InputError(f"{len(labels)} labels for {scores_of(graph)} scores",
                         fix="give one --label per score, in the model's order")


def _program(
    model: bytes, kernels: KernelSet, chosen: Board | None, watched: Callable[[int], bool]
) -> tuple[CProgram | None, str]:
    """The C program, or why there is none: operators without a kernel, or a board that it does not fit."""
    try:
        program = generate(model, kernels, watched)
    except InputError as error:
        return None, error.what
    if chosen is None:
        return program, ""
    ram, flash = program.arena_bytes + C_STACK_BYTES, program.constant_bytes + C_CODE_BYTES
    room = chosen.ram_bytes - chosen.framework_ram_bytes
    if ram <= room and flash <= chosen.flash_room_bytes:
        return program, ""
    return None, f"it needs {ram:,} B of RAM and {flash:,} B of flash, {chosen.name} has {room:,} B and " \
                 f"{chosen.flash_room_bytes:,} B; --ram makes it smaller"


def _arenas(needs: Needs, placement: Placement | None) -> dict[str, Any]:
    """The arena that the firmware reserves: the chosen board's, else one for any board but an ESP32-S3, and that one's."""
    if placement is not None:
        return {"arena_bytes": placement.arena_bytes, "esp32s3_arena_bytes": 0, "placement": placement,
                "arena_kernels": kernel_library(placement.kernels).words}
    return {"arena_bytes": max(needs.arena_bytes[name] for name in ANY_BOARD_KERNELS),
            "esp32s3_arena_bytes": needs.arena_bytes[ESP32S3_KERNELS], "placement": None,
            "arena_kernels": "any kernels but ESP-NN's on an ESP32-S3"}


def _standalone(program: CProgram, values: Mapping[str, Any]) -> dict[str, str]:
    """The C project; ``main.c`` runs the golden vectors."""
    watching = program.layers and ("ts_cycles.h", "ts_layers.h", "ts_layers.c")
    own = {name: _kernel(name)
           for name in ("ts_golden.h", "ts_golden.c", "ts_model_check.h", "ts_model_check.c", "main.c", *watching)}
    made = {name: rendered(name, values)
            for name in ("golden_outputs.h", "Makefile", "CMakeLists.txt", *(program.layers and ("golden_layers.h",)))}
    return {f"c/{name}": text for name, text in {**program.files, **own, **made}.items()}


def _kernel(name: str) -> str:
    return (files("tinysieve.quantize.firmware") / "kernels" / name).read_text(encoding="utf-8")


def _write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
