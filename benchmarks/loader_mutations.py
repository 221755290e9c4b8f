"""Damages real .tflite files in every way and asks the loader: the answer must be a valid read or our error.

    python benchmarks/loader_mutations.py [MUTATIONS] [MEASURED] [SEED]

Each mutated file is read, planned and inspected (without measuring) in a pool of processes; a process that dies or
takes too long is counted and its mutation named, so that it can be made again from seed and number. Then the arena of
MEASURED of the files that can be read is measured as `inspect` does it: TFLM itself may crash on them, we may not.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.tflm.arena import Arena, tflm_runtime
from tinysieve.quantize.tflm.arena_process import measure_arena

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("TINYSIEVE_SHARED", ROOT.parent / "shared"))
RESULT = Path(__file__).parent / "results" / "loader_mutations.json"
DEFAULTS = (10_000, 100, 0)
CHUNK = 50
SLOW_S = 10.0
EXTREMES = (0, 1, 2**7, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)


def unmeasured(model: bytes) -> Arena:
    """Stands for the measurement, which runs native code and is not what is tested here."""
    raise MissingRequirement("not measured here")


def mutate(kind: str, model: bytes, rng: np.random.Generator) -> bytes:
    """A damaged copy.

    Kinds: ``bits`` flips 1 to 64 bits anywhere; ``structure`` flips up to 16 bits among small numbers (offsets, lengths,
    indices, shapes); ``cut`` truncates; ``splice`` writes an offset or length of elsewhere in the file; ``extreme`` writes
    an extreme 32-bit number over up to 4 words; ``graft`` copies a block over another place.
    """
    data = np.frombuffer(model, np.uint8).copy()
    if kind == "cut":
        return model[:int(rng.integers(0, len(model)))]
    if kind == "graft":
        size = int(rng.integers(1, 4096))
        source, target = rng.integers(0, max(len(data) - size, 1), 2)
        data[target:target + size] = data[source:source + size]
        return data.tobytes()
    if kind == "bits":
        for place in rng.integers(0, len(data), int(rng.integers(1, 65))):
            data[place] ^= 1 << int(rng.integers(0, 8))
        return data.tobytes()
    words = data[:len(data) // 4 * 4].view("<u4")
    small = np.flatnonzero((words > 0) & (words < 2**20))
    places = rng.choice(small, int(rng.integers(1, 5 if kind != "structure" else 17)))
    if kind == "structure":
        words[places] ^= np.uint32(1) << rng.integers(0, 32, len(places)).astype(np.uint32)
    elif kind == "splice":
        words[places] = words[rng.choice(small, len(places))]
    else:
        words[places] = rng.choice(np.array(EXTREMES, np.uint32), len(places))
    return data.tobytes()


KINDS = ("bits", "structure", "cut", "splice", "extreme", "graft")


def judge(model: bytes) -> str:
    """``read``, ``refused`` (our error), or what else came out of it."""
    try:
        json.dumps(inspect_model(model, unmeasured).to_json())
    except InputError:
        return "refused"
    except Exception as error:
        return f"escaped {type(error).__name__}: {error}"[:160]
    return "read"


def work(paths: list[str], seed: int, numbers: range) -> tuple[list[tuple[int, str, float]], int]:
    """Judge mutations by number; file, kind and damage follow from seed and number. Also gives peak memory, kB."""
    found = []
    models = [Path(path).read_bytes() for path in paths]
    for number in numbers:
        mutated = mutation(models, seed, number)
        start = time.monotonic()
        found.append((number, judge(mutated), time.monotonic() - start))
    return found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def mutation(models: list[bytes], seed: int, number: int) -> bytes:
    """Mutation ``number``: kinds take turns, then files."""
    model = models[number // len(KINDS) % len(models)]
    return mutate(KINDS[number % len(KINDS)], model, np.random.default_rng([seed, number]))


def sources() -> list[str]:
    """Real files: the published models."""
    return [str(path) for path in sorted((SHARED / "models" / "reference").glob("*.tflite"))]


def campaign(paths: list[str], mutations: int, seed: int) -> Iterator[tuple[int, str, float, int]]:
    """Number, outcome, seconds and memory (kB) of every mutation; a dead process counts for the mutation it died on."""
    chunks = [range(start, min(start + CHUNK, mutations)) for start in range(0, mutations, CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        futures = [pool.submit(work, paths, seed, chunk) for chunk in chunks]
        broken = []
        for chunk, future in zip(chunks, futures, strict=True):
            try:
                found, memory = future.result()
                yield from ((number, outcome, seconds, memory) for number, outcome, seconds in found)
            except BrokenProcessPool:
                broken.append(chunk)
    for number in (number for chunk in broken for number in chunk):
        with ProcessPoolExecutor(1) as pool:
            try:
                (one,), memory = pool.submit(work, paths, seed, range(number, number + 1)).result()
                yield *one, memory
            except BrokenProcessPool:
                yield number, "crash", 0.0, 0


def measured(paths: list[str], seed: int, readable: list[int]) -> Counter[str]:
    """What measuring the arenas of damaged files that can be read came to, each in a process of its own."""
    models, found = [Path(path).read_bytes() for path in paths], Counter[str]()
    for number in readable:
        try:
            measure_arena(mutation(models, seed, number))
            found["arena"] += 1
        except InputError as error:
            crashed = "crashed" in error.what or "no answer" in error.what
            found["TFLM crashed, our error" if crashed else "TFLM refuses, our error"] += 1
        except Exception as error:
            found[f"escaped {type(error).__name__}"] += 1
    return found


def can_measure() -> bool:
    """Whether tflite-micro is there."""
    try:
        tflm_runtime()
    except MissingRequirement:
        return False
    return True


def main(arguments: list[str]) -> int:
    """Run the campaign and print the tables; 1 if anything but a read or our error came out."""
    paths = sources()
    if not paths:
        print("skipped: no real models at", SHARED / "models" / "reference")
        return 0
    mutations, measurements, seed = (*map(int, arguments), *DEFAULTS[len(arguments):])
    table: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    wrong, readable, slowest, memory = [], list[int](), 0.0, 0
    for number, outcome, seconds, kilobytes in campaign(paths, mutations, seed):
        slow = "slow" if seconds > SLOW_S else outcome.split()[0]
        table[KINDS[number % len(KINDS)]][slow] += 1
        slowest, memory = max(slowest, seconds), max(memory, kilobytes)
        if outcome == "read":
            readable.append(number)
        if slow not in ("read", "refused"):
            wrong.append(f"{number}: {outcome}, {seconds:.1f} s")
    columns = ("read", "refused", "escaped", "slow", "crash")
    print(f"{'kind':<10}" + "".join(f"{name:>9}" for name in columns))
    for kind, counts in table.items():
        print(f"{kind:<10}" + "".join(f"{counts[name]:>9,}" for name in columns))
    print(f"slowest {slowest:.2f} s; largest process {memory / 1024:.0f} MiB; wrong: {wrong[:20] or 'none'}")
    native = measured(paths, seed, readable[:measurements]) if can_measure() else Counter[str]()
    print("arenas of damaged files that can be read:", dict(native) or "not measured, tflite-micro is not installed")
    wrong += [name for name in native if name.startswith("escaped")]
    result = {"mutations": mutations, "seed": seed, "files": [Path(path).name for path in paths],
              "outcomes": {kind: {name: counts[name] for name in columns} for kind, counts in table.items()},
              "slowest_s": round(slowest, 2), "largest_process_mib": round(memory / 1024),
              "measured": dict(sorted(native.items())), "wrong": wrong}
    write_text(RESULT, json.dumps(result, indent=1) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
