"""Multiply-accumulates of one operator, from its shapes alone."""

from __future__ import annotations

import math

from tinysieve.ground.errors import InputError

Shape = tuple[int, ...]
FILTER_AXES = {"CONV_2D": 4, "DEPTHWISE_CONV_2D": 4, "FULLY_CONNECTED": 2}
_LSTMS = ("LSTM", "UNIDIRECTIONAL_SEQUENCE_LSTM")
# Of an LSTM's inputs: weights from the input, weights from the last output, the peepholes, the projection.
_LSTM_WEIGHTS = (*range(1, 12), 16)


def operator_macs(name: str, inputs: tuple[int, ...], outputs: tuple[int, ...], shapes: tuple[Shape, ...]) -> int:
    """Multiplications of one inference; 0 for operators other than convolutions, dense layers, LSTMs and matrix products.

    Outputs times the multiplications behind each; filters are [out, kh, kw, in], depthwise [1, kh, kw, channels].

    Args:
        name: the operator's builtin name.
        inputs: tensor indices, -1 for one left out.
        outputs: tensor indices.
        shapes: of all tensors.

    Raises:
        InputError: a convolution or dense layer has no filters.
    """
    if name == "TRANSPOSE_CONV":
        return _transposed(_shape(inputs, 1, shapes), _shape(inputs, 2, shapes))
    if name in _LSTMS:
        return math.prod(_shape(inputs, 0, shapes)[:-1]) * sum(
            math.prod(shapes[inputs[at]]) for at in _LSTM_WEIGHTS if at < len(inputs) and inputs[at] >= 0)
    if name == "BATCH_MATMUL":
        return _product(_shape(inputs, 0, shapes), _shape(outputs, 0, shapes))
    return _filtered(name, _shape(inputs, 1, shapes), outputs, shapes) if name in FILTER_AXES else 0


def _shape(tensors: tuple[int, ...], at: int, shapes: tuple[Shape, ...]) -> Shape:
    return shapes[tensors[at]] if at < len(tensors) and tensors[at] >= 0 else ()


def _filtered(name: str, filters: Shape, outputs: tuple[int, ...], shapes: tuple[Shape, ...]) -> int:
    if len(filters) != FILTER_AXES[name] or not outputs:
        raise _damaged(f"a {name} has filters of shape {list(filters)} and {len(outputs)} outputs")
    produced = math.prod(shapes[outputs[0]])
    if name == "CONV_2D":
        return produced * math.prod(filters[1:])
    return produced * (math.prod(filters[1:3]) if name == "DEPTHWISE_CONV_2D" else filters[-1])


def _transposed(filters: Shape, image: Shape) -> int:
    """Every input value meets every weight of its channel: input pixels * out * kh * kw * in."""
    if len(filters) != 4 or len(image) != 4:
        raise _damaged(f"a TRANSPOSE_CONV has filters of shape {list(filters)} and an image of shape {list(image)}")
    return math.prod(image[:3]) * math.prod(filters)


def _product(left: Shape, produced: Shape) -> int:
    """Outputs times the axis that is summed over, whichever of the left matrix's two that is."""
    if len(left) < 2 or len(produced) < 2 or not produced[-2]:
        return 0
    return math.prod(produced) * (left[-1] * left[-2] // produced[-2])


def _damaged(what: str) -> InputError:
    return InputError(f"damaged .tflite file: {what}", why="what it computes is undefined", fix="convert the model again")
