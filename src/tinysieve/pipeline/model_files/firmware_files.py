"""What `emulate` and `flash-bundle` do around the C route: read files, show progress, print, say what was missed."""

from __future__ import annotations

from pathlib import Path

from tinysieve.ground.errors import GateMissed
from tinysieve.pipeline.console.firmware import show_bundle, show_emulation
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.model_files.fitting import target_of
from tinysieve.pipeline.model_files.model_file import about, labels_beside, read_model
from tinysieve.quantize.firmware.boards import board
from tinysieve.quantize.firmware.c_program import generate
from tinysieve.quantize.firmware.c_stripes import stripe_for_c
from tinysieve.quantize.firmware.emulate import emulate
from tinysieve.quantize.firmware.flash_bundle import make_bundle
from tinysieve.quantize.firmware.kernel_sets import KernelSet, kernel_set
from tinysieve.quantize.tflite.class_labels import class_labels
from tinysieve.quantize.tflite.io_contract import CLASSES


def emulate_file(
    path: Path, board_name: str | None, inputs: int, kernels: str, ram: str | None, max_extra_macs: str, as_json: bool
) -> None:
    """Emulate one file and print the result.

    Raises:
        GateMissed: it does not fit the board or the RAM asked for, or an output differs.
        InputError: no such board or kernel set, no .tflite file, or operators without a kernel.
    """
    chosen, chosen_kernels = None if board_name is None else board(board_name), kernel_set(kernels)
    with about(path):
        model = read_model(path)
        striped = _in_stripes(model, chosen_kernels, ram, max_extra_macs)
        with progress("emulating", "inputs") as report:
            program = generate(striped, chosen_kernels)
            result = emulate(model, program, chosen, inputs, report)
    show_emulation(result, as_json)
    result.require_exact()


def bundle_file(
    path: Path, folder: Path, labels: tuple[str, ...], kernels: str, ram: str | None, max_extra_macs: str, as_json: bool
) -> None:
    """Write one model's bundle; labels that are not given are the file's own, else those of a `labels.txt` beside
    it, as a run writes it, else the challenge's.

    Raises:
        GateMissed: the C program does not get down to the RAM asked for.
        InputError: the folder holds something, or the model is no 8-bit image classifier.
    """
    chosen = kernel_set(kernels)
    with about(path):
        model = read_model(path)
        named = labels or class_labels(model, len(CLASSES)) or labels_beside(path, len(CLASSES)) or CLASSES
        striped = _in_stripes(model, chosen, ram, max_extra_macs)
        with progress("flash bundle"):
            bundle = make_bundle(model, striped, path.stem, named, chosen)
    bundle.save(folder)
    show_bundle(bundle, folder, as_json)


def _in_stripes(model: bytes, kernels: KernelSet, ram: str | None, max_extra_macs: str) -> bytes:
    if ram is None:
        return model
    target = target_of(ram, "1MiB", max_extra_macs)
    with progress("striping", "steps") as report:
        found = stripe_for_c(model, kernels, target.ram_bytes, target.max_extra_macs, report)
    if not found.met:
        raise GateMissed(f"the smallest arena found for the C program is {found.arena_bytes:,} B > {target.ram_bytes:,} B",
                         why="the RAM asked for is not met", fix="give more --ram, or more --max-extra-macs")
    return found.model
