"""Places blocks in an arena so that none that live at the same time overlap, in as few bytes as a search finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinysieve.ground.progress import Progress, part, silent
from tinysieve.quantize.passes.copied_tensors import MemoryBlock
from tinysieve.quantize.tflm.memory_plan import TFLM_ALIGNMENT

# How far over the lower bound a plan may aim: a ceiling that is a little higher is often reached where the lowest is not.
CEILINGS = (1.0, 1.01, 1.02, 1.04, 1.06, 1.1, 1.15, 1.2)
FROM_THE_TOP = 0.3


@dataclass(frozen=True)
class Placement:
    """Offset of each tensor; ``excess_bytes`` is by how much blocks stand out over the ceiling, summed."""

    offsets: dict[int, int]
    bytes: int
    excess_bytes: int
    over: tuple[int, ...]  # positions in the order of the blocks that stand out


def lowest(blocks: Sequence[MemoryBlock]) -> int:
    """Bytes that no plan of these blocks can go under: the most bytes covered during one operator."""
    peak = 0
    for at in sorted({member.first for block in blocks for _, member in block.members}):
        covered = 0
        for block in blocks:
            end = 0
            for offset, member in sorted((p for p in block.members if p[1].first <= at <= p[1].last), key=lambda p: p[0]):
                covered += max(0, offset + member.size_bytes - max(end, offset))
                end = max(end, offset + member.size_bytes)
        peak = max(peak, covered)
    return peak


def best_offsets(blocks: Sequence[MemoryBlock], tries: int, rng: np.random.Generator, progress: Progress = silent) -> Placement:
    """The smallest placement found.

    Blocks are placed one after the other as low (or as high under a ceiling) as they fit; the order decides. A search
    per ceiling moves blocks that stand out to an earlier place or to the other end, and keeps what stands out less.

    Args:
        blocks: what has to be placed, at least one.
        tries: placements a ceiling may cost.
        rng: source of the moves; the same state gives the same placement.
        progress: counts placements tried, of those that all ceilings may cost.
    """
    floor = _up(lowest(blocks))
    first = sorted(blocks, key=lambda block: (-block.size, block.first_tensor))
    best = place(first, frozenset(), floor)
    for number, ceiling in enumerate(_up(int(floor * share)) for share in CEILINGS):
        if best.bytes <= ceiling:
            break
        placement = _search(first, ceiling, tries, rng, part(progress, number / len(CEILINGS), (number + 1) / len(CEILINGS)))
        best = min(best, placement, key=lambda candidate: candidate.bytes)
    return best


def _search(order: list[MemoryBlock], ceiling: int, tries: int, rng: np.random.Generator, progress: Progress) -> Placement:
    high: frozenset[int] = frozenset()
    placement = place(order, high, ceiling)
    for number in range(tries):
        if not placement.excess_bytes:
            break
        progress(number, tries)
        worst, moved, flipped = int(rng.choice(placement.over)), list(order), high
        if rng.random() < FROM_THE_TOP:
            near = [block.first_tensor for block in order if _meet(block, order[worst])]
            flipped = high ^ {near[int(rng.integers(len(near)))]}
        else:
            moved.insert(int(rng.integers(0, max(worst, 1))), moved.pop(worst))
        tried = place(moved, flipped, ceiling)
        if tried.excess_bytes <= placement.excess_bytes:
            placement, order, high = tried, moved, flipped
    return placement


def _meet(block: MemoryBlock, other: MemoryBlock) -> bool:
    return block.first <= other.last and block.last >= other.first


def _up(size: int) -> int:
    return -(-size // TFLM_ALIGNMENT) * TFLM_ALIGNMENT


def place(order: Sequence[MemoryBlock], high: frozenset[int], ceiling: int) -> Placement:
    """Place blocks in this order, each as low as it fits; those in ``high`` (by first tensor) as high under the ceiling."""
    starts, ends, firsts, lasts = (np.empty(sum(len(b.members) for b in order), np.int64) for _ in range(4))
    offsets: dict[int, int] = {}
    count = size = excess = 0
    over = []
    for position, block in enumerate(order):
        below, above = [], []
        for inside, member in block.members:
            together = (firsts[:count] <= member.last) & (lasts[:count] >= member.first)
            below.append(starts[:count][together] - inside - member.size_bytes)
            above.append(ends[:count][together] - inside)
        taken = np.concatenate(below), np.concatenate(above)
        base = _highest_free(*taken, ceiling - block.size) if block.first_tensor in high else -1
        base = _lowest_free(*taken) if base < 0 else base
        for inside, member in block.members:
            starts[count], ends[count] = base + inside, base + inside + member.size_bytes
            firsts[count], lasts[count] = member.first, member.last
            offsets[member.tensor] = base + inside
            count += 1
        size, excess = max(size, base + block.size), excess + max(0, base + block.size - ceiling)
        over += [position] if base + block.size > ceiling else []
    return Placement(offsets, _up(size), excess, tuple(over))


def _lowest_free(below: np.ndarray, above: np.ndarray) -> int:
    """Lowest aligned offset in none of the open intervals (below, above)."""
    base = 0
    for index in np.argsort(below, kind="stable"):
        if below[index] >= base:
            break
        base = max(base, _up(int(above[index])))
    return base


def _highest_free(below: np.ndarray, above: np.ndarray, most: int) -> int:
    """Highest aligned offset up to ``most`` in none of the open intervals (below, above); negative where there is none."""
    base = most // TFLM_ALIGNMENT * TFLM_ALIGNMENT
    for index in np.argsort(-above, kind="stable"):
        if above[index] <= base:
            break
        if below[index] < base:
            base = int(below[index]) // TFLM_ALIGNMENT * TFLM_ALIGNMENT
    return base
