"""The name under which TFLM's op resolver adds each operator."""

from __future__ import annotations

from collections.abc import Iterable

from tinysieve.ground.errors import InputError

# Names that are not the operator's own in capitals-to-camel form.
_ADDERS = {
    "AVERAGE_POOL_2D": "AddAveragePool2D", "CONV_2D": "AddConv2D", "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "L2_POOL_2D": "AddL2Pool2D", "MAX_POOL_2D": "AddMaxPool2D", "PADV2": "AddPadV2",
    "RELU_N1_TO_1": "", "CUMSUM": "AddCumSum",
}


def resolver_calls(names: Iterable[str]) -> tuple[str, ...]:
    """One method of ``MicroMutableOpResolver`` per operator, each once, sorted.

    Raises:
        InputError: custom operators, or ones that TFLM has no method for.

    >>> resolver_calls(["CONV_2D", "STRIDED_SLICE", "CONV_2D"])
    ('AddConv2D', 'AddStridedSlice')
    """
    calls = {name: _ADDERS.get(name, _camel(name)) for name in names}
    if missing := sorted(name for name, call in calls.items() if not call or ":" in name):
        raise InputError(f"TFLM's op resolver has no method for {', '.join(missing)}",
                         why="the firmware would not find the kernel", fix="convert the model without these operators")
    return tuple(sorted(set(calls.values())))


def _camel(name: str) -> str:
    return "Add" + "".join(word.capitalize() for word in name.split("_"))
