"""Boards x models: which fit under TFLM, by which kernels, with what arena. Prints the table of docs/boards.md.

    python benchmarks/boards.py [NAME=MODEL.tflite ...]

Models that are not named come from TINYSIEVE_SHARED, else ../shared; give your own, and fitted ones, as NAME=FILE.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tinysieve.quantize.firmware.board_files import shipped_boards
from tinysieve.quantize.firmware.placement import INTERNAL, Needs, Placement, needs_of
from tinysieve.quantize.tflm.arena_process import measure_arena

SHARED = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
MODELS = {"seed": "models/reference/seed_submission.tflite", "person_detect": "cases/models/tflm_person_detect.tflite",
          "vww_96": "models/reference/mlperftiny_vww_96_int8.tflite"}
WORDS = {"reference": "reference", "cmsis-nn": "CMSIS-NN", "cmsis-nn-scalar": "CMSIS-NN", "cmsis-nn-mve": "CMSIS-NN (MVE)",
         "esp-nn-esp32s3": "ESP-NN", "esp-nn-esp32s3-convolutions": "ESP-NN, depthwise by reference", "esp-nn-ansi": "ESP-NN off",
         "esp-nn-generic": "ESP-NN"}


def needs(path: Path) -> Needs:
    """What one file needs, its arena measured."""
    model = path.read_bytes()
    return needs_of(model, measure_arena(model))


def cell(way: Placement) -> str:
    """``fits`` or what lacks, the kernels, the arena."""
    verdict = "fits" if way.fits else "no" if not way.fits_ram else "no (flash)"
    place = "" if way.place == INTERNAL else ", PSRAM"
    return f"{verdict}: {WORDS[way.kernels]}{place}, {way.arena_bytes:,}"


def main() -> None:
    """Print the table in Markdown."""
    own = dict(argument.split("=", 1) for argument in sys.argv[1:])
    models = {name: needs(Path(path)) for name, path in {**{k: str(SHARED / v) for k, v in MODELS.items()}, **own}.items()}
    print("| board | room, B | " + " | ".join(models) + " |")
    print("|---|---|" + "---|" * len(models))
    for board in shipped_boards().values():
        cells = " | ".join(cell(model.best(board)) for model in models.values())
        print(f"| {board.name} | {board.arena_room_bytes:,} | {cells} |")


if __name__ == "__main__":
    main()
