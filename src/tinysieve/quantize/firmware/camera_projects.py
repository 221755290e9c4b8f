"""The example of a board with a camera: a frame, the documented resize, an inference, the label on the serial line."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from tinysieve.ground.escaping import Escaped
from tinysieve.quantize.firmware.boards import ESP32_CAMERA, TFLM_STACK_BYTES, Board
from tinysieve.quantize.firmware.bundle_words import is_picture, picture_extents, pixel_codes, scores_of, spreads_pixels
from tinysieve.quantize.firmware.placement import INTERNAL, Placement
from tinysieve.quantize.firmware.rendering import rendered
from tinysieve.quantize.tflite.graph import Graph

_ROOT = "tinysieve.quantize.firmware"
# Frames of two bytes a pixel, the larger first; in RAM unless the board has external RAM.
FRAMES = {"CAMERA_R320x240": (320, 240), "CAMERA_R160x120": (160, 120)}
# Drivers of cameras print and wait on the stack that runs the model.
CAMERA_STACK_BYTES = 2 * TFLM_STACK_BYTES


def camera_files(
    values: Mapping[str, Any], graph: Graph, board: Board, placement: Placement, idf_files: Mapping[str, str]
) -> tuple[dict[str, str], str]:
    """Text files by path below ``tflm/`` for a board with a camera driver, or why there are none.

    ``idf_files`` are those that any ESP-IDF project of this board holds.
    """
    if reason := _no_example(graph):
        return {}, reason
    pixels = _picture_values(graph)
    shared = {"camera/picture_settings.h": rendered("picture_settings.h", pixels),
              "camera/camera_label.cc": rendered("camera_label.cc", {**values, "output_field": Escaped(graph.outputs[0].dtype)}),
              "camera/camera_label.h": _text("templates", "camera_label.h"),
              **{f"camera/{name}": _text("kernels", name) for name in ("ts_picture.h", "ts_picture.c")}}
    if board.camera_driver == ESP32_CAMERA:
        return {**shared, **_idf(board, pixels["channels"], idf_files)}, ""
    room = placement.room_bytes - placement.arena_bytes if placement.place == INTERNAL else placement.room_bytes
    frame = next((name for name, (width, height) in FRAMES.items() if 2 * width * height <= room), None)
    if frame is None:
        return {}, f"no frame of {FRAMES['CAMERA_R160x120']} pixels has room beside the arena"
    return {**shared, **_arduino(board, frame)}, ""


def _no_example(graph: Graph) -> str:
    if not is_picture(graph.inputs[0]) or picture_extents(graph.inputs[0])[2] not in (1, 3):
        return "the model takes no grey or RGB picture"
    if not scores_of(graph):
        return "the model gives no list of scores"
    return ""


def _picture_values(graph: Graph) -> dict[str, Any]:
    source = graph.inputs[0]
    height, width, channels = picture_extents(source)
    return {"width": width, "height": height, "channels": channels, "planes": int(source.layout == "NCHW" and channels > 1),
            "codes": [code & 255 for code in pixel_codes(source)], "spread": spreads_pixels(source)}


def _idf(board: Board, channels: int, idf_files: Mapping[str, str]) -> dict[str, str]:
    grey = channels == 1
    main = rendered("idf_camera_main.cc", {
        "pins": dict(board.camera_pins), "pixel_format": Escaped("PIXFORMAT_GRAYSCALE" if grey else "PIXFORMAT_RGB565"),
        "frame_place": Escaped("CAMERA_FB_IN_PSRAM" if board.psram_bytes else "CAMERA_FB_IN_DRAM"),
        "picture_function": Escaped("ts_picture_from_grey" if grey else "ts_picture_from_rgb565")})
    return {**{f"esp-idf-camera/{name}": text for name, text in idf_files.items()},
            "esp-idf-camera/CMakeLists.txt": _text("templates", "idf_CMakeLists.txt"),
            "esp-idf-camera/main/CMakeLists.txt": _text("templates", "idf_camera_main_CMakeLists.txt"),
            "esp-idf-camera/main/idf_component.yml": _text("templates", "idf_camera_component.yml"),
            "esp-idf-camera/main/main.cc": main}


def _arduino(board: Board, frame: str) -> dict[str, str]:
    platform, name, _ = board.projects["platformio"].split("/")
    width, height = FRAMES[frame]
    environment = {"platform": Escaped(platform), "board": Escaped(name)}
    return {"platformio-camera/platformio.ini": rendered("camera_platformio.ini", {"name": environment}),
            "platformio-camera/src/main.cpp": rendered("arduino_camera_main.cpp", {
                "resolution": Escaped(frame), "frame_width": width, "frame_height": height})}


def _text(folder: str, name: str) -> str:
    return (files(_ROOT) / folder / name).read_text(encoding="utf-8")
