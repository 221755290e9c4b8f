"""Kinds of model that TFLM cannot run whatever the arena, and their names: said before its kernels say it in their words."""

from __future__ import annotations

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.graph import Graph, Operator
from tinysieve.quantize.tflm.memory_plan import tensor_bytes

_ETHOS_U, _EDGE_TPU = "CUSTOM:ethos-u", "CUSTOM:edgetpu-custom-op"
_CUSTOM = "CUSTOM:"
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV", "BATCH_MATMUL", "UNIDIRECTIONAL_SEQUENCE_LSTM")
_HYBRID = [["float32", weights] for weights in ("int8", "uint8", "int4")]
_SIGNED_ONLY = ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV")
_COMPILED_FOR = {_ETHOS_U: "compiled by Vela for an Arm Ethos-U", _EDGE_TPU: "compiled for a Coral Edge TPU"}


def compiled_for(graph: Graph) -> str:
    """The accelerator that a model was compiled for and what it asks for there; empty for a model of plain operators."""
    for operator in graph.operators:
        if operator.name in _COMPILED_FOR:
            memory = scratch_bytes(graph, operator)
            words = ", ".join(f"{size:,} B ({graph.tensors[tensor].name or f'tensor {tensor}'})" for tensor, size in memory)
            return f"{operator.name} #{operator.index}: {_COMPILED_FOR[operator.name]}" + (f", scratch {words}" if words else "")
    return ""


def scratch_bytes(graph: Graph, operator: Operator) -> tuple[tuple[int, int], ...]:
    """Inputs of an operator that hold no values and that nothing writes, with their bytes: memory that it works in."""
    written = {index for other in graph.operators for index in other.outputs} | {tensor.index for tensor in graph.inputs}
    free = (graph.tensors[index] for index in operator.inputs if index >= 0 and index not in written)
    return tuple((tensor.index, tensor_bytes(tensor)) for tensor in free if not tensor.constant_bytes and not tensor.variable)


def why_unsupported(graph: Graph) -> str:
    """Why TFLM cannot run the model, in a sentence; empty where nothing is known against it."""
    if target := compiled_for(graph):
        return f"TFLM cannot run a model for an accelerator: {target}"
    if custom := sorted({operator.name for operator in graph.operators if operator.name.startswith(_CUSTOM)}):
        return f"TFLM cannot run custom operators: {', '.join(custom)}"
    for operator in graph.operators:
        inputs = [graph.tensors[index] for index in operator.inputs if index >= 0]
        if operator.name in _WEIGHTED and [tensor.dtype for tensor in inputs[:2]] in _HYBRID:
            return (f"TFLM cannot run hybrid models: {operator.name} #{operator.index} has {inputs[1].dtype} weights "
                    "and float32 activations")
        if operator.name in _SIGNED_ONLY and inputs and inputs[0].dtype == "uint8":
            return f"TFLM cannot run the older uint8 models: {operator.name} #{operator.index} has uint8 activations"
        if any(tensor.dtype == "float16" for tensor in inputs):
            return f"TFLM cannot run float16 models: {operator.name} #{operator.index} reads float16"
    return ""


def require_supported(graph: Graph) -> None:
    """Raises InputError for a model of a kind that TFLM cannot run."""
    if reason := why_unsupported(graph):
        fix = ("give the model as it was before it was compiled" if _CUSTOM in reason
               else "convert it to full-integer int8: tinysieve quantize, or the converter with a representative data set")
        raise InputError(reason, why="no microcontroller would run it under TFLM", fix=fix)
