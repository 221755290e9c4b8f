"""Many hostile inputs through one judge, in processes that may die: counts by outcome, and the numbers of what went wrong.

A judge takes a number, makes the input of that number, and says what came of it in a word; whatever it raises escaped. An input
on which a process dies, or that takes more than SLOW_S seconds of processor time, is wrong as well.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np

CHUNK = 50
SLOW_S = 10.0
WORKERS = min(os.cpu_count() or 1, 2)
EXTREMES = (0, 1, 2**7, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1)
Judge = Callable[[int], str]


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """A copy with flipped bits, a cut, a block over another place, one left out or doubled, or an extreme number."""
    spoiled, kind = bytearray(data), int(rng.integers(0, 6))
    at, size = int(rng.integers(0, max(len(data), 1))), int(rng.integers(1, 64))
    match kind:
        case 0:
            for place in rng.integers(0, max(len(data), 1), int(rng.integers(1, 17)) if data else 0):
                spoiled[place] ^= 1 << int(rng.integers(0, 8))
        case 1:
            del spoiled[at:]
        case 2:
            source = int(rng.integers(0, max(len(data) - size, 1)))
            spoiled[at : at + size] = data[source : source + size]
        case 3:
            del spoiled[at : at + size]
        case 4:
            spoiled[at:at] = data[at : at + size] * int(rng.integers(1, 50))
        case _:
            spoiled[at : at + 4] = int(rng.choice(np.array(EXTREMES, np.uint32))).to_bytes(4, "little")
    return bytes(spoiled)


def _judged(judge: Judge, numbers: range) -> list[tuple[int, str]]:
    made = []
    for number in numbers:
        began = time.process_time()
        try:
            outcome = judge(number)
        except Exception as error:
            outcome = f"escaped {type(error).__name__}: {error}"[:160]
        made.append((number, "slow" if time.process_time() - began > SLOW_S else outcome))
    return made


def outcomes(judge: Judge, count: int) -> Iterator[tuple[int, str]]:
    """Number and outcome of each input; where a process died, its inputs are given again one by one."""
    chunks = [range(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
    while chunks:
        left: list[range] = []
        with ProcessPoolExecutor(WORKERS) as pool:
            futures = [(chunk, pool.submit(_judged, judge, chunk)) for chunk in chunks]
            for chunk, future in futures:
                try:
                    yield from future.result()
                except BrokenProcessPool:
                    left.append(chunk)
        # All that waited count as broken: only single inputs, each with a pool of its own, can be blamed.
        if left and all(len(chunk) == 1 for chunk in left):
            for chunk in left:
                with ProcessPoolExecutor(1) as pool:
                    try:
                        yield from pool.submit(_judged, judge, chunk).result()
                    except BrokenProcessPool:
                        yield chunk[0], "crash"
            return
        chunks = [range(number, number + 1) for chunk in left for number in chunk]


def tell(name: str, judge: Judge, count: int) -> bool:
    """Run a campaign and print its row; whether nothing went wrong."""
    counts, wrong = Counter[str](), []
    for number, outcome in outcomes(judge, count):
        is_wrong = outcome == "slow" or outcome.startswith(("escaped", "crash"))
        counts[outcome.split(" ")[0] if is_wrong else outcome] += 1
        if is_wrong:
            wrong.append(f"{number}: {outcome}")
    said = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.most_common())
    print(f"row: {name} | {count:,} | {said} | {len(wrong)}", flush=True)
    for line in wrong[:20]:
        print(f"  {line}")
    return not wrong
