"""A model on a board: the fastest kernels that fit, PSRAM before slower kernels, and a refusal that says what would fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tinysieve.ground.errors import GateMissed
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import TFLM_STACK_BYTES, Board, pick_board
from tinysieve.quantize.firmware.placement import ARENA_MARGIN_BYTES, EXTERNAL, INTERNAL, Needs, needs_of, require_fit
from tinysieve.quantize.firmware.rendering import Escaped
from tinysieve.quantize.firmware.tflm_projects import tflm_files
from tinysieve.quantize.tflm.arena import Arena
from tinysieve.quantize.tflm.kernel_libraries import KERNEL_LIBRARIES

BOARDS = load_boards()
S3, SENSE = BOARDS["ESP32-S3"], BOARDS["XIAO ESP32S3 Sense"]
FILE_BYTES = 700_000


def needs(esp_nn: int, convolutions: int, ansi: int) -> Needs:
    arenas = dict.fromkeys(KERNEL_LIBRARIES, ansi)
    return Needs(FILE_BYTES, arenas | {"esp-nn-esp32s3": esp_nn, "esp-nn-esp32s3-convolutions": convolutions})


def test_the_linkers_figures_of_an_esp32_s3() -> None:
    """ESP-IDF's dram0_0_seg ends where the boot loader begins, inside the chip's RAM."""
    for board in (S3, SENSE):
        assert (board.ram_bytes, board.ram_origin + board.ram_bytes) == (341_760, 0x3FCDB700)
        assert board.arena_room_bytes == 341_760 - board.framework_ram_bytes - TFLM_STACK_BYTES
    assert {"ESP32", "ESP32-CAM", "ESP-EYE", "RP2040", "Nano 33 BLE", "Nicla Vision", "Portenta H7", "STM32U585",
            "Alif Ensemble E8"} <= BOARDS.keys()
    assert pick_board("pico 2", BOARDS) is BOARDS["RP2350"]


def test_no_figure_is_without_a_source() -> None:
    for board in BOARDS.values():
        assert not (board.framework_ram_bytes or board.framework_flash_bytes) or board.framework_source
        assert not board.psram_bytes or board.psram_source
        assert set(board.kernels) <= KERNEL_LIBRARIES.keys()
        assert board.projects
    with pytest.raises(ValueError, match="no psram_source"):
        replace(S3, psram_bytes=1)
    with pytest.raises(ValueError, match="'mine' is none of"):
        replace(S3, kernels=("mine",))


def test_the_fastest_kernels_that_fit_are_taken() -> None:
    assert needs(200_000, 150_000, 140_000).best(S3).kernels == "esp-nn-esp32s3"
    second = needs(400_000, 250_000, 240_000).best(S3)
    assert (second.kernels, second.fits, second.place) == ("esp-nn-esp32s3-convolutions", True, INTERNAL)
    assert "4.5 to 6.3 times" in second.cost
    assert needs(400_000, 300_000, 282_141).best(S3).kernels == "esp-nn-ansi"


def test_psram_comes_before_slower_kernels() -> None:
    way = needs(400_000, 250_000, 240_000).best(SENSE)
    assert (way.kernels, way.place, way.fits) == ("esp-nn-esp32s3", EXTERNAL, True)
    assert "PSRAM" in way.cost


def test_what_fits_nowhere_on_a_board_is_refused_with_what_would() -> None:
    with pytest.raises(GateMissed) as refused:
        require_fit(needs(483_408, 402_400, 402_032), S3, tuple(BOARDS.values()))
    error = refused.value
    assert error.exit_code == 1
    assert all(text in error.what for text in ("483,408 B > 282,141 B", "402,400 B", "CONFIG_NN_ANSI_C"))
    assert "tinysieve fit MODEL OUT --board \"ESP32-S3\"" in error.fix
    assert "STM32H743" in error.fix
    assert "STM32F746" not in error.fix


def test_flash_counts_too() -> None:
    large = replace(needs(1000, 1000, 1000), file_bytes=BOARDS["RP2040"].flash_bytes)
    with pytest.raises(GateMissed, match="flash 2,152,152 B > 2,097,152 B"):
        require_fit(large, BOARDS["RP2040"], tuple(BOARDS.values()))


def test_needs_grow_with_the_margin(small_int8: bytes) -> None:
    made = needs_of(small_int8, Arena(20_000, 12_000, 8_000))
    assert made.arena_bytes.keys() == KERNEL_LIBRARIES.keys()
    assert all(size % 16 == 0 and size > ARENA_MARGIN_BYTES for size in made.arena_bytes.values())


OUTPUT = {"suffix": Escaped(""), "bytes": 1, "shape": (1,), "scale": 1.0, "zero_point": 0, "first": 0, "flip": 0}
VALUES = {"model_bytes": 1, "model_rows": 0, "measured_arena_bytes": 1, "arena_bytes": 2, "esp32s3_arena_bytes": 0,
          "input_bytes": 1, "input_shape": (1,), "input_scale": 1.0, "input_zero_point": 0, "output_bytes": 1,
          "outputs": [OUTPUT], "labels": [], "operators": [], "vectors": 1, "calls": ["AddConv2D", "AddDepthwiseConv2D"],
          "columns": 1, "channels": 1, "flip": 0, "rows": [[1]], "layers": []}


def files_for(board: Board, arenas: Needs) -> dict[str, str]:
    return tflm_files(VALUES, (board,), arenas.best(board))


def frameworks(files: dict[str, str]) -> set[str]:
    return {name.split("/")[1] for name in files} - {"src"}


def test_a_board_gets_its_own_projects_only() -> None:
    small = needs(1000, 1000, 1000)
    assert frameworks(files_for(S3, small)) == {"esp-idf"}
    assert frameworks(files_for(BOARDS["RP2350"], small)) == {"pico-sdk", "zephyr"}
    assert frameworks(files_for(BOARDS["Nano 33 BLE"], small)) == {"platformio", "zephyr"}
    assert "set(PICO_BOARD pico2 " in files_for(BOARDS["RP2350"], small)["tflm/pico-sdk/CMakeLists.txt"]
    ini = files_for(BOARDS["Nano 33 BLE"], small)["tflm/platformio/platformio.ini"]
    assert "[env:nano33ble]" in ini
    assert "nicla_vision" not in ini


def test_tflms_arduino_library_is_for_the_nano_33_ble_alone() -> None:
    """It stops at `#error` on any other Arduino board; those get the generated C."""
    for name in ("Nicla Vision", "Portenta H7"):
        assert "platformio" not in frameworks(files_for(BOARDS[name], needs(1000, 1000, 1000)))


def test_esp_idf_gets_settings_and_a_partition_that_holds_the_flash() -> None:
    """The application begins at 64 KB and ends with the chip: 0x10000 + 0x7f0000 = 8 MB."""
    files = files_for(S3, needs(1000, 1000, 1000))
    assert "factory,  app,  factory, 0x10000, 0x7f0000" in files["tflm/esp-idf/partitions.csv"]
    settings = files["tflm/esp-idf/sdkconfig.defaults"]
    assert "CONFIG_ESPTOOLPY_FLASHSIZE_8MB=y" in settings
    assert "CONFIG_NN_OPTIMIZED=y" in settings
    assert "CONFIG_SPIRAM" not in settings
    assert "board = esp32-s3-devkitc-1" in files["tflm/esp-idf/platformio.ini"]


def test_the_kernels_that_fit_are_those_that_are_built() -> None:
    off = files_for(S3, needs(400_000, 300_000, 200_000))
    assert "CONFIG_NN_ANSI_C=y" in off["tflm/esp-idf/sdkconfig.defaults"]
    half = files_for(S3, needs(400_000, 200_000, 200_000))
    assert "AddDepthwiseConv2D(PlainDepthwise())" in half["tflm/src/op_resolver.h"]
    assert "tflm/src/plain_depthwise.cc" in half
    outside = files_for(SENSE, needs(400_000, 400_000, 400_000))
    assert "CONFIG_SPIRAM_ALLOW_BSS_SEG_EXTERNAL_MEMORY=y\nCONFIG_SPIRAM_MODE_OCT=y" in outside[
        "tflm/esp-idf/sdkconfig.defaults"]
    assert "#define ARENA_ATTRIBUTE EXT_RAM_BSS_ATTR" in outside["tflm/src/model_settings.h"]
