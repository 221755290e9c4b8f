"""A board's camera example: its resize is the exact one, the label that of the largest score, and no other board has it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tiny_tflite import tiny_model

from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import CAMERA_PINS, ESP32_CAMERA
from tinysieve.quantize.firmware.bundle_words import pixel_codes
from tinysieve.quantize.firmware.flash_bundle import Bundle, make_bundle
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.tflm_projects import ARDUINO_TFLM_BOARDS
from tinysieve.quantize.firmware.toolchain import compile_c
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.interpreter_child import TFLM, outputs_apart

for needed in ("bakenn", "ziglang", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu")

BOARDS = load_boards()
LABELS = tuple(f"name {n}" for n in range(8))
# A frame on stdin as "width height", then its bytes; the label on stdout. `%s` reads RGB565 or grey.
HARNESS = """
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include "model.h"
#include "camera_label.h"
#include "ts_picture.h"
static void Show(const char* line) { printf("%%s\\n", line); }
int main() {
  unsigned width = 0, height = 0;
  if (scanf("%%u %%u", &width, &height) != 2 || getchar() < 0) return 1;
  uint8_t* frame = static_cast<uint8_t*>(malloc(2 * width * height));
  fread(frame, 1, 2 * width * height, stdin);
  ts_picture_from_%s(frame, width, height, ModelInput());
  for (unsigned n = 0; n < TS_INPUT_BYTES; ++n) printf("%%u ", ModelInput()[n]);
  printf("\\n");
  PrintLabel(Show);
}
"""


def picture_model(channels: int, scale: float = 1.0, zero: int = -128) -> bytes:
    def change(tree: Any) -> None:
        quantization = tree.subgraphs[0].tensors[0].quantization
        quantization.scale, quantization.zeroPoint = np.array([scale], np.float32), np.array([zero], np.int64)

    return tiny_model(change, side=16, channels=channels)


def bundle_for(board: str, model: bytes, labels: tuple[str, ...] = LABELS) -> Bundle:
    chosen = BOARDS[board]
    return make_bundle(model, model, "m", labels, kernel_set("portable"), tuple(BOARDS.values()), chosen)


def exact_resize(pixels: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """Bilinear with half-pixel centres in whole numbers, halves up: pixels [H, W, C] as [height, width, C]."""
    def places(count: int, length: int) -> tuple[NDArray, NDArray, NDArray]:
        at = np.maximum(0, (2 * np.arange(count) + 1) * length - count)
        return at // (2 * count), np.minimum(at // (2 * count) + 1, length - 1), at % (2 * count)

    (top, bottom, down), (left, right, across) = places(height, pixels.shape[0]), places(width, pixels.shape[1])
    down, across = down[:, None, None], across[None, :, None]
    upper = pixels[top][:, left] * (2 * width - across) + pixels[top][:, right] * across
    lower = pixels[bottom][:, left] * (2 * width - across) + pixels[bottom][:, right] * across
    return (upper * (2 * height - down) + lower * down + 2 * height * width) // (4 * height * width)


def run_example(made: Bundle, folder: Path, reader: str, width: int, height: int, frame: bytes) -> tuple[NDArray, str]:
    files = {name.removeprefix("c/").removeprefix("camera/"): text for name, text in made.files.items()
             if name.startswith("c/") and name.count("/") < 3 and name.endswith((".c", ".h", ".cc"))}
    files["harness.cc"] = HARNESS % reader
    for name, text in files.items():
        (folder / name).write_text(text)
    # Each C++ file by itself, then linked as C: a C++ library would be built for it first.
    for name in ("camera_label.cc", "harness.cc"):
        built = subprocess.run([sys.executable, "-m", "ziglang", "c++", "-O1", "-Wall", "-Wextra", "-Wno-unused-result",
                                "-fno-exceptions", "-fno-rtti", "-fno-sanitize=all", "-c", name, "-o", f"{name}.o"],
                               cwd=folder, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
    sources = sorted(name for name in files if name.endswith(".c")
                     and not name.startswith(("main", "ts_golden", "ts_model_check", "ts_layers")))
    linked = compile_c(["-Wall", "-Wextra", "-Werror", *sources, "camera_label.cc.o", "harness.cc.o", "-o", "example"], folder)
    assert linked.returncode == 0, linked.stderr
    ran = subprocess.run([folder / "example"], input=f"{width} {height}\n".encode() + frame, capture_output=True, check=True)
    codes, line = ran.stdout.decode().splitlines()
    return np.array(codes.split(), np.uint8), line


def test_a_colour_frame_is_resized_exactly_and_gets_its_label(tmp_path: Path) -> None:
    rng, model = np.random.default_rng(4), picture_model(3)
    width, height = 37, 21
    words = rng.integers(0, 2**16, (height, width))
    five, six, low = words >> 11, words >> 5 & 63, words & 31
    pixels = np.stack([five << 3 | five >> 2, six << 2 | six >> 4, low << 3 | low >> 2], -1)
    codes, line = run_example(bundle_for("Nicla Vision", model), tmp_path, "rgb565", width, height, words.astype(">u2").tobytes())
    expected = (exact_resize(pixels, 16, 16) - 128).astype(np.int8)
    assert np.array_equal(codes.view(np.int8), expected.reshape(-1))
    scores = outputs_apart(TFLM, model, [expected[None]])[0].reshape(-1).tolist()
    best = max(scores)
    # The output's scale is 0.5: each code is half a unit.
    assert line == f"name {scores.index(best)} {'-' if best < 0 else ''}{abs(best) * 50 // 100}.{abs(best) * 50 % 100:02d}"


def test_a_grey_model_takes_colour_and_grey_frames(tmp_path: Path) -> None:
    """Larger than the frame in one axis; white, black and the weights of red, green and blue."""
    made = bundle_for("Nicla Vision", picture_model(1), ())
    colours = np.array([[0xF800, 0x07E0], [0x001F, 0xFFFF]]).repeat(8, 0).repeat(8, 1)
    codes, line = run_example(made, tmp_path, "rgb565", 16, 16, colours.astype(">u2").tobytes())
    assert sorted(set((codes.view(np.int8).astype(int) + 128)[[0, 15, 240, 255]].tolist())) == [29, 76, 150, 255]
    assert line.startswith("score ")
    grey = np.random.default_rng(1).integers(0, 256, (9, 40, 1))
    codes, _ = run_example(made, tmp_path, "grey", 40, 9, grey.astype(np.uint8).tobytes())
    assert np.array_equal(codes.view(np.int8).astype(int) + 128, exact_resize(grey, 16, 16).reshape(-1))


def test_pixel_codes_follow_the_range_of_the_input() -> None:
    """0..255 as they are; 0..1 and -1..1 spread over the codes."""
    plain, unit, signed = (read_graph(picture_model(3, scale, zero)).inputs[0]
                           for scale, zero in ((1.0, -128), (1 / 255, -128), (2 / 255, 0)))
    assert pixel_codes(plain) == list(range(-128, 128))
    assert pixel_codes(unit) == pixel_codes(signed) == list(range(-128, 128))


@pytest.mark.parametrize("board", ["XIAO ESP32S3 Sense", "ESP32-CAM", "ESP-EYE"])
def test_an_esp32_with_a_camera_has_its_pins_and_frames_in_psram(board: str) -> None:
    made = bundle_for(board, picture_model(3)).files
    main = made["tflm/esp-idf-camera/main/main.cc"]
    assert f"config.pin_xclk = {BOARDS[board].camera_pins['xclk']};" in main
    assert "PIXFORMAT_RGB565" in main
    assert "CAMERA_FB_IN_PSRAM" in main
    assert "CONFIG_SPIRAM=y" in made["tflm/esp-idf-camera/sdkconfig.defaults"]
    assert "CONFIG_SPIRAM=y" not in made["tflm/esp-idf/sdkconfig.defaults"]
    assert "espressif/esp32-camera" in made["tflm/esp-idf-camera/main/idf_component.yml"]
    assert "PIXFORMAT_GRAYSCALE" in bundle_for(board, picture_model(1)).files["tflm/esp-idf-camera/main/main.cc"]


def test_what_needs_no_camera_holds_none_of_it() -> None:
    model = picture_model(3)
    assert not any("camera" in name for name in bundle_for("ESP32-S3", model).files)
    assert not any("camera" in name for name in make_bundle(
        model, model, "m", LABELS, kernel_set("portable"), tuple(BOARDS.values())).files)
    signal = bundle_for("Nicla Vision", tiny_model())
    assert not any("camera" in name for name in signal.files)
    assert "no example with this board's camera: the model takes no grey or RGB picture" in signal.files["README.md"]


def test_tflms_arduino_library_is_offered_where_it_compiles() -> None:
    """Its peripherals.h stops at any board but the Nano 33 BLE; the C project needs no library."""
    arduino = {name: board for name, board in BOARDS.items() if board.projects.get("platformio", "").endswith("/arduino")}
    assert len(arduino) > 1
    for name, board in arduino.items():
        files = bundle_for(name, picture_model(3)).files
        known = board.projects["platformio"].split("/")[1]
        assert ("tflm/platformio/platformio.ini" in files) == (known in ARDUINO_TFLM_BOARDS)
        assert f"[env:{known}]" in files["c/platformio/platformio.ini"]


def test_a_program_of_an_arduino_core_takes_no_name_of_its_own_class(small_int8: bytes) -> None:
    """``Print`` is a class of every Arduino core, which a function of that name hides or collides with."""
    made = make_bundle(small_int8, small_int8, "m", (), kernel_set("portable"), tuple(BOARDS.values()))
    sources = [text for name, text in {**made.files, **bundle_for("Nicla Vision", picture_model(3)).files}.items()
               if name.endswith(".cpp")]
    assert len(sources) == 3
    assert all(" Print(" not in text for text in sources)


@pytest.mark.parametrize("change", [
    {"camera_driver": "mine"}, {"camera_driver": ESP32_CAMERA}, {"camera_pins": dict.fromkeys(CAMERA_PINS, 1)}])
def test_drivers_and_pins_go_together(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="camera_"):
        replace(BOARDS["ESP32-S3"], **change)
