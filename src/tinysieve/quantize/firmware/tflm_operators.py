"""The name under which TFLM's op resolver adds each operator."""

from __future__ import annotations

from collections.abc import Iterable

from tinysieve.ground.errors import InputError

# Methods of MicroMutableOpResolver for the schema's own operators (tflite-micro, August 2026), without "Add".
_METHODS = (
    "Abs", "Add", "AddN", "ArgMax", "ArgMin", "AssignVariable", "AveragePool2D", "BatchMatMul", "BatchToSpaceNd",
    "BroadcastArgs", "BroadcastTo", "CallOnce", "Cast", "Ceil", "Concatenation", "Conv2D", "Cos", "CumSum",
    "DepthToSpace", "DepthwiseConv2D", "Dequantize", "Div", "DynamicUpdateSlice", "Elu", "EmbeddingLookup", "Equal",
    "Exp", "ExpandDims", "Fill", "Floor", "FloorDiv", "FloorMod", "FullyConnected", "Gather", "GatherNd", "Greater",
    "GreaterEqual", "HardSwish", "If", "L2Normalization", "L2Pool2D", "LeakyRelu", "Less", "LessEqual", "Log",
    "LogSoftmax", "LogicalAnd", "LogicalNot", "LogicalOr", "Logistic", "MaxPool2D", "Maximum", "Mean", "Minimum",
    "MirrorPad", "Mul", "Neg", "NotEqual", "Pack", "Pad", "PadV2", "Prelu", "Quantize", "ReadVariable", "ReduceAll",
    "ReduceMax", "ReduceMin", "Relu", "Relu6", "Reshape", "ResizeBilinear", "ResizeNearestNeighbor", "ReverseV2", "Round",
    "Rsqrt", "SelectV2", "Shape", "Sin", "Slice", "Softmax", "SpaceToBatchNd", "SpaceToDepth", "Split", "SplitV", "Sqrt",
    "Square", "SquaredDifference", "Squeeze", "StridedSlice", "Sub", "Sum", "Svdf", "Tanh", "Transpose", "TransposeConv",
    "UnidirectionalSequenceLSTM", "Unpack", "VarHandle", "While", "ZerosLike",
)
# BATCH_MATMUL and AddBatchMatMul differ in capitals only: names are compared without capitals and underscores.
_ADDERS = {method.lower(): f"Add{method}" for method in _METHODS}


def resolver_calls(names: Iterable[str]) -> tuple[str, ...]:
    """One method of ``MicroMutableOpResolver`` per operator, each once, sorted.

    Raises:
        InputError: custom operators, or ones that TFLM has no method for.

    >>> resolver_calls(["CONV_2D", "BATCH_MATMUL", "CONV_2D"])
    ('AddBatchMatMul', 'AddConv2D')
    """
    calls = {name: _ADDERS.get(name.replace("_", "").lower(), "") for name in names}
    if missing := sorted(name for name, call in calls.items() if not call):
        raise InputError(f"TFLM's op resolver has no method for {', '.join(missing)}",
                         why="the firmware would not find the kernel", fix="convert the model without these operators")
    return tuple(sorted(set(calls.values())))
