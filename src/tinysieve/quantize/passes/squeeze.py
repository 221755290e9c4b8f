"""Bytes of a .tflite that no interpreter reads while it runs: names, metadata, signatures, quantization of biases."""

from __future__ import annotations

import copy

from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult

BIASED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
BIAS = 2  # position among a convolution's inputs; a TRANSPOSE_CONV has it one later


def squeeze(model: bytes, keep_signatures: bool = False) -> PassResult:
    """Drop tensor names, metadata, recorded ranges, and scales of int32 biases; equal vectors are written once.

    A bias's scale is the input's times the filter's, and kernels compute it so. Where they compare it with the one in the
    file (dense layers with one scale for all filters, and all layers of the older uint8 models) it stays. The recorded
    minimum and maximum are a converter's note to itself. ``keep_signatures`` leaves the signatures for callers that address
    tensors by name.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    if tree.refusal():
        return PassResult(model, (f"names and metadata left alone: {tree.refusal()}",))
    tree.tree.metadata = tree.tree.metadataBuffer = tree.tree.description = None
    if not keep_signatures:
        tree.tree.signatureDefs = None
    tree.graph.name = None
    biases = _biases(tree)
    for index, tensor in enumerate(tree.graph.tensors):
        tensor.name = None
        if index in biases:
            tensor.quantization = None
        elif tensor.quantization is not None:
            tensor.quantization = copy.copy(tensor.quantization)
            tensor.quantization.min = tensor.quantization.max = None
            if tensor.quantization.scale is None and tensor.quantization.details is None:
                tensor.quantization = None
    return PassResult(tree.bytes(), ("names, metadata and " + ("" if keep_signatures else "signatures, ")
                                 + f"quantization parameters of {len(biases)} biases are gone",))


def _biases(tree: ModelTree) -> set[int]:
    """Constant int32 tensors that are read as a bias, whose scale nobody reads, and as nothing else."""
    biases: set[int] = set()
    elsewhere = tree.ends()
    for operator in tree.operators:
        inputs, name = tree.inputs(operator), tree.name(operator)
        place = BIAS + (name == "TRANSPOSE_CONV")
        for position, tensor in enumerate(inputs):
            is_bias = (name in BIASED and position == place and tree.dtype(tensor) == "int32" and tree.is_constant(tensor)
                       and not _is_compared(tree, name, inputs))
            (biases if is_bias else elsewhere).add(tensor)
    return biases - elsewhere


def _is_compared(tree: ModelTree, name: str, inputs: tuple[int, ...]) -> bool:
    """Whether kernels refuse a bias whose scale is not the input's times the filter's."""
    filters = tree.graph.tensors[inputs[1]].quantization
    scales = 0 if filters is None or filters.scale is None else len(filters.scale)
    return tree.dtype(inputs[0]) == "uint8" or (name == "FULLY_CONNECTED" and scales == 1)
