"""A board is one entry of a file: no line of code knows its name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.boards import pick_board

# RAM that begins inside a page of the emulator, behind a boot loader's 512 bytes.
MINE: dict[str, Any] = {
    "core": "Cortex-M4", "clock_hz": 80_000_000, "clock_source": "its data sheet", "ram_bytes": 130_560,
    "ram_origin": 0x20000200, "ram_source": "its linker script", "flash_bytes": 393_216, "flash_origin": 0x08004000,
    "flash_source": "its linker script", "emulated": True, "steps": "Hold the button, then `make flash`.",
    "latency": {"cycles_per_instruction": 1.5, "basis": "as others of that core"}, "note": "a prototype"}


def written(folder: Path, boards: Any) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({"boards": boards}, sort_keys=False), encoding="utf-8")
    return path


def test_boards_say_where_each_figure_is_from() -> None:
    boards = load_boards()
    assert {"STM32F746", "STM32H743", "nRF5340", "RP2350", "ESP32-S3"} <= boards.keys()
    assert boards["STM32F746"].ram_bytes == 320 * 1024
    for board in boards.values():
        assert all((board.ram_source, board.flash_source, board.clock_source, board.latency.basis, board.steps))
    with pytest.raises(InputError) as unknown:
        pick_board("Z80", boards)
    assert "STM32F746" in unknown.value.fix
    for spelt in ("esp32s3", "ESP32-S3", "esp32 s3"):
        assert pick_board(spelt, boards).name == "ESP32-S3"


def test_a_board_added_by_file_is_emulated_and_bundled(small_int8: bytes, tmp_path: Path) -> None:
    for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
        pytest.importorskip(needed, reason="needs the extra mcu")
    from tinysieve.pipeline.cli import app

    own, model, out = written(tmp_path, {"Blue Pill 4": MINE}), tmp_path / "m.tflite", tmp_path / "bundle"
    model.write_bytes(small_int8)
    ran = CliRunner().invoke(app, ["emulate", str(model), "--inputs", "1", "--board", "blue pill 4", "--boards", str(own),
                                   "--json"])
    assert ran.exit_code == 0, ran.output
    result = json.loads(ran.stdout)
    assert (result["linked_for"], result["exact_inputs"]) == ("Blue Pill 4", 1)
    assert result["boards"][0]["latency"]["milliseconds"] == pytest.approx(result["instructions"] * 1.5 / 80_000)
    ran = CliRunner().invoke(app, ["flash-bundle", str(model), str(out), "--boards", str(own)])
    assert ran.exit_code == 0, ran.output
    readme = (out / "README.md").read_text()
    assert "**Blue Pill 4** (Cortex-M4, 130,560 B RAM at 0x20000200" in readme
    assert "Hold the button, then `make flash`." in readme
    assert "STM32F746" in readme


@pytest.mark.parametrize(("change", "message"), [
    ({"steps": None}, "steps: Input should be a valid string"), ({"ram_bytes": "320KiB"}, "ram_bytes: .*valid integer"),
    ({"ram_bytes": -1}, "ram_bytes: .*greater than 0"), ({"emulated": 1}, "emulated: .*boolean"),
    ({"ram_orgin": 4}, "ram_orgin: Unexpected keyword"), ({"latency": {"basis": "none"}}, "cycles_per_instruction: .*required"),
    ({"flash_origin": 0x20000000}, "flash and RAM overlap"), ({"ram_origin": 0xFFFFFF00}, "beyond the last 32-bit address")])
def test_a_wrong_entry_is_named_with_its_file(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = written(tmp_path, {"Mine": {**MINE, **change}})
    with pytest.raises(InputError, match=message) as raised:
        load_boards(path)
    assert raised.value.where == str(path)
    assert "board Mine" in raised.value.what


@pytest.mark.parametrize(("text", "message"), [
    ("boards: {a: [", "not YAML"), ("- a\n", "no list of boards"), ("boards:\n  7: {}\n", "no text"),
    ("boards:\n  a: {}\n  a: {}\n", "'a' stands twice"), ("boards:\n  a: {core: x, core: y}\n", "'core' stands twice"),
    ("boards:\n  a: 3\n", "no name with keys"), ("boards: " + "[" * 5000, "nested deeper"), ("", "no list of boards"),
    ("boards: &b\n  a: *b\n", "an anchor or an alias"), ("boards: {a: " + "9" * 70_000 + "}", "more than")])
def test_a_file_that_is_no_list_of_boards_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "boards.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_boards(path)


def test_names_that_come_along_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stm32f746 comes with tinysieve"):
        load_boards(written(tmp_path, {"stm32f746": MINE}))


def test_paths_that_are_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be read: .*directory"):
        load_boards(tmp_path)
    with pytest.raises(InputError, match="not a file"):
        load_boards(Path("/dev/zero"))
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(InputError, match="save it as UTF-8"):
        load_boards(tmp_path / "bytes")
