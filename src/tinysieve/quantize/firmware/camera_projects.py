"""The example of a board with a camera: a frame, the documented resize, an inference, the label on the serial line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tinysieve.ground.escaping import Escaped
from tinysieve.quantize.firmware.boards import ESP32_CAMERA, TFLM_STACK_BYTES, Board
from tinysieve.quantize.firmware.bundle_words import is_picture, picture_extents, pixel_codes, scores_of, spreads_pixels
from tinysieve.quantize.firmware.placement import Placement
from tinysieve.quantize.firmware.rendering import rendered
from tinysieve.quantize.firmware.tflm_projects import arduino_ini, idf_board_files
from tinysieve.quantize.tflite.graph import Graph

_ROOT = "tinysieve.quantize.firmware"
# Frames of two bytes a pixel, the larger first; on the heap of an Arduino core.
FRAMES = {"CAMERA_R320x240": (320, 240), "CAMERA_R160x120": (160, 120)}
# Drivers of cameras print and wait on the stack that runs the model.
CAMERA_STACK_BYTES = 2 * TFLM_STACK_BYTES


def camera_files(
    values: Mapping[str, Any], graph: Graph, board: Board, placement: Placement, c_arena_bytes: int | None
) -> tuple[dict[str, str], str]:
    """Text files by path for a board with a camera driver, or why there are none.

    Espressif's boards run the model under TFLM, Arduino's as plain C: TFLM's Arduino library knows one board only.
    ``c_arena_bytes`` is the arena of the C program, None where there is no such program.
    """
    if reason := _no_example(graph):
        return {}, reason
    if board.camera_driver == ESP32_CAMERA:
        return {f"tflm/{name}": text for name, text in _idf(values, graph, board, placement).items()}, ""
    if c_arena_bytes is None:
        return {}, "there is no C project for this model"
    room = board.arena_room_bytes - c_arena_bytes
    frame = next((name for name, (width, height) in FRAMES.items() if 2 * width * height <= room), None)
    if frame is None:
        return {}, f"no frame has room in the {room:,} B beside the arena"
    return {f"c/{name}": text for name, text in _arduino(values, graph, board, frame).items()}, ""


def _no_example(graph: Graph) -> str:
    if not is_picture(graph.inputs[0]) or picture_extents(graph.inputs[0])[2] not in (1, 3):
        return "the model takes no grey or RGB picture"
    if not scores_of(graph):
        return "the model gives no list of scores"
    return ""


def _shared(values: Mapping[str, Any], graph: Graph, c_route: bool) -> dict[str, str]:
    """The resize, and what runs the model and names its score."""
    source = graph.inputs[0]
    height, width, channels = picture_extents(source)
    picture = {"width": width, "height": height, "channels": channels, "spread": spreads_pixels(source),
               "planes": int(source.layout == "NCHW" and channels > 1), "codes": [code & 255 for code in pixel_codes(source)]}
    label = rendered("camera_label.cc", {**values, "c_route": c_route, "output_type": Escaped(graph.outputs[0].dtype)})
    return {"camera/picture_settings.h": rendered("picture_settings.h", picture), "camera/camera_label.cc": label,
            "camera/camera_label.h": _text("templates", "camera_label.h"),
            **{f"camera/{name}": _text("kernels", name) for name in ("ts_picture.h", "ts_picture.c")}}


def _idf(values: Mapping[str, Any], graph: Graph, board: Board, placement: Placement) -> dict[str, str]:
    grey = picture_extents(graph.inputs[0])[2] == 1
    main = rendered("idf_camera_main.cc", {
        "pins": dict(board.camera_pins), "pixel_format": Escaped("PIXFORMAT_GRAYSCALE" if grey else "PIXFORMAT_RGB565"),
        "frame_place": Escaped("CAMERA_FB_IN_PSRAM" if board.psram_bytes else "CAMERA_FB_IN_DRAM"),
        "picture_function": Escaped("ts_picture_from_grey" if grey else "ts_picture_from_rgb565")})
    board_files = idf_board_files(board, placement, CAMERA_STACK_BYTES, bool(board.psram_bytes))
    return {**_shared(values, graph, c_route=False), **{f"esp-idf-camera/{name}": text for name, text in board_files.items()},
            "esp-idf-camera/CMakeLists.txt": _text("templates", "idf_CMakeLists.txt"),
            "esp-idf-camera/main/CMakeLists.txt": _text("templates", "idf_camera_main_CMakeLists.txt"),
            "esp-idf-camera/main/idf_component.yml": _text("templates", "idf_camera_component.yml"),
            "esp-idf-camera/main/main.cc": main}


def _arduino(values: Mapping[str, Any], graph: Graph, board: Board, frame: str) -> dict[str, str]:
    width, height = FRAMES[frame]
    main = rendered("arduino_camera_main.cpp", {"resolution": Escaped(frame), "frame_width": width, "frame_height": height})
    return {**_shared(values, graph, c_route=True), "platformio-camera/src/main.cpp": main,
            "platformio-camera/platformio.ini": arduino_ini((board,), camera=True, layers=False)}


def _text(folder: str, name: str) -> str:
    return (files(_ROOT) / folder / name).read_text(encoding="utf-8")
