"""The TFLM part of a bundle: the model, its settings and check, and one project for each framework that the board has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

from tinysieve.ground.escaping import Escaped
from tinysieve.quantize.firmware.boards import FRAMEWORKS, TFLM_STACK_BYTES, Board
from tinysieve.quantize.firmware.placement import EXTERNAL, Placement
from tinysieve.quantize.firmware.rendering import rendered

# ESP-IDF puts boot loader and tables before an application, whose partition is counted in steps of the same size.
BEFORE_APPLICATION_BYTES = 64 * 1024
# Boards for which TFLM's Arduino library compiles (its peripherals.h stops at any other), as PlatformIO calls them.
ARDUINO_TFLM_BOARDS = ("nano33ble",)
PLAIN_DEPTHWISE = "esp-nn-esp32s3-convolutions"
_ROOT = "tinysieve.quantize.firmware"


def tflm_files(values: Mapping[str, Any], boards: Sequence[Board], placement: Placement | None) -> dict[str, str]:
    """Text files by path below ``tflm/``: projects of the frameworks that any of ``boards`` knows, all of them for a model
    that is placed on no board."""
    plain = placement is not None and placement.kernels == PLAIN_DEPTHWISE
    given = {**values, "plain_depthwise": plain, "arena_attribute": Escaped(_attribute(boards, placement))}
    made = {f"src/{name}": rendered(name, given)
            for name in ("model_data.h", "model_data.cc", "model_settings.h", "op_resolver.h", "golden_outputs.h",
                         "model_check.cc", *(("golden_layers.h",) if given["layers"] else ()))}
    watching = ("layer_watch.h", "layer_watch.cc") if given["layers"] else ()
    copied = {f"src/{name}": _template(name) for name in ("model_check.h", *watching)}
    golden = {f"src/{name}": _kernel(name)
              for name in ("ts_golden.h", "ts_golden.c", *(("ts_layers.h", "ts_layers.c", "ts_cycles.h") if watching else ()))}
    own = {f"src/{name}": _template(name) for name in ("plain_depthwise.h", "plain_depthwise.cc")} if plain else {}
    frameworks = [name for name in FRAMEWORKS if any(name in board.projects for board in boards)]
    projects = {path: text for name in frameworks for path, text in _PROJECTS[name](boards, placement).items()}
    return {f"tflm/{path}": text for path, text in {**made, **copied, **golden, **own, **projects}.items()}


def _attribute(boards: Sequence[Board], placement: Placement | None) -> str:
    return boards[0].psram_attribute if placement is not None and placement.place == EXTERNAL else ""


def _idf(boards: Sequence[Board], placement: Placement | None) -> dict[str, str]:
    copied = {"esp-idf/CMakeLists.txt": "idf_CMakeLists.txt", "esp-idf/main/CMakeLists.txt": "idf_main_CMakeLists.txt",
              "esp-idf/main/idf_component.yml": "idf_component.yml", "esp-idf/main/main.cc": "idf_main.cc"}
    project = {path: _template(name) for path, name in copied.items()}
    if placement is None:
        return project
    return project | {f"esp-idf/{name}": text for name, text in idf_board_files(boards[0], placement, TFLM_STACK_BYTES).items()}


def idf_board_files(board: Board, placement: Placement, stack_bytes: int, psram: bool = False) -> dict[str, str]:
    """What an ESP-IDF project of one board holds besides its program; ``psram`` where more than the arena lies in it."""
    application = board.flash_bytes // BEFORE_APPLICATION_BYTES * BEFORE_APPLICATION_BYTES
    values = {
        "target": Escaped(board.projects["esp-idf"]), "stack_bytes": stack_bytes, "ansi": placement.kernels == "esp-nn-ansi",
        "flash_megabytes": max(1, _power_of_two(board.flash_bytes + BEFORE_APPLICATION_BYTES) // 2**20),
        "app_partition": Escaped(hex(application)),
        "psram_settings": [Escaped(setting) for setting in board.psram_settings],
        "psram": psram or placement.place == EXTERNAL, "psram_arena": placement.place == EXTERNAL,
    }
    made = {name: rendered(name, values) for name in ("sdkconfig.defaults", "partitions.csv")}
    environments = _environments((board,), "espidf")
    if environments:
        made["platformio.ini"] = rendered("idf_platformio.ini", {"espidf_boards": environments})
    return made


def _power_of_two(size: int) -> int:
    """The largest power of two that is not above: flash chips come in these sizes."""
    return 1 << (size.bit_length() - 1)


def _pico(boards: Sequence[Board], _placement: Placement | None) -> dict[str, str]:
    target = next(board.projects["pico-sdk"] for board in boards if "pico-sdk" in board.projects)
    return {"pico-sdk/CMakeLists.txt": rendered("pico_CMakeLists.txt", {"target": Escaped(target)}),
            "pico-sdk/main.cc": _template("pico_main.cc")}


def projects_of(boards: Iterable[Board]) -> set[str]:
    """Frameworks for which a bundle of these boards holds a TFLM project, and ``arduino-c`` for the C project's own."""
    names = {name for board in boards for name in board.projects if name != "platformio"}
    arduino = _environments(boards, "arduino")
    tflm = {"platformio"} if _with_tflm(arduino) else set()
    return names | tflm | ({"arduino-c"} if arduino else set())


def arduino_c_files(boards: Sequence[Board], layers: bool) -> dict[str, str]:
    """The C project on an Arduino core, where any of the boards has one: the golden vectors on the serial line."""
    if not _environments(boards, "arduino"):
        return {}
    return {"c/platformio/platformio.ini": arduino_ini(boards, camera=False, layers=layers),
            "c/platformio/src/main.cpp": _template("arduino_c_main.cpp")}


def arduino_ini(boards: Sequence[Board], camera: bool, layers: bool) -> str:
    """``platformio.ini`` of a program around the C project; the camera's needs neither golden vectors nor their check."""
    own = "-<main.c> -<ts_golden.c> -<ts_model_check.c> -<ts_layers.c> +<camera/> +<platformio-camera/src/>" if camera \
        else "-<main.c> +<platformio/src/>"
    return rendered("c_platformio.ini", {"arduino_boards": _environments(boards, "arduino"), "camera": camera, "layers": layers,
                                         "filter": Escaped(f"+<*.c> {own}")})


def _with_tflm(environments: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    return [environment for environment in environments if environment["board"] in ARDUINO_TFLM_BOARDS]


def _platformio(boards: Sequence[Board], _placement: Placement | None) -> dict[str, str]:
    environments = _with_tflm(_environments(boards, "arduino"))
    if not environments:
        return {}
    return {"platformio/platformio.ini": rendered("platformio.ini", {"arduino_boards": environments}),
            "platformio/src/main.cpp": _template("arduino_main.cpp")}


def _environments(boards: Iterable[Board], framework: str) -> list[dict[str, Escaped]]:
    """One PlatformIO environment a board that names this framework."""
    names = [board.projects["platformio"].split("/") for board in boards if "platformio" in board.projects]
    return [{"platform": Escaped(name[0]), "board": Escaped(name[1])} for name in names if name[2:] == [framework]]


def _zephyr(_boards: Sequence[Board], _placement: Placement | None) -> dict[str, str]:
    copied = {"zephyr/CMakeLists.txt": "zephyr_CMakeLists.txt", "zephyr/prj.conf": "zephyr_prj.conf",
              "zephyr/west.yml": "zephyr_west.yml", "zephyr/src/main.cc": "zephyr_main.cc"}
    return {path: _template(name) for path, name in copied.items()}


_PROJECTS: Mapping[str, Callable[[Sequence[Board], Placement | None], dict[str, str]]] = {
    "esp-idf": _idf, "pico-sdk": _pico, "platformio": _platformio, "zephyr": _zephyr}


def _template(name: str) -> str:
    return (files(_ROOT) / "templates" / name).read_text(encoding="utf-8")


def _kernel(name: str) -> str:
    return (files(_ROOT) / "kernels" / name).read_text(encoding="utf-8")
