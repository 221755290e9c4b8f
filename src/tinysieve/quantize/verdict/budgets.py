"""Each gate against its measurement: met or not, by how much, measured how."""

from __future__ import annotations

from tinysieve.ground.statistics import Confusion, looks_reversed
from tinysieve.quantize.tflm.arena import Arena, arena_words
from tinysieve.quantize.verdict.verdict import Accuracy, Budget, Comparison, Gates


def size_budgets(
    gates: Gates, file_bytes: int, arena: Arena | None, planned_bytes: int, arena_missing: str
) -> tuple[Budget, ...]:
    """Flash (file and stated runtime code) and arena; ``arena_missing`` says why there is no measured arena, and then its
    gate is neither met nor missed: ``planned_bytes``, the activations alone, are not the whole of it."""
    budgets = []
    if gates.flash_bytes is not None:
        how = f"file {file_bytes} B + runtime code {gates.runtime_code_bytes} B ({gates.runtime_code_basis})"
        budgets.append(_at_most("flash", gates.flash_bytes, file_bytes + gates.runtime_code_bytes, "B", how))
    if gates.arena_bytes is not None and arena is not None:
        how = (f"smallest arena that allocates and runs, {arena.measured_with}: activations "
               f"{arena.activations_bytes} B + persistent {arena.persistent_bytes} B")
        budgets.append(_at_most("arena", gates.arena_bytes, arena.total_bytes, "B", how))
    elif gates.arena_bytes is not None:
        budgets.append(Budget("arena", gates.arena_bytes, None, "B", None, None,
                              f"{arena_words(None, planned_bytes)} ({arena_missing})"))
    return tuple(budgets)


def accuracy_budgets(
    gates: Gates, int8: Accuracy, comparison: Comparison | None, cells: Confusion, how: str
) -> tuple[Budget, ...]:
    """Minimum accuracy, no drop against the baseline, and the class order where it looks reversed."""
    budgets = []
    if gates.minimum_accuracy is not None:
        budgets.append(_at_least("accuracy", gates.minimum_accuracy, int8.value, f"{how}, {int8.images} images"))
    if gates.max_drop is not None and comparison is not None:
        basis = (f"{how}, difference to the baseline on the same images, 95 % interval "
                 f"{comparison.interval.low:+.4f} to {comparison.interval.high:+.4f}, "
                 f"McNemar p {comparison.mcnemar.p_value:.3g}")
        budgets.append(_at_least("accuracy against baseline", -gates.max_drop, comparison.difference, basis))
    if looks_reversed(cells):
        budgets.append(_at_least("class order", 0.5, int8.value,
                               f"class order looks reversed: accuracy {int8.value:.4f}, with swapped classes "
                               f"{1 - int8.value:.4f}; state the class order of this model"))
    return tuple(budgets)


def _at_most(name: str, limit: float, measured: float, unit: str, how: str) -> Budget:
    return Budget(name, limit, measured, unit, limit - measured, measured <= limit, how)


def _at_least(name: str, limit: float, measured: float, how: str) -> Budget:
    return Budget(name, limit, measured, "share", measured - limit, measured >= limit, how)
