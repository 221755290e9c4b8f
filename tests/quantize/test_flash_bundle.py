"""What a person flashes: whole, checked, and its golden vectors pass on this machine and on an emulated Cortex-M4."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.firmware.emulate import FLAGS, STACK_RESERVE_BYTES, emulator_files, emulator_kernels
from tinysieve.quantize.firmware.emulator import Emulator
from tinysieve.quantize.firmware.flash_bundle import Bundle, make_bundle
from tinysieve.quantize.firmware.golden import golden_inputs
from tinysieve.quantize.firmware.kernel_sets import kernel_set
from tinysieve.quantize.firmware.placement import ARENA_MARGIN_BYTES
from tinysieve.quantize.firmware.tflm_operators import resolver_calls
from tinysieve.quantize.firmware.toolchain import Memory, compile_c, link_image

for needed in ("bakenn", "ziglang", "unicorn", "tflite_micro"):
    pytest.importorskip(needed, reason="needs the extra mcu")

BOARDS = tuple(load_boards().values())
LABELS = ("background", "person")
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
# The least of TFLM's interface that the project's own code names: enough to compile it, nothing of TFLM.
TFLM_STUB = """\
#pragma once
#include <cstddef>
#include <cstdint>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
struct TfLiteTensor { union { uint8_t* uint8; } data; };
struct TfLiteEvalTensor { union { void* raw; } data; };
struct TfLiteContext { TfLiteEvalTensor* (*GetEvalTensor)(const TfLiteContext*, int); };
namespace tflite {
struct MicroProfilerInterface {
  virtual ~MicroProfilerInterface() {}
  virtual uint32_t BeginEvent(const char*) = 0;
  virtual void EndEvent(uint32_t) = 0;
};
struct MicroResourceVariables {};
struct Model {};
inline const Model* GetModel(const void*) { return nullptr; }
struct MicroOpResolver {};
template <unsigned n> struct MicroMutableOpResolver : MicroOpResolver {
%s
};
class MicroInterpreter {
 public:
  MicroInterpreter(const Model*, const MicroOpResolver&, uint8_t*, size_t, MicroResourceVariables* = nullptr,
                   MicroProfilerInterface* = nullptr) {}
  TfLiteStatus AllocateTensors() { return kTfLiteOk; }
  TfLiteStatus Invoke() { return kTfLiteOk; }
  TfLiteTensor* input(size_t) { return nullptr; }
  TfLiteTensor* output(size_t) { return nullptr; }
 protected:
  const TfLiteContext& context() const { return context_; }
 private:
  TfLiteContext context_ = {};
};
}
"""


@pytest.fixture(scope="module")
def bundle(small_int8: bytes) -> Bundle:
    return make_bundle(small_int8, small_int8, "small", LABELS, kernel_set("portable"), BOARDS)


@pytest.fixture
def saved(bundle: Bundle, tmp_path: Path) -> Path:
    bundle.save(tmp_path / "out")
    return tmp_path / "out"


def run_golden(folder: Path) -> subprocess.CompletedProcess[str]:
    built = compile_c([*STRICT, *sorted(one.name for one in folder.glob("*.c")), "-o", "golden"], folder)
    assert built.returncode == 0, built.stderr
    return subprocess.run([folder / "golden"], capture_output=True, text=True, check=False)


def test_golden_vectors_pass_here_with_warnings_as_errors(saved: Path) -> None:
    ran = run_golden(saved / "c")
    assert ran.returncode == 0
    assert ran.stdout.splitlines()[-1] == "PASS: 8 of 8 golden vectors equal"


def test_a_wrong_weight_is_noticed(saved: Path) -> None:
    """Every bias of the first convolution changed: the golden vectors must say FAIL."""
    data = saved / "c" / "model_data.c"
    text = data.read_text()
    start = text.index("const int32_t")
    opening = text.index("{\n", start) + 2
    end = text.index("\n}", opening)
    data.write_text(text[:opening] + ",".join("999999" for _ in text[opening:end].split(",")) + text[end:])
    ran = run_golden(saved / "c")
    assert ran.returncode > 0
    assert ran.stdout.splitlines()[-1].startswith("FAIL")


@pytest.mark.parametrize("kernels", ["portable", "cmsis-nn", "dsp"])
def test_golden_vectors_pass_on_a_cortex_m4(kernels: str, small_int8: bytes) -> None:
    made = make_bundle(small_int8, small_int8, "small", LABELS, kernel_set(kernels), BOARDS)
    assert made.program is not None
    project = {name.removeprefix("c/"): text for name, text in made.files.items()
               if name.startswith("c/") and name.endswith((".c", ".h")) and not name.endswith("main.c")}
    memory = Memory(2**20, 0, 256 * 1024, 0x20000000, STACK_RESERVE_BYTES)
    image = link_image({**emulator_files(made.program), **project}, emulator_kernels(made.program), memory,
                       (*FLAGS, "-DTS_BOOT_RUN=ts_model_check"))
    assert Emulator(image, memory).returned() == 0


def test_tflm_project_compiles_against_its_interface(saved: Path, tmp_path: Path) -> None:
    """TFLM's sources come with the user's toolchain; here its interface is stubbed, so this checks our code only."""
    headers = tmp_path / "include" / "tensorflow" / "lite"
    calls = resolver_calls(["CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "PAD", "RESHAPE", "AVERAGE_POOL_2D"])
    stub = TFLM_STUB % "\n".join(f"  TfLiteStatus {call}() {{ return kTfLiteOk; }}" for call in calls)
    for name in ("micro/micro_interpreter.h", "micro/micro_mutable_op_resolver.h", "micro/micro_profiler_interface.h",
                 "schema/schema_generated.h"):
        path = headers / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#include "{headers / "stub.h"}"\n')
    (headers / "stub.h").write_text(stub)
    sources = saved / "tflm" / "src"
    for name in ("model_check.cc", "layer_watch.cc", "model_data.cc", "../esp-idf/main/main.cc", "../zephyr/src/main.cc"):
        # "c++" and not "cc", which has no C++ headers on its path.
        command = [sys.executable, "-m", "ziglang", "c++", "-std=c++17", *STRICT[:2], "-Werror", f"-I{tmp_path / 'include'}",
                       "-I.", "-c", name, "-o", str(tmp_path / "out.o")]
        built = subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr


def test_checksums_name_every_file(saved: Path) -> None:
    lines = dict(line.split("  ")[::-1] for line in (saved / "SHA256SUMS").read_text().splitlines())
    found = {str(path.relative_to(saved)) for path in saved.rglob("*") if path.is_file()} - {"SHA256SUMS"}
    assert lines.keys() == found
    for name, checksum in lines.items():
        assert hashlib.sha256((saved / name).read_bytes()).hexdigest() == checksum


def test_the_model_array_is_the_model(saved: Path, small_int8: bytes) -> None:
    text = (saved / "tflm" / "src" / "model_data.cc").read_text()
    numbers = text[text.index("{") + 1:text.index("}")].replace("\n", "")
    assert bytes(int(n) for n in numbers.split(",") if n.strip()) == small_int8
    assert "alignas(16)" in text


def test_settings_say_arena_scale_and_labels(saved: Path, bundle: Bundle) -> None:
    text = (saved / "tflm" / "src" / "model_settings.h").read_text()
    assert f"kArenaBytes = {bundle.arena_bytes};" in text
    assert bundle.arena_bytes >= ARENA_MARGIN_BYTES
    assert '{"background", "person"}' in text
    assert "kInputShape[] = {1, 32, 32, 3}" in text


def test_resolver_holds_just_the_operators_used(saved: Path) -> None:
    text = (saved / "tflm" / "src" / "op_resolver.h").read_text()
    assert "AddConv2D()" in text
    assert "AddSoftmax" not in text
    with pytest.raises(InputError, match="CUSTOM:mine"):
        resolver_calls(["CUSTOM:mine"])


def test_licences_of_the_kernels_travel_along(saved: Path, small_int8: bytes) -> None:
    assert "Apache License" in (saved / "LICENSES" / "LICENSE.bakenn.txt").read_text()
    cmsis = make_bundle(small_int8, small_int8, "small", LABELS, kernel_set("cmsis-nn"), BOARDS).files
    assert {"LICENSES/LICENSE.CMSIS-NN.txt", "LICENSES/LICENSE.CMSIS-Core.txt"} <= cmsis.keys()


def test_a_folder_with_something_in_it_is_left_alone(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="not an empty folder"):
        bundle.save(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["mine.txt"]


def test_labels_must_match_the_scores(small_int8: bytes) -> None:
    with pytest.raises(InputError, match="3 labels for 2 scores"):
        make_bundle(small_int8, small_int8, "small", ("a", "b", "c"), kernel_set("portable"), BOARDS)


def test_the_same_model_gives_the_same_bundle(small_int8: bytes, bundle: Bundle) -> None:
    assert make_bundle(small_int8, small_int8, "small", LABELS, kernel_set("portable"), BOARDS).files == bundle.files


def test_preprocessing_says_what_pixels_become(saved: Path) -> None:
    text = (saved / "PREPROCESSING.md").read_text()
    assert "32 x 32 pixels" in text
    assert "no division by 255" in text
    assert "NHWC" in text


def test_golden_inputs_differ_from_each_other_and_reach_both_ends() -> None:
    vectors = golden_inputs((1, 32, 32, 3), "int8", 8)
    assert len({one.tobytes() for one in vectors}) == 8
    assert (vectors[6] == -128).all()
    assert (vectors[7] == 127).all()
    assert np.unique(vectors[0]).size == 256
