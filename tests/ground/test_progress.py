"""Parts of a job count as parts of the whole: the count never runs backwards and ends where the part ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinysieve.ground.progress import WHOLE, part

shares = st.floats(0, 1)


@given(shares, shares, shares, shares, st.integers(1, 50))
def test_a_part_of_a_part_stays_within_both(a: float, b: float, c: float, d: float, total: int) -> None:
    seen: list[int] = []
    (start, end), (inner_start, inner_end) = sorted((a, b)), sorted((c, d))
    inner = part(part(lambda done, whole: seen.append(done), start, end), inner_start, inner_end)
    for done in range(total + 1):
        inner(done, total)
    assert seen == sorted(seen)
    assert round(WHOLE * start) - 1 <= seen[0]
    assert seen[-1] <= round(WHOLE * end) + 1


def test_work_without_pieces_divides_nothing() -> None:
    seen: list[tuple[int, int]] = []
    part(lambda done, whole: seen.append((done, whole)), 0.25, 0.75)(0, 0)
    assert seen == [(250, WHOLE)]
