"""Operators, tensors, buffers and operator codes that nothing reads: other passes leave them, this one clears them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.quantize.tflite.model_tree import ModelTree, PassResult

# Results that are no output count as work done only where the operator has an effect besides; none of these has.
WITH_EFFECTS = ("ASSIGN_VARIABLE", "CALL_ONCE", "VAR_HANDLE", "WHILE", "IF", "CUSTOM")


def drop_dead_parts(model: bytes) -> PassResult:
    """Remove what no output depends on; equal constant buffers become one.

    Raises:
        InputError: not a .tflite file.
    """
    tree = ModelTree(model)
    if tree.refusal():
        return PassResult(model, (f"dead parts left alone: {tree.refusal()}",))
    operators, tensors = len(tree.operators), len(tree.graph.tensors)
    if any(tree.name(operator).split(":")[0] in WITH_EFFECTS for operator in tree.operators):
        return PassResult(model, ("dead parts left alone: operators with effects besides their outputs",))
    tree.forget_plan()
    _drop_operators(tree)
    _drop_tensors(tree)
    merged = _drop_buffers(tree)
    _drop_codes(tree)
    gone = operators - len(tree.operators), tensors - len(tree.graph.tensors)
    note = f"{gone[0]} operators and {gone[1]} tensors that nothing reads are gone; {merged} equal buffers are one"
    return PassResult(tree.bytes(), (note,) if any(gone) or merged else ())


def _drop_operators(tree: ModelTree) -> None:
    wanted, kept = {int(n) for n in tree.graph.outputs}, []
    for operator in reversed(tree.operators):
        if wanted & set(tree.outputs(operator)):
            wanted |= set(tree.inputs(operator))
            kept.append(operator)
    tree.graph.operators = kept[::-1]


def _renumber(used: Iterable[int]) -> dict[int, int]:
    return {old: new for new, old in enumerate(sorted(used))}


def _drop_tensors(tree: ModelTree) -> None:
    used = tree.ends() | {int(m.tensorIndex) for m in _signature_maps(tree)}
    for operator in tree.operators:
        used |= {t for t in (*tree.inputs(operator), *tree.outputs(operator)) if t >= 0}
    number = _renumber(used)
    tree.graph.tensors = [tree.graph.tensors[old] for old in number]
    renamed: Callable[[Any], np.ndarray] = lambda old: np.array([number.get(int(n), -1) for n in old], np.int32)  # noqa: E731
    tree.graph.inputs, tree.graph.outputs = renamed(tree.graph.inputs), renamed(tree.graph.outputs)
    for operator in tree.operators:
        operator.inputs, operator.outputs = renamed(tree.inputs(operator)), renamed(tree.outputs(operator))
    for entry in _signature_maps(tree):
        entry.tensorIndex = number[int(entry.tensorIndex)]


def _signature_maps(tree: ModelTree) -> list[Any]:
    return [entry for signature in tree.tree.signatureDefs or [] for entry in (*signature.inputs, *signature.outputs)]


def _drop_buffers(tree: ModelTree) -> int:
    """Buffer 0 stays empty by convention, and stands for every tensor without data; says how many were equal."""
    buffers, kept, index, merged = tree.tree.buffers, [schema.BufferT()], {b"": 0}, 0

    def place(old: int, share: bool) -> int:
        nonlocal merged
        data = buffers[old].data
        content = b"" if data is None else np.asarray(data, np.uint8).tobytes()
        if share and content in index:
            merged += bool(content) and old not in seen
            return index[content]
        kept.append(buffers[old])
        return index.setdefault(content, len(kept) - 1)

    seen: dict[int, int] = {}
    for tensor in tree.graph.tensors:
        seen[tensor.buffer] = tensor.buffer = seen.get(tensor.buffer) or place(tensor.buffer, True)
    for item in tree.tree.metadata or []:
        item.buffer = place(item.buffer, False)
    tree.tree.buffers = kept
    return merged


def _drop_codes(tree: ModelTree) -> None:
    number = _renumber({operator.opcodeIndex for operator in tree.operators})
    tree.tree.operatorCodes = [tree.tree.operatorCodes[old] for old in number]
    for operator in tree.operators:
        operator.opcodeIndex = number[operator.opcodeIndex]
