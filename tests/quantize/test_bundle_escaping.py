"""A label, a file name and a board's name are a stranger's words: in no file of a bundle do they become code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from tinysieve.ground.escaping import c_string
from tinysieve.quantize.firmware import camera_projects, flash_bundle, tflm_projects
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.flash_bundle import Bundle, make_bundle
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.rendering import _only_escaped, rendered
from tinysieve.quantize.firmware.toolchain import compile_c

for needed in ("bakenn", "ziglang", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu")

HOSTILE = ('a"}; struct Pwn { Pwn() { __builtin_trap(); } } static pwn; /* ??/ */ // \\ ${HOME} $(id) #endif\n#error x\n'
           "<img src=x onerror=alert(1)> [click](javascript:alert(1)) `code` | * _ \x1b[31m é\u202e")
WORDS_OF_OTHERS = {"tflm/src/model_settings.h", "README.md", "PREPROCESSING.md", "labels.txt", "c/CMakeLists.txt"}


def bundle_with(model: bytes, text: str) -> Bundle:
    boards = tuple(replace(board, name=text, core=text, note=text, steps=text) for board in load_boards().values())
    return make_bundle(model, model, text, (text, f"not {text}"), kernel_set("portable"), boards)


@pytest.fixture(scope="module")
def hostile(small_int8: bytes) -> Bundle:
    return bundle_with(small_int8, HOSTILE)


@pytest.fixture(scope="module")
def plain(small_int8: bytes) -> Bundle:
    return bundle_with(small_int8, "word")


def test_only_the_files_that_name_things_differ(hostile: Bundle, plain: Bundle) -> None:
    assert hostile.files.keys() == plain.files.keys()
    assert {name for name, text in hostile.files.items() if text != plain.files[name]} == WORDS_OF_OTHERS


def test_every_template_is_part_of_a_bundle(small_int8: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()
    for module in (flash_bundle, tflm_projects, camera_projects):
        monkeypatch.setattr(module, "rendered", lambda name, values: used.add(f"{name}.j2") or rendered(name, values))
    bundle_with(small_int8, "word")
    for name in ("XIAO ESP32S3 Sense", "Nicla Vision"):
        board = load_boards()[name]
        make_bundle(small_int8, small_int8, "word", ("a", "b"), kernel_set("portable"), (board,), board)
    folder = files("tinysieve.quantize.firmware") / "templates"
    assert used == {one.name for one in folder.iterdir() if one.name.endswith(".j2")}


def test_c_differs_in_string_literals_only_and_holds_the_same_bytes(hostile: Bundle, plain: Bundle, tmp_path: Path) -> None:
    without = [re.sub(r'"(?:[^"\\]|\\.)*"', '""', one.files["tflm/src/model_settings.h"]) for one in (hostile, plain)]
    assert without[0] == without[1]
    (tmp_path / "model_settings.h").write_text(hostile.files["tflm/src/model_settings.h"])
    (tmp_path / "main.cc").write_text('#include <cstdio>\n#include "model_settings.h"\n'
                                      "int main() { for (const char* label : kLabels) puts(label); }\n")
    # Compiled as C++, linked as C: a C++ library would be built for it first.
    subprocess.run([sys.executable, "-m", "ziglang", "c++", "-std=c++17", "-Wall", "-Werror", "-trigraphs", "-fno-sanitize=all",
                    "-c", "main.cc", "-o", "main.o"], cwd=tmp_path, check=True, capture_output=True)
    linked = compile_c(["main.o", "-o", "main"], tmp_path)
    assert linked.returncode == 0, linked.stderr
    printed = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout
    assert printed == f"{HOSTILE}\nnot {HOSTILE}\n".encode()


def test_build_files_name_the_project_with_an_identifier(hostile: Bundle) -> None:
    projects = re.findall(r"(?m)^project\((.*)$", hostile.files["c/CMakeLists.txt"])
    assert len(projects) == 1
    assert re.fullmatch(r"\w+ C\)", projects[0], re.ASCII)
    assert len(hostile.files["c/CMakeLists.txt"].splitlines()) < 12


@pytest.mark.parametrize("name", ["README.md", "PREPROCESSING.md"])
def test_pages_have_the_same_parts_as_with_plain_words(name: str, hostile: Bundle, plain: Bundle) -> None:
    from markdown_it import MarkdownIt

    def parts(text: str) -> Iterator[str]:
        for block in MarkdownIt("commonmark").enable("table").parse(text):
            yield block.type
            yield from (token.type for token in block.children or () if token.type not in ("text", "text_special"))

    # The steps of a board may show code between backquotes: the one thing that its words can add.
    expected = [part for part in parts(plain.files[name]) if part != "code_inline"]
    assert [part for part in parts(hostile.files[name]) if part != "code_inline"] == expected
    assert hostile.files[name].isascii() or "\u202e" not in hostile.files[name]
    assert "\x1b" not in hostile.files[name]


def test_labels_are_one_a_line(hostile: Bundle) -> None:
    lines = hostile.files["labels.txt"].split("\n")
    assert len(lines) == 3
    assert lines[2] == ""


def test_text_that_no_language_was_named_for_stops_the_bundle() -> None:
    with pytest.raises(TypeError, match="without an escape"):
        _only_escaped("word")
    assert _only_escaped(c_string("word")) == '"word"'
