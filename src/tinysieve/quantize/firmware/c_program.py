"""A model as plain C: constants for flash, one arena, one call of a kernel per step."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinysieve.quantize.firmware.c_arena import ArenaPlan, plan_arena
from tinysieve.quantize.firmware.kernel_sets import KernelSet
from tinysieve.quantize.firmware.lowering import Lowered, lower
from tinysieve.quantize.firmware.steps import Step

_C_TYPES = {"int8": "int8_t", "int32": "int32_t"}
_STRUCTS = {"conv2d": "ts_window", "depthwise": "ts_window", "average_pool": "ts_window", "max_pool": "ts_window",
            "transpose_conv": "ts_window", "resize_nearest": "ts_resize_parameters", "resize_bilinear": "ts_resize_parameters"}
_WATCHED = ("", "#ifdef TS_WATCH_LAYERS", '#include "ts_layers.h"',
            "#define TS_AFTER(layer, output) ts_layer_done(layer, output)", "#else", "#define TS_AFTER(layer, output)", "#endif")
_PER_LINE = 32


@dataclass(frozen=True)
class CProgram:
    """Files by name; sizes in bytes. The input lies in the arena and is eaten by a run; so do the outputs, in the file's order.

    ``layers`` are the operators that the program reports, by number, where it is compiled with ``TS_WATCH_LAYERS``.
    """

    files: Mapping[str, str]
    kernels: KernelSet
    arena_bytes: int
    input_bytes: int
    output_sizes: tuple[int, ...]
    constant_bytes: int
    steps: int
    macs: int
    plan: ArenaPlan
    layers: tuple[int, ...] = ()


def generate(model: bytes, kernels: KernelSet, watched: Callable[[int], bool] = lambda _: False) -> CProgram:
    """C code of an int8 .tflite; the same file gives the same bytes. ``watched`` operators can be asked for their outputs.

    Raises:
        InputError: operators without a kernel, each named.
        MissingRequirement: bakenn is not installed.
    """
    lowered = lower(model)
    plan = plan_arena(lowered, kernels.scratch_bytes)
    writer = _Writer(lowered, plan, watched)
    for index, step in enumerate(lowered.steps):
        writer.add(index, step)
    source = lowered.source
    files = {"model.h": _header(lowered, plan), "model.c": writer.program(), "model_data.h": writer.data_header(),
             "model_data.c": writer.data(), **kernels.files()}
    return CProgram(files, kernels, plan.bytes, source.size_bytes(source.inputs[0]),
                    tuple(map(source.size_bytes, source.outputs)), writer.constant_bytes, len(lowered.steps),
                    sum(step.macs for step in lowered.steps), plan, writer.layers)


class _Writer:
    """Collects constants (equal ones once) and calls."""

    def __init__(self, lowered: Lowered, plan: ArenaPlan, watched: Callable[[int], bool]) -> None:
        self._lowered, self._plan = lowered, plan
        # A joint is copied piece by piece: it is whole after the last.
        last = {step.output: index for index, step in enumerate(lowered.steps)}
        self._ends = [index for index, step in enumerate(lowered.steps) if watched(step.operator) and last[step.output] == index]
        self._arrays: dict[str, tuple[str, NDArray]] = {}
        self._structs: dict[str, str] = {}
        self._calls: list[str] = []

    @property
    def constant_bytes(self) -> int:
        """Bytes of weights, biases, multipliers and shifts."""
        return sum(values.nbytes for _, values in self._arrays.values())

    @property
    def layers(self) -> tuple[int, ...]:
        """Numbers of the operators that the program reports."""
        return tuple(self._lowered.steps[index].operator for index in self._ends)

    def add(self, index: int, step: Step) -> None:
        """Append the call of one step."""
        fields = dict(step.parameters)
        struct = _STRUCTS.get(step.kernel, f"ts_{step.kernel}_parameters")
        if struct == "ts_window":
            fields["rows"] = 1 if self._eats(step) else fields["out_h"]
        texts = {**fields, **{name: self._array(values) for name, values in step.tables.items()}}
        arguments = [f"&{self._struct(struct, ', '.join(f'.{name} = {text}' for name, text in texts.items()))}"]
        if step.filter is not None:
            filters = step.filter
            parts = [self._array(values) for values in (filters.weights, filters.bias, filters.multipliers, filters.shifts)]
            arguments.append(f"&{self._struct('ts_filter', ', '.join(parts))}")
        arguments.extend(f"arena + {self._offset(tensor)}" for tensor in (*step.inputs, step.output))
        if step.filter is not None:
            arguments.append(f"arena + {self._plan.offsets.get(-1 - index, 0)}")
        self._calls.append(f"    ts_{step.kernel}({', '.join(arguments)}); /* {step.name} {step.operator} */")
        if self._ends:
            layer = self._ends.index(index) if index in self._ends else "TS_NO_LAYER"
            self._calls.append(f"    TS_AFTER({layer}, arena + {self._offset(step.output)});")

    def _eats(self, step: Step) -> bool:
        grown = self._lowered.place(step.output).root
        return any((self._lowered.place(tensor).root, grown) in self._plan.shared for tensor in step.inputs)

    def _offset(self, tensor: int) -> int:
        view = self._lowered.place(tensor)
        return self._plan.offsets[view.root] + view.offset_bytes

    def _array(self, values: NDArray) -> str:
        key = hashlib.sha256(values.dtype.name.encode() + values.tobytes()).hexdigest()
        name, _ = self._arrays.setdefault(key, (f"ts_data_{len(self._arrays)}", values))
        return name

    def _struct(self, kind: str, text: str) -> str:
        key = f"{kind} {{{text}}}"
        return self._structs.setdefault(key, f"{kind.removeprefix('ts_').removesuffix('_parameters')}_{len(self._structs)}")

    def data_header(self) -> str:
        """Declarations of all constants."""
        lines = [f"extern const {_C_TYPES[values.dtype.name]} {name}[{values.size}];"
                 for name, values in self._arrays.values()]
        return _guarded("TS_MODEL_DATA_H", ["#include <stdint.h>", "", *lines])

    def data(self) -> str:
        """Definitions of all constants."""
        parts = ['#include "model_data.h"', ""]
        for name, values in self._arrays.values():
            parts.append(f"const {_C_TYPES[values.dtype.name]} {name}[{values.size}] = {{\n{_numbers(values)}\n}};")
        return "\n".join(parts) + "\n"

    def program(self) -> str:
        """The arena, the parameters of each call and the calls in order."""
        structs = [f"static const {key.split(' ', 1)[0]} {name} = {key.split(' ', 1)[1]};" for key, name in self._structs.items()]
        source = self._lowered.source
        offsets = ", ".join(str(self._offset(tensor)) for tensor in source.outputs)
        watched = _WATCHED if self._ends else ()
        lines = ['#include "model.h"', "", '#include "model_data.h"', '#include "ts_kernels.h"', *watched, "",
                 "static union {", "    int32_t aligned;", "    int8_t bytes[TS_ARENA_BYTES];", "} memory;", "",
                 *structs, "",
                 "void *ts_model_input(void) {", f"    return memory.bytes + {self._offset(source.inputs[0])};", "}", "",
                 "const void *ts_model_output(void) {", "    return ts_model_output_at(0);", "}", "",
                 "const void *ts_model_output_at(uint32_t n) {",
                 f"    static const uint32_t offsets[TS_OUTPUTS] = {{{offsets}}};",
                 "    return memory.bytes + offsets[n];", "}", "",
                 "void ts_model_run(void) {", "    int8_t *const arena = memory.bytes;", *self._calls, "}"]
        return "\n".join(lines) + "\n"


def _header(lowered: Lowered, plan: ArenaPlan) -> str:
    source = lowered.source
    lines = ["#include <stdint.h>", "", f"#define TS_ARENA_BYTES {plan.bytes}", f"#define TS_OUTPUTS {len(source.outputs)}"]
    outputs = [(f"OUTPUT_{n}" if n else "OUTPUT", tensor) for n, tensor in enumerate(source.outputs)]
    for role, tensor in (("INPUT", source.inputs[0]), *outputs):
        shape = ", ".join(map(str, source.shape(tensor)))
        lines += [f"#define TS_{role}_BYTES {source.size_bytes(tensor)}",
                  f"#define TS_{role}_SCALE {source.scale(tensor)!r}f",
                  f"#define TS_{role}_ZERO_POINT ({source.zero_point(tensor)})",
                  f"/* {role.lower().replace('_', ' ')}: {source.dtype(tensor)} [{shape}] */"]
    lines += ["", "#ifdef __cplusplus", 'extern "C" {', "#endif", "",
              "/* Where to write the input, TS_INPUT_BYTES of it. A run overwrites it: write it again before the next. */",
              "void *ts_model_input(void);", "/* One inference. Not reentrant: there is one arena. */",
              "void ts_model_run(void);", "/* Where the first output lies after a run, until the next. */",
              "const void *ts_model_output(void);", "/* Where output n lies, n < TS_OUTPUTS. */",
              "const void *ts_model_output_at(uint32_t n);", "", "#ifdef __cplusplus", "}", "#endif"]
    return _guarded("TS_MODEL_H", lines)


def _guarded(guard: str, lines: Sequence[str]) -> str:
    return "\n".join([f"#ifndef {guard}", f"#define {guard}", "", *lines, "", "#endif"]) + "\n"


def _numbers(values: NDArray) -> str:
    flat = [str(n) for n in np.asarray(values).reshape(-1).tolist()]
    # The most negative int32 has no literal of its own in C.
    flat = ["(-2147483647 - 1)" if n == "-2147483648" else n for n in flat]
    return ",\n".join(",".join(flat[start:start + _PER_LINE]) for start in range(0, len(flat), _PER_LINE))
