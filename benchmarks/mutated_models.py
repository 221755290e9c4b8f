"""Damaged .tflite files through `inspect`, `fit`, `emulate`, `flash-bundle` and `live`: each gives a result or our error.

    python benchmarks/mutated_models.py [FILES [VERB ...]]    # verbs: those that are done whole, instead of all rows

Half of the files are damaged in their structure: the model is unpacked, a number, a list or a reference anywhere in its tree is
changed, and it is packed again, so that the file as such stays sound. The others are damaged in their bytes, see
loader_mutations.py. What the verbs do in Python is done for each file in a process that may die. Then each verb is done whole,
with interpreters, compilers and emulators in children of their own, on files of tiny models. Of the files that give a C program
which was compiled before, the compiler's and the emulator's part is left out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from campaign import tell
from loader_mutations import KINDS, SHARED, mutate, unmeasured

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests/quantize"))

from tiny_tflite import packed, tiny_model  # noqa: E402

from tinysieve.ground.errors import MissingRequirement, TinysieveError  # noqa: E402
from tinysieve.pipeline.live.live_page import LiveModel  # noqa: E402
from tinysieve.quantize.firmware import emulator_child, toolchain, wasm  # noqa: E402
from tinysieve.quantize.firmware.board_files import load_boards  # noqa: E402
from tinysieve.quantize.firmware.c_program import generate  # noqa: E402
from tinysieve.quantize.firmware.emulate import emulate  # noqa: E402
from tinysieve.quantize.firmware.flash_bundle import make_bundle  # noqa: E402
from tinysieve.quantize.firmware.kernel_sets import kernel_set  # noqa: E402
from tinysieve.quantize.inspection import inspect_model  # noqa: E402
from tinysieve.quantize.passes.fit_model import Target, fit_model  # noqa: E402
from tinysieve.quantize.tflm import arena_process, interpreter_child  # noqa: E402

PATIENCE_S = 10.0
VERBS = ("inspect", "fit", "emulate", "flash-bundle", "live")


@cache
def models() -> tuple[bytes, ...]:
    """Tiny models, and the smallest published one where it is there."""
    published = SHARED / "models/reference/mlperftiny_vww_96_int8.tflite"
    return (*tiny_models(), published.read_bytes()) if published.is_file() else tiny_models()


def tiny_models() -> tuple[bytes, ...]:
    """A model on which the native parts take little time; the second takes a picture and gives two scores."""
    return tiny_model(), tiny_model(side=5, channels=3, wide=2)


def _places(tree: Any, depth: int = 0) -> Iterator[tuple[Any, str]]:
    """Every attribute with a value in a tree of the schema's objects."""
    for name, value in vars(tree).items():
        if value is None or depth > 6:
            continue
        yield tree, name
        for part in value if isinstance(value, list) else [value]:
            if hasattr(part, "__dict__") and not isinstance(part, np.ndarray):
                yield from _places(part, depth + 1)


def restructured(model: bytes, rng: np.random.Generator) -> bytes:
    """One to three values of the model's tree changed; the model as it was where the result cannot be packed."""
    from ai_edge_litert import schema_py_generated as schema

    tree = schema.ModelT.InitFromPackedBuf(model, 0)
    for _ in range(int(rng.integers(1, 4))):
        places = list(_places(tree))
        owner, name = places[int(rng.integers(0, len(places)))]
        setattr(owner, name, _changed(getattr(owner, name), rng))
    with contextlib.suppress(Exception):
        return packed(tree)
    return model


def _changed(value: Any, rng: np.random.Generator) -> Any:
    number = int(rng.choice([-1, 0, 1, 2, 3, 7, 127, 2**15, 2**31 - 1]))
    match value:
        case bool():
            return not value
        case int():
            return number if rng.random() < 0.5 else value + int(rng.integers(-2, 3))
        case float():
            return float(rng.choice([0.0, -1.0, 1e-38, 1e38, np.nan, np.inf]))
        case bytes():
            return value[: int(rng.integers(0, len(value) + 1))] + rng.bytes(int(rng.integers(0, 9)))
        case np.ndarray() if value.size:
            changed = value.copy()
            limits = np.iinfo(value.dtype) if value.dtype.kind in "iu" else None
            spoilt = rng.choice([0.0, np.nan, np.inf, -1.0]) if limits is None else np.clip(number, limits.min, limits.max)
            changed.flat[int(rng.integers(0, value.size))] = spoilt
            return changed if rng.random() < 0.7 else changed[: int(rng.integers(0, len(changed)))]
        case list() if value:
            place = int(rng.integers(0, len(value)))
            return value[:place] + value[place + 1 :] if rng.random() < 0.5 else [*value, value[place]]
        case _:
            return None


def mutant(number: int, of: Callable[[], tuple[bytes, ...]]) -> bytes:
    """File `number`: structure and bytes take turns, then models."""
    rng, model = np.random.default_rng([2, number]), of()[number // 2 % len(of())]
    return restructured(model, rng) if number % 2 else mutate(KINDS[number // 2 % len(KINDS)], model, rng)


def in_python(verb: str, model: bytes) -> None:
    """The part of a verb that runs in this process."""
    if verb == "inspect":
        json.dumps(inspect_model(model, unmeasured).to_json())
    else:
        generate(model, kernel_set("portable"))


def whole(verb: str, model: bytes) -> None:
    """A verb as its command does it."""
    boards = tuple(load_boards().values())
    match verb:
        case "inspect":
            json.dumps(inspect_model(model).to_json())
        case "fit":
            fit_model(model, Target(320 * 1024, 2**20, 0.1), 0, lambda done, total: None)
        case "emulate":
            emulate(model, generate(model, kernel_set("portable")), None, boards, 1, lambda done, total: None)
        case "flash-bundle":
            make_bundle(model, model, "mutant", (), kernel_set("portable"), boards)
        case _:
            LiveModel("mutant", model, ("background", "person"), 1).html()


@cache
def _prepare() -> set[str]:
    """A folder for this process, in which the compiler's cache knows the kernels; programs that were compiled there.

    Interpreters get less time than usual: some files ask them to fill gigabytes.
    """
    folder = tempfile.mkdtemp(prefix="tinysieve-mutants-")
    for module in (arena_process, interpreter_child, emulator_child):
        module.TIMEOUT_S = PATIENCE_S  # type: ignore[attr-defined]
    for module in (toolchain, wasm):
        module.tempfile = SimpleNamespace(TemporaryDirectory=lambda: contextlib.nullcontext(folder))  # type: ignore[attr-defined]
    return set()


def _is_known(verb: str, model: bytes) -> bool:
    """Whether this process compiled the same C program before."""
    seen = _prepare()
    if verb not in ("emulate", "live"):
        return False
    program = generate(model, kernel_set("portable"))
    key = f"{verb} {hashlib.sha256(repr(sorted(program.files.items())).encode()).hexdigest()}"
    known = key in seen
    seen.add(key)
    return known


def judge(number: int, verb: str) -> str:
    """What came of the part in Python."""
    try:
        in_python(verb, mutant(number, models))
    except TinysieveError:
        return "refused"
    return "done"


def judge_whole(number: int, verb: str) -> str:
    """What came of a whole verb."""
    model = mutant(number, tiny_models)
    try:
        if _is_known(verb, model):
            return "done as another program"
        whole(verb, model)
    except TinysieveError as error:
        return "refused" if error.exit_code <= MissingRequirement.exit_code else f"escaped {error.what}"
    return "done"


def main(count: int, verbs: Sequence[str]) -> int:
    """Print a row for each verb."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for model in models():
        in_python("inspect", model)
    parts = () if verbs else (("inspect", "read, planned, inspected"), ("flash-bundle", "turned into C"))
    sound = [tell(f".tflite, {name}", partial(judge, verb=verb), count) for verb, name in parts]
    sound += [tell(f".tflite, {verb} whole", partial(judge_whole, verb=verb), count) for verb in verbs or VERBS]
    return int(not all(sound))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000, sys.argv[2:]))
