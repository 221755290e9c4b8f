"""EfficientNet-Lite0 written straight into a TFLite flatbuffer, from the checkpoint's tensors.

Lite0 is EfficientNet-B0 (Tan & Le 2019, table 1) without squeeze-and-excitation, with ReLU6 for swish, and with stem and
head of fixed width. Writing the graph ourselves takes a quarter of a second and no TensorFlow, where building and
converting a Keras model takes half a minute on each start; LiteRT then runs it at the speed of its float kernels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIZE = 224
FEATURES = 1280
BN_EPSILON = 1e-3
# kernel, stride of the first, expansion, channels out, repeats: table 1 of the paper.
STAGES = ((3, 1, 1, 16, 1), (3, 2, 6, 24, 2), (5, 2, 6, 40, 2), (3, 2, 6, 80, 3), (5, 1, 6, 112, 3), (5, 2, 6, 192, 4),
          (3, 1, 6, 320, 1))  # fmt: skip


@dataclass(frozen=True)
class Lite0Block:
    """One inverted residual block: expand 1x1 (unless 1), depthwise, project 1x1, and a shortcut where shapes agree."""

    name: str
    stride: int
    expands: bool
    shortcut: bool


def blocks() -> list[Lite0Block]:
    """The sixteen blocks in order, named as the checkpoint names them."""
    plan: list[Lite0Block] = []
    channels = 32
    for _kernel, first_stride, expansion, out, repeats in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            plan.append(Lite0Block(f"_blocks.{len(plan)}", stride, expansion > 1, stride == 1 and channels == out))
            channels = out
    return plan


def folded(tensors: dict[str, Any], convolution: str, norm: str) -> tuple[FloatArray, FloatArray]:
    """One convolution with its batch normalisation folded in.

    With s = gamma / sqrt(var + epsilon): weight' = weight * s and bias' = beta - mean * s.

    Returns:
        weight float32 [out, in or 1, kernel, kernel] and bias float32 [out].
    """
    gamma, beta, mean, var = (
        tensors[f"{norm}.{part}"].astype(np.float64) for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gamma / np.sqrt(var + BN_EPSILON)
    weight = tensors[f"{convolution}.weight"] * scale[:, None, None, None]
    return weight.astype(np.float32), (beta - mean * scale).astype(np.float32)


def lite0_flatbuffer(tensors: dict[str, Any], batch: int) -> bytes:
    """The whole network as a TFLite file.

    Args:
        tensors: the checkpoint, by its own names.
        batch: images a call.

    Returns:
        the file: input float32 [batch, 224, 224, 3]; outputs the map float32 [batch, 7, 7, 1280] and its mean
        float32 [batch, 1280].
    """
    graph = _Graph()
    x = graph.activation((batch, SIZE, SIZE, 3))
    graph.inputs.append(x)
    x = graph.convolve(x, *folded(tensors, "_conv_stem", "_bn0"), stride=2, relu6=True)
    for block in blocks():
        x = _block(graph, tensors, block, x)
    x = graph.convolve(x, *folded(tensors, "_conv_head", "_bn1"), stride=1, relu6=True)
    graph.outputs += [x, graph.mean(x)]
    return graph.to_bytes()


def _block(graph: _Graph, tensors: dict[str, Any], block: Lite0Block, entered: int) -> int:
    x = entered
    if block.expands:
        weights = folded(tensors, f"{block.name}._expand_conv", f"{block.name}._bn0")
        x = graph.convolve(x, *weights, stride=1, relu6=True)
    weights = folded(tensors, f"{block.name}._depthwise_conv", f"{block.name}._bn1")
    x = graph.convolve_depthwise(x, *weights, stride=block.stride)
    weights = folded(tensors, f"{block.name}._project_conv", f"{block.name}._bn2")
    x = graph.convolve(x, *weights, stride=1, relu6=False)
    return graph.add(x, entered) if block.shortcut else x


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@dataclass
class _Graph:
    """Collects tensors and operators in the order of execution; all padding is SAME."""

    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [_schema().BufferT()])
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Of a tensor, by its number."""
        return tuple(int(size) for size in self.tensors[tensor].shape)

    def activation(self, shape: tuple[int, ...]) -> int:
        """The number of a new float tensor that an operator fills."""
        return self._tensor(shape, _schema().TensorType.FLOAT32, 0)

    def constant(self, values: NDArray[Any]) -> int:
        """The number of a new tensor that holds `values`."""
        kind = _schema().TensorType.FLOAT32 if values.dtype == np.float32 else _schema().TensorType.INT32
        self.buffers.append(_schema().BufferT(data=np.frombuffer(values.tobytes(), np.uint8)))
        return self._tensor(values.shape, kind, len(self.buffers) - 1)

    def convolve(self, x: int, weight: FloatArray, bias: FloatArray, *, stride: int, relu6: bool) -> int:
        """Full convolution with weight [out, in, k, k]."""
        activation = self._activation_name(relu6)
        options = _schema().Conv2DOptionsT(strideW=stride, strideH=stride, fusedActivationFunction=activation)
        operands = [x, self.constant(np.ascontiguousarray(weight.transpose(0, 2, 3, 1))), self.constant(bias)]
        return self._emit("CONV_2D", "Conv2DOptions", options, operands, self._strided(x, stride, len(bias)))

    def convolve_depthwise(self, x: int, weight: FloatArray, bias: FloatArray, *, stride: int) -> int:
        """Depthwise convolution with weight [channels, 1, k, k], then ReLU6."""
        options = _schema().DepthwiseConv2DOptionsT(
            strideW=stride, strideH=stride, depthMultiplier=1, fusedActivationFunction=self._activation_name(True)
        )
        operands = [x, self.constant(np.ascontiguousarray(weight.transpose(1, 2, 3, 0))), self.constant(bias)]
        shape = self._strided(x, stride, len(bias))
        return self._emit("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions", options, operands, shape)

    def add(self, x: int, y: int) -> int:
        """Sum of two tensors of one shape."""
        return self._emit("ADD", "AddOptions", _schema().AddOptionsT(), [x, y], self.shape(x))

    def mean(self, x: int) -> int:
        """Mean over height and width."""
        batch, _, _, channels = self.shape(x)
        operands = [x, self.constant(np.array([1, 2], np.int32))]
        return self._emit("MEAN", "ReducerOptions", _schema().ReducerOptionsT(keepDims=False), operands, (batch, channels))

    def _activation_name(self, relu6: bool) -> int:
        kinds = _schema().ActivationFunctionType
        return int(kinds.RELU6 if relu6 else kinds.NONE)

    def _strided(self, x: int, stride: int, channels: int) -> tuple[int, ...]:
        batch, height, width, _ = self.shape(x)
        return batch, -(-height // stride), -(-width // stride), channels

    def _tensor(self, shape: tuple[int, ...], kind: int, buffer: int) -> int:
        self.tensors.append(_schema().TensorT(shape=np.array(shape, np.int32), type=kind, buffer=buffer))
        return len(self.tensors) - 1

    def _emit(self, code: str, options_type: str, options: Any, operands: list[int], shape: tuple[int, ...]) -> int:
        builtin = int(getattr(_schema().BuiltinOperator, code))
        if builtin not in self.codes:
            self.codes.append(builtin)
        out = self.activation(shape)
        operator = _schema().OperatorT(
            opcodeIndex=self.codes.index(builtin), inputs=np.array(operands, np.int32), outputs=np.array([out], np.int32),
            builtinOptionsType=int(getattr(_schema().BuiltinOptions, options_type)), builtinOptions=options,
        )  # fmt: skip
        self.operators.append(operator)
        return out

    def to_bytes(self) -> bytes:
        """The TFLite file."""
        import flatbuffers

        schema = _schema()
        codes = [schema.OperatorCodeT(builtinCode=code, deprecatedBuiltinCode=min(code, 127), version=1) for code in self.codes]
        subgraph = schema.SubGraphT(
            tensors=self.tensors, inputs=np.array(self.inputs, np.int32), outputs=np.array(self.outputs, np.int32),
            operators=self.operators,
        )  # fmt: skip
        model = schema.ModelT(version=3, operatorCodes=codes, subgraphs=[subgraph], buffers=self.buffers)
        builder = flatbuffers.Builder(1 << 24)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
