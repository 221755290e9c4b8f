"""The kernels for DSP instructions against the portable ones, window by window, in plain C on this machine."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
import pytest

from tinysieve.quantize.firmware.kernel_sets import KERNEL_SETS
from tinysieve.quantize.firmware.lowering_convolutions import EXTENTS, same
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.toolchain import compile_c, write_files

pytest.importorskip("bakenn")
pytest.importorskip("ziglang")

_GUARD = 0x5A
_SHAPES = 250


class Window(ctypes.Structure):
    """ts_window."""

    _fields_ = [*((name, ctypes.c_uint16) for name in (*EXTENTS, "groups", "rows")),
                *((name, ctypes.c_int16) for name in ("in_zero", "out_zero", "low", "high"))]


class Filter(ctypes.Structure):
    """ts_filter."""

    _fields_ = [(name, ctypes.c_void_p) for name in ("weights", "bias", "multiplier", "shift")]


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ctypes.CDLL]:
    found = {}
    for name in ("portable", "dsp"):
        folder: Path = tmp_path_factory.mktemp(name)
        files = KERNEL_SETS[name].files()
        write_files(folder, files)
        sources = sorted(file for file in files if file.endswith(".c"))
        finished = compile_c(["-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *sources, "-o", "kernels.so"], folder)
        assert not finished.returncode, finished.stderr
        found[name] = ctypes.CDLL(str(folder / "kernels.so"))
    return found


def window(rng: np.random.Generator, depthwise: bool) -> dict[str, int]:
    """A layer of any shape: even and odd filters, strides, borders, holes, channels that are no multiple of four."""
    def one(*values: int) -> int:
        return int(rng.choice(values))

    w = {"in_h": one(1, 4, 7, 9), "in_w": one(1, 5, 6, 9, 12), "in_c": one(1, 3, 4, 8, 10), "k_h": one(1, 2, 3, 5, 7),
         "k_w": one(1, 2, 3, 5, 7), "stride_h": one(1, 1, 2, 3), "stride_w": one(1, 1, 2, 3),
         "dilation_h": one(1, 1, 1, 2), "dilation_w": one(1, 1, 1, 2)}
    if rng.random() < 0.4:
        w |= dict.fromkeys(("k_h", "k_w"), one(3, 5, 7)) | dict.fromkeys(("dilation_h", "dilation_w"), 1)
    for side, extent in (("h", "top"), ("w", "left")):
        out = -(-w[f"in_{side}"] // w[f"stride_{side}"])
        w[f"out_{side}"] = out
        w[f"pad_{extent}"] = same(w[f"in_{side}"], out, w[f"k_{side}"], w[f"stride_{side}"], w[f"dilation_{side}"])
    w["out_c"] = w["in_c"] * one(1, 1, 1, 2) if depthwise else one(1, 2, 5, 8)
    w["groups"] = w["in_c"] if depthwise else 1
    w |= {"in_zero": one(-128, -5, 0, 127), "out_zero": one(-128, 3, 127), "rows": one(1, w["out_h"])}
    return w | {"low": max(-128, w["out_zero"]) if rng.random() < 0.5 else -128, "high": one(127, 127, w["out_zero"] + 40)}


def filters(rng: np.random.Generator, w: dict[str, int], depthwise: bool) -> tuple[np.ndarray, ...]:
    """Weights, and channels of every kind: factors of 1/2 and more, saturated biases, shifts that leave nothing."""
    count = w["k_h"] * w["k_w"] * w["out_c"] * (1 if depthwise else w["in_c"])
    shifts = rng.choice([-14, -9, -8, -7, -6, -1, 0, 1, -31], w["out_c"])
    bias = np.where(shifts >= -1, rng.integers(-300, 300, w["out_c"]), rng.integers(-40_000, 40_000, w["out_c"]))
    bias = np.where((rng.random(w["out_c"]) < 0.1) & (shifts < 0), 2**30 + 128, bias)
    return (rng.integers(-127, 128, count).astype(np.int8), bias.astype(np.int32),
            rng.integers(2**30, 2**31, w["out_c"]).astype(np.int32), shifts.astype(np.int8))


def answer(library: ctypes.CDLL, kernel: str, w: dict[str, int], parts: tuple[np.ndarray, ...], image: np.ndarray,
           scratch_bytes: int) -> np.ndarray:
    """The output; what lies behind it and behind the scratch memory must stay untouched."""
    output = np.full(w["out_h"] * w["out_w"] * w["out_c"] + 64, _GUARD, np.int8)
    scratch = np.full(scratch_bytes // 4 + 16, 0x5A5A5A5A, np.uint32)
    getattr(library, f"ts_{kernel}")(ctypes.byref(Window(**w)), ctypes.byref(Filter(*(part.ctypes.data for part in parts))),
                                     *(ctypes.c_void_p(array.ctypes.data) for array in (image, output, scratch)))
    assert (output[-64:] == _GUARD).all()
    assert (scratch[scratch_bytes // 4:] == 0x5A5A5A5A).all()
    return output[:-64]


def both(libraries: dict[str, ctypes.CDLL], kernel: str, w: dict[str, int], parts: tuple[np.ndarray, ...],
         image: np.ndarray) -> list[np.ndarray]:
    """The outputs of both kernel sets, each with the scratch memory that it asks for."""
    step = Step(0, kernel.upper(), kernel, (0,), 1, w)
    return [answer(libraries[name], kernel, w, parts, image, KERNEL_SETS[name].scratch_bytes(step))
            for name in ("portable", "dsp")]


@pytest.mark.parametrize("kernel", ["conv2d", "depthwise"])
def test_equal_to_the_portable_kernels_within_the_scratch_memory(kernel: str, libraries: dict[str, ctypes.CDLL]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(_SHAPES):
        w = window(rng, kernel == "depthwise")
        parts = filters(rng, w, kernel == "depthwise")
        image = rng.integers(-128, 128, w["in_h"] * w["in_w"] * w["in_c"]).astype(np.int8)
        answers = both(libraries, kernel, w, parts, image)
        assert (answers[0] == answers[1]).all(), w


def single(in_c: int, **more: int) -> dict[str, int]:
    """A layer of one pixel."""
    ones = dict.fromkeys(("in_h", "in_w", "out_h", "out_w", "k_h", "k_w", "stride_h", "stride_w", "dilation_h", "dilation_w",
                          "groups", "rows", "out_c"), 1)
    return ones | {"in_c": in_c, "pad_top": 0, "pad_left": 0, "in_zero": -128, "out_zero": 0, "low": -128, "high": 127} | more


@pytest.mark.parametrize("in_c", [2**14 - 1, 2**14, 2**14 + 1, 40_000])
@pytest.mark.parametrize("weight", [-127, 127])
def test_the_largest_sums_do_not_overflow(in_c: int, weight: int, libraries: dict[str, ctypes.CDLL]) -> None:
    w = single(in_c)
    parts = (np.full(in_c, weight, np.int8), np.array([0], np.int32), np.array([2**31 - 1], np.int32), np.array([-24], np.int8))
    portable, dsp = both(libraries, "conv2d", w, parts, np.full(in_c, 127, np.int8))
    assert portable.tolist() == dsp.tolist() == [round(in_c * 255 * weight / 2**24)]


@pytest.mark.parametrize("sides", [(1, 17), (17, 1), (16, 16), (1, 40)])
def test_depthwise_filters_of_any_extent_keep_to_their_scratch_memory(sides: tuple[int, int],
                                                                      libraries: dict[str, ctypes.CDLL]) -> None:
    rng, (k_h, k_w) = np.random.default_rng(1), sides
    w = single(1000, in_h=k_h, in_w=k_w, k_h=k_h, k_w=k_w, out_c=1000, groups=1000)
    image = rng.integers(-128, 128, k_h * k_w * 1000).astype(np.int8)
    portable, dsp = both(libraries, "depthwise", w, filters(rng, w, True), image)
    assert (portable == dsp).all()
