"""Interpreters are foreign native code and trust the model: here they run in a process that may crash, never in ours."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.child_process import Companion, serve
from tinysieve.ground.errors import InputError
from tinysieve.ground.native_messages import captured_messages
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflm.arena import refusal, report, tflm_runtime

LITERT, TFLM = "LiteRT reference kernels", "TFLM"
TIMEOUT_S = 600.0
MEMORY_BYTES = 4 * 2**30
# LiteRT says the same of every tensor that it refuses, in one line.
MOST_WORDS = 200
_TOTAL = "arena total"


def outputs_apart(interpreter: str, model: bytes, inputs: Sequence[NDArray], child: int = 0) -> list[NDArray]:
    """Codes [N, ...] of every output of the model for the codes [N, ...] of every input.

    ``child`` is the number of the process that answers: threads that ask different ones need not wait for each other.

    Raises:
        InputError: the interpreter refuses the model, crashes on it, or takes too long.
        MissingRequirement: TFLM is asked for and not installed.
    """
    if interpreter == TFLM:
        tflm_runtime()
    return _asked(interpreter, model, inputs, child)


def require_runnable(model: bytes) -> None:
    """Let LiteRT's reference kernels allocate the model's tensors.

    Raises:
        InputError: they refuse the model, or crash on it.
    """
    _asked(LITERT, model, ())


def arena_total_apart(model: bytes) -> int:
    """Bytes of arena that TFLM reports after a run.

    Raises:
        InputError: TFLM refuses the model, crashes on it, or takes too long.
        MissingRequirement: TFLM is not installed.
    """
    tflm_runtime()
    return int(_asked(_TOTAL, model, ())[0])


def _asked(kind: str, model: bytes, inputs: Sequence[NDArray], child: int = 0) -> list[NDArray]:
    name = LITERT if kind == LITERT else TFLM
    try:
        return _unpacked(_companion(child).ask(_packed([np.frombuffer(kind.encode(), np.uint8), np.frombuffer(model, np.uint8),
                                                        *inputs])))
    except InputError as error:
        what = error.what if error.what.startswith(f"{name.split()[0]} ") else f"{name}: {error.what}"
        raise InputError(what, why=error.why or "it would not run on a microcontroller",
                         fix=error.fix or "convert to full-integer int8 with operators that TFLM knows") from error


@cache
def _companion(number: int) -> Companion:
    return Companion("tinysieve.quantize.tflm.interpreter_child", TIMEOUT_S)


def _packed(arrays: Sequence[NDArray]) -> bytes:
    file = io.BytesIO()
    named: Any = {f"a{at}": array for at, array in enumerate(arrays)}
    np.savez(file, **named)
    return file.getvalue()


def _unpacked(content: bytes) -> list[NDArray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return [arrays[f"a{at}"] for at in range(len(arrays))]


def _answer(question: bytes) -> bytes:
    kind_codes, model_bytes, *inputs = _unpacked(question)
    kind, model = kind_codes.tobytes().decode(), model_bytes.tobytes()
    if kind == _TOTAL:
        return _packed([np.asarray(report(model)[1]["total"])])
    return _packed(_litert(model, inputs) if kind == LITERT else tflm_outputs(model, inputs))


def _litert(model: bytes, inputs: Sequence[NDArray]) -> list[NDArray]:
    try:
        interpreter = _opened(model)
        if not inputs:
            return []
        interpreter.reset_all_variables()
        sources = [detail["index"] for detail in interpreter.get_input_details()]
        targets = [detail["index"] for detail in interpreter.get_output_details()]
        return _runs(inputs, lambda at, code: interpreter.set_tensor(sources[at], code), interpreter.invoke,
                     lambda at: interpreter.get_tensor(targets[at]), len(targets))
    except (ValueError, RuntimeError) as error:
        reason = textwrap.shorten(str(error).splitlines()[0], MOST_WORDS, placeholder=" ...")
        raise InputError(f"{LITERT} refuse the model: {reason}") from error


@lru_cache(maxsize=1)
def _opened(model: bytes) -> Any:
    """An interpreter with tensors allocated; the last is kept, since many images come in chunks."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter: Any = Interpreter(model_content=model, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
    interpreter.allocate_tensors()
    return interpreter


def tflm_outputs(model: bytes, inputs: Sequence[NDArray]) -> list[NDArray]:
    """What TFLM answers in this process: for a child.

    Raises:
        InputError: TFLM refuses the model, in TFLM's own words.
    """
    failure, answers = None, list[NDArray]()
    with captured_messages() as messages:
        try:
            # Ten times the file is TFLM's own guess; a small file with large activations needs the second term.
            arena_bytes = 10 * len(model) + 64 * sum(codes[0].nbytes for codes in inputs) + 2**20
            interpreter = tflm_runtime().Interpreter.from_bytes(model, arena_size=arena_bytes)
            answers = _runs(inputs, lambda at, code: interpreter.set_input(code, at), interpreter.invoke,
                            interpreter.get_output, len(read_graph(model).outputs))
        except (RuntimeError, ValueError) as error:
            failure = error
    if failure is not None:
        raise refusal(messages.text, failure) from failure
    return answers


def _runs(inputs: Sequence[NDArray], write: Callable[[int, NDArray], None], invoke: Callable[[], None],
          read: Callable[[int], NDArray], outputs: int) -> list[NDArray]:
    answers: list[list[NDArray]] = [[] for _ in range(outputs)]
    for row in range(len(inputs[0])):
        for at, codes in enumerate(inputs):
            write(at, codes[row][None])
        invoke()
        for at, kept in enumerate(answers):
            kept.append(np.array(read(at)))
    return [np.concatenate([np.atleast_1d(answer) for answer in kept]) for kept in answers]


if __name__ == "__main__":
    serve(_answer, MEMORY_BYTES)
