"""What `emulate` and `flash-bundle` do around the C route: read files, show progress, print, say what was missed."""

from __future__ import annotations

from pathlib import Path

from tinysieve.ground.errors import GateMissed
from tinysieve.ground.progress import PERCENT
from tinysieve.pipeline.console.firmware import show_bundle, show_emulation
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.model_files.fitting import target_of
from tinysieve.pipeline.model_files.metadata_file import require_model_of
from tinysieve.pipeline.model_files.model_file import about, labels_beside, read_model
from tinysieve.pipeline.stages.recorded_run import open_recorded
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import pick_board
from tinysieve.quantize.firmware.bundle_words import require_codes, scores_of
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.c_stripes import stripe_for_c
from tinysieve.quantize.firmware.emulate import emulate
from tinysieve.quantize.firmware.flash_bundle import make_bundle
from tinysieve.quantize.firmware.golden_layers import chosen_operators
from tinysieve.quantize.firmware.kernel_sets import KernelSet, kernel_set
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.graph import read_graph


def emulate_file(
    path: Path, board_name: str | None, own_boards: Path | None, inputs: int, kernels: str, ram: str | None,
    max_extra_macs: str, as_json: bool,
) -> None:
    """Emulate one file for one board, or for all, and print the result; `own_boards` is a file with a user's own.

    Raises:
        GateMissed: it does not fit the board or the RAM asked for, or an output differs.
        InputError: no such board or kernel set, no .tflite file, or operators without a kernel.
    """
    boards, chosen_kernels = load_boards(own_boards), kernel_set(kernels)
    chosen = None if board_name is None else pick_board(board_name, boards)
    with about(path):
        model = read_model(path)
        require_codes(read_graph(model))
        striped = _in_stripes(model, chosen_kernels, ram, max_extra_macs)
        with progress("emulating", "inputs") as report:
            program = generate(striped, chosen_kernels)
            result = emulate(model, program, chosen, (chosen,) if chosen else tuple(boards.values()), inputs, report)
    show_emulation(result, as_json)
    result.require_exact()


def bundle_file(
    path: Path, folder: Path, labels: tuple[str, ...], run: Path | None, board_name: str | None, own_boards: Path | None,
    kernels: str, ram: str | None, max_extra_macs: str, layers: str, as_json: bool,
) -> None:
    """Write one model's bundle; labels that are not given are those of its run, of its file or of a `labels.txt` beside it, else
    there are none. `layers` are those whose golden outputs it knows.

    Raises:
        GateMissed: the C program does not get down to the RAM asked for, or the board cannot take the model.
        InputError: no such board, `layers` cannot be read, the folder holds something, or the model has not one 8-bit input and
            8-bit outputs.
    """
    chosen, known, watched = kernel_set(kernels), load_boards(own_boards), chosen_operators(layers)
    board = None if board_name is None else pick_board(board_name, known)
    with about(path):
        model = read_model(path)
        graph = read_graph(model)
        require_codes(graph)
        named = labels or known_labels(model, path, run, scores_of(graph))
        striped = _in_stripes(model, chosen, ram, max_extra_macs)
        with progress("flash bundle"):
            bundle = make_bundle(model, striped, path.stem, named, chosen, tuple(known.values()), board, watched)
    bundle.save(folder)
    show_bundle(bundle, folder, as_json)


def known_labels(model: bytes, path: Path, run: Path | None, scores: int) -> tuple[str, ...]:
    """Names of a model's scores as its run, the file itself or a `labels.txt` beside it says; empty where none does."""
    return _run_labels(model, run) or class_labels(model, scores) or labels_beside(path, scores) or ()


def _run_labels(model: bytes, run: Path | None) -> tuple[str, ...]:
    if run is None:
        return ()
    made = open_recorded(run)
    require_model_of(made, model)
    return made.samples.classes.in_code_order


def _in_stripes(model: bytes, kernels: KernelSet, ram: str | None, max_extra_macs: str) -> bytes:
    if ram is None:
        return model
    target = target_of(ram, "1MiB", max_extra_macs)
    with progress("striping", PERCENT) as report:
        striped = stripe_for_c(model, kernels, target.ram_bytes, target.max_extra_macs, report)
    if not striped.met:
        raise GateMissed(f"the smallest arena found for the C program is {striped.arena_bytes:,} B > {target.ram_bytes:,} B",
                         why="the RAM asked for is not met", fix="give more --ram, or more --max-extra-macs")
    return striped.model
