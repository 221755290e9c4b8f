"""A .tflite file as a list of kernel calls, or the name of every operator that has no kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tinysieve.ground.errors import InputError
from tinysieve.quantize.firmware import lowering_convolutions as windows
from tinysieve.quantize.firmware import lowering_pictures as pictures
from tinysieve.quantize.firmware import lowering_products as products
from tinysieve.quantize.firmware import lowering_simple as simple
from tinysieve.quantize.firmware import tensor_views as pieces
from tinysieve.quantize.firmware.lowering_lookup import has_scalar_operand, lookup
from tinysieve.quantize.firmware.steps import Step
from tinysieve.quantize.firmware.tensor_views import View, Views
from tinysieve.quantize.firmware.unsupported import Unsupported
from tinysieve.quantize.tflite.source_model import SourceModel, SourceOperator

_KERNELS: dict[str, Callable[[SourceModel, SourceOperator], Step]] = {
    "CONV_2D": windows.convolution, "DEPTHWISE_CONV_2D": windows.depthwise, "FULLY_CONNECTED": windows.dense,
    "AVERAGE_POOL_2D": windows.pool, "MAX_POOL_2D": windows.pool, "ADD": simple.add, "QUANTIZE": simple.requantize,
    "MEAN": simple.mean, "SOFTMAX": simple.softmax, "MUL": simple.multiply, "TRANSPOSE": simple.transpose,
    "TRANSPOSE_CONV": products.transpose_conv, "BATCH_MATMUL": products.batch_matmul, "TILE": pictures.tile,
    "BROADCAST_TO": pictures.tile, "RESIZE_NEAREST_NEIGHBOR": pictures.resize_nearest,
    "RESIZE_BILINEAR": pictures.resize_bilinear,
    **dict.fromkeys(("LOGISTIC", "HARD_SWISH", "LEAKY_RELU", "TANH", "RELU", "RELU6", "RELU_N1_TO_1", "ELU"), lookup),
}
# With one scalar for a second operand these too turn code for code.
_SCALAR = ("ADD", "SUB", "MUL")
_POINTERS: dict[str, Callable[[SourceModel, SourceOperator, Views], list[Step]]] = {
    "SLICE": pieces.slice_rows, "CONCATENATION": pieces.concatenate, **dict.fromkeys(pieces.RESHAPES, pieces.reshape),
}


@dataclass(frozen=True)
class Lowered:
    """The steps in order, and where each tensor that they name lies."""

    source: SourceModel
    steps: tuple[Step, ...]
    views: Views

    def place(self, tensor: int) -> View:
        """The tensor with memory of its own that holds ``tensor``, and where in it."""
        return self.views.resolve(tensor)


def lower(model: bytes) -> Lowered:
    """Every operator of an int8 model as a kernel call, a pointer, or nothing where its result is not used.

    Raises:
        InputError: not a .tflite file, not one input, no output, or operators without a kernel, each named.
    """
    source = SourceModel(model)
    if len(source.inputs) != 1 or not source.outputs:
        raise InputError(f"the model has {len(source.inputs)} inputs and {len(source.outputs)} outputs",
                         why="the generated program takes one input and gives at least one output",
                         fix="merge the inputs in the model")
    views, steps, refused = Views(), list[Step](), list[str]()
    for operator in source.operators:
        try:
            steps.extend(_steps(source, operator, views))
        except Unsupported as reason:
            refused.append(f"{operator.name} #{operator.index} ({reason})")
        except (AttributeError, LookupError, ValueError, TypeError, ArithmeticError) as reason:
            refused.append(f"{operator.name} #{operator.index} (unreadable: {reason})")
    used, answered = _used(source, steps, views)
    refused = [text for text in refused if int(text.split("#")[1].split()[0]) in answered]
    if refused:
        raise InputError("no kernel for " + "; ".join(refused), why="the C route cannot run this model",
                         fix="run it under TFLM, or convert it with operators of this list: "
                         + ", ".join(sorted((*_KERNELS, *_POINTERS, "PAD"))))
    lowered = Lowered(source, tuple(used), views)
    _require_made(lowered)
    return lowered


def _require_made(lowered: Lowered) -> None:
    """Refuse a file in which an operator, or an output of the model, takes what no operator before it has made."""
    source = lowered.source
    made = {lowered.place(source.inputs[0]).root}
    for step in lowered.steps:
        if not {lowered.place(tensor).root for tensor in step.inputs} <= made:
            raise _unmade("an operator takes a tensor")
        made.add(lowered.place(step.output).root)
    if not {lowered.place(tensor).root for tensor in source.outputs} <= made:
        raise _unmade("the output is a tensor")


def _unmade(what: str) -> InputError:
    return InputError(f"{what} that no operator before has made", why="the generated program would read memory that nobody wrote",
                      fix="convert the model again")


def _steps(source: SourceModel, operator: SourceOperator, views: Views) -> list[Step]:
    if operator.name in _POINTERS:
        return _POINTERS[operator.name](source, operator, views)
    if operator.name == "PAD":
        pads = source.constant(operator.inputs[1])
        if pads is not None and not pads.any() and source.constant(operator.inputs[0]) is None:
            return pieces.reshape(source, operator, views)
        return [simple.pad(source, operator)]
    if operator.name in _SCALAR and has_scalar_operand(source, operator):
        return [lookup(source, operator)]
    if operator.name not in _KERNELS:
        raise Unsupported("unknown to the generator")
    return [_KERNELS[operator.name](source, operator)]


def _used(source: SourceModel, steps: list[Step], views: Views) -> tuple[list[Step], set[int]]:
    """Steps that the outputs depend on, and the operators behind them; a fixed reshape needs no computed shape."""
    wanted, kept, reached = set(source.outputs), list[Step](), set[int]()
    by_output = {step.output: step for step in steps}
    for operator in reversed(source.operators):
        if not wanted.intersection(operator.outputs):
            continue
        reached.add(operator.index)
        step = by_output.get(operator.outputs[0])
        if operator.name in _POINTERS:
            wanted.update(n for n in operator.inputs if operator.name == "CONCATENATION" or n == operator.inputs[0])
        else:
            wanted.update(step.inputs if step is not None else operator.inputs)
    for step in steps:
        if step.operator in reached:
            kept.append(step)
    return kept, reached
