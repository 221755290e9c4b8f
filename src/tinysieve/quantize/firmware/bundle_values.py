"""What the templates of a bundle are told: sizes, shapes and scales, golden rows and the golden outputs of layers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from tinysieve.ground.escaping import Escaped
from tinysieve.quantize.firmware.bundle_words import axes_words, kind_words, preprocessing
from tinysieve.quantize.firmware.golden import golden_inputs, grid
from tinysieve.quantize.firmware.golden_layers import golden_layers
from tinysieve.quantize.firmware.oracle import expected_outputs
from tinysieve.quantize.firmware.placement import ARENA_MARGIN_BYTES
from tinysieve.quantize.firmware.tflm_operators import resolver_calls
from tinysieve.quantize.tflite.graph import Graph
from tinysieve.quantize.tflm.arena import Arena

VECTORS = 8
_FLIP = {"int8": 0x80, "uint8": 0}


def bundle_values(model: bytes, name: str, labels: Sequence[str], graph: Graph, arena: Arena) -> dict[str, Any]:
    """What the templates say of the model itself.

    Raises:
        InputError: no interpreter runs the model.
    """
    source = graph.inputs[0]
    inputs = vectors_of(graph)
    rows = expected_outputs(model, inputs).rows
    return {
        "name": name, "labels": list(labels), "model_sha256": Escaped(hashlib.sha256(model).hexdigest()),
        "model_bytes": len(model), "measured_arena_bytes": arena.total_bytes, "arena_margin_bytes": ARENA_MARGIN_BYTES,
        "vectors": VECTORS,
        "input_bytes": inputs[0].nbytes, "output_bytes": len(rows[0]), "columns": grid(source.shape)[0],
        "channels": grid(source.shape)[1], "flip": _FLIP[source.dtype], "outputs": _outputs(graph),
        "rows": [list(row) for row in rows], "model_rows": _model_rows(model),
        "operators": sorted(graph.operator_counts), "calls": resolver_calls(graph.operator_counts),
        "input_shape": source.shape, "input_scale": source.scale, "input_zero_point": source.zero_point,
        "kind_words": kind_words(source, graph.outputs), **preprocessing(source),
    }


def _outputs(graph: Graph) -> list[dict[str, Any]]:
    """Where each output lies in a row of golden bytes, and what its codes stand for."""
    sizes = [math.prod(tensor.shape) for tensor in graph.outputs]
    return [{"suffix": Escaped(n or ""), "first": sum(sizes[:n]), "bytes": sizes[n], "flip": _FLIP[tensor.dtype],
             "shape": tensor.shape, "scale": tensor.scale, "zero_point": tensor.zero_point, "axes": axes_words(tensor)}
            for n, tensor in enumerate(graph.outputs)]


def _model_rows(model: bytes) -> Escaped:
    return Escaped("\n".join(",".join(str(n) for n in model[at:at + 32]) + "," for at in range(0, len(model), 32)))


def layer_values(model: bytes, graph: Graph, operators: Sequence[int]) -> dict[str, Any]:
    """Name, place and checksums of the layers that a project watches; none where no operator is named.

    Raises:
        InputError: no interpreter runs the model.
    """
    return {"layers": [vars(layer) for layer in golden_layers(model, vectors_of(graph), operators)]}


def vectors_of(graph: Graph) -> NDArray:
    """The golden inputs of a model."""
    return golden_inputs(graph.inputs[0].shape, graph.inputs[0].dtype, VECTORS)
