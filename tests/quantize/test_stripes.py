"""Stripes are exact whatever the cuts, and need no more room than was promised on paper."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from striped_models import SEEDS, assert_same_answers, random_network, wide_network

from tinysieve.quantize.passes.copied_tensors import MemoryBlock, blocks_of
from tinysieve.quantize.passes.dead_parts import drop_dead_parts
from tinysieve.quantize.passes.fold_padding import fold_padding
from tinysieve.quantize.passes.offline_plan import plan_arena, planned_bytes
from tinysieve.quantize.passes.offsets import best_offsets, lowest
from tinysieve.quantize.passes.stripes.planner import choose_stripes, paper_plans
from tinysieve.quantize.passes.stripes.segments import layers_of, segment_of
from tinysieve.quantize.passes.stripes.stripe_cost import C_MACHINE, TFLM_MACHINE
from tinysieve.quantize.passes.stripes.stripe_room import SegmentRoom
from tinysieve.quantize.passes.stripes.stripe_rows import Rows, Window, even_cuts, needed_rows, same_padding, valid_size
from tinysieve.quantize.passes.stripes.stripe_steps import Stripes
from tinysieve.quantize.passes.stripes.striping import stripe
from tinysieve.quantize.tflite.graph import read_graph
from tinysieve.quantize.tflite.model_tree import ModelTree
from tinysieve.quantize.tflm.arena_process import measure_arena
from tinysieve.quantize.tflm.memory_plan import Lifetime, lifetimes

silent = lambda done, total: None  # noqa: E731


@pytest.fixture(scope="session")
def folded() -> list[bytes]:
    return [drop_dead_parts(fold_padding(random_network(seed)).model).model for seed in SEEDS]


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 4), st.integers(5, 30), st.data())
def test_rows_are_those_that_some_window_reads(kernel, stride, before, height, data):
    after = data.draw(st.integers(0, 4))
    rows = valid_size(height + before + after, kernel, stride)
    if rows < 1:
        return
    first = data.draw(st.integers(0, rows - 1))
    wanted = Rows(first, data.draw(st.integers(first + 1, rows)))
    read = {o * stride - before + k for o in range(wanted.first, wanted.last) for k in range(kernel)}
    inner, above, below = needed_rows(Window(kernel, stride, before), wanted, height)
    assert above == max(0, -min(read))
    assert below == max(0, max(read) - height + 1)
    if inner.count:
        assert (inner.first, inner.last - 1) == (max(0, min(read)), min(height - 1, max(read)))
        # The stripe's own VALID window gives as many rows as were wanted.
        assert valid_size(above + inner.count + below, kernel, stride) == wanted.count


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 4))
def test_same_gives_the_size_over_the_stride_rounded_up(size, kernel, stride):
    before, after = same_padding(size, kernel, stride)
    assert before <= after <= before + 1
    if kernel >= stride:
        assert valid_size(size + before + after, kernel, stride) == math.ceil(size / stride)


@given(st.integers(2, 99), st.data())
def test_even_cuts_differ_by_one_row(height, data):
    cuts = (0, *even_cuts(height, data.draw(st.integers(2, height))), height)
    sizes = np.diff(cuts)
    assert sizes.min() >= 1
    assert sizes.max() - sizes.min() <= 1


def segments_of(model: bytes) -> list:
    tree = ModelTree(model)
    layers = layers_of(tree)
    found = [segment_of(tree, layers, first, last) for first in range(len(layers)) for last in range(first, len(layers))]
    return [one for one in found if one is not None and one.height > 2]


@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_any_cuts_of_any_segment_keep_every_bit(folded, index):
    model, rng = folded[index], np.random.default_rng(index)
    segments = segments_of(model)
    assert len(segments) > 10
    for _ in range(4):
        segment = segments[int(rng.integers(len(segments)))]
        cuts = np.sort(rng.choice(np.arange(1, segment.height), min(int(rng.integers(1, 5)), segment.height - 1), replace=False))
        plan = [Stripes(segment, tuple(int(cut) for cut in cuts))]
        assert_same_answers(model, plan_arena(stripe(model, plan).model, np.random.default_rng(0), 20).model)


@pytest.mark.parametrize("index", range(len(SEEDS)))
def test_paper_promises_no_less_room_and_work_than_it_takes(folded, index):
    """The most bytes that live within a striped segment are at most what was computed; multiply-accumulates exactly."""
    model, rng = folded[index], np.random.default_rng(index)
    segments, whole = segments_of(model), read_graph(model)
    for _ in range(6):
        segment = segments[int(rng.integers(len(segments)))]
        around = sum(16 * math.ceil(one.size_bytes / 16) for one in lifetimes(whole)
                     if one.tensor not in segment.images and one.first <= segment.last and one.last >= segment.first)
        room = SegmentRoom(segment, around, TFLM_MACHINE).best(int(rng.integers(2, 4)))
        striped = stripe(model, [room.stripes]).model
        graph = read_graph(striped)
        assert graph.macs - whole.macs == room.extra_macs
        last = segment.last + len(graph.operators) - len(whole.operators)
        blocks = blocks_of(ModelTree(striped), lifetimes(graph))
        within = [MemoryBlock(tuple((o, m) for o, m in block.members if m.first <= last and m.last >= segment.first))
                  for block in blocks]
        assert _lowest_within([one for one in within if one.members], segment.first, last) <= room.peak_bytes


def _lowest_within(blocks: list[MemoryBlock], first: int, last: int) -> int:
    clipped = [MemoryBlock(tuple((o, Lifetime(m.tensor, m.size_bytes, max(m.first, first), min(m.last, last)))
                           for o, m in one.members)) for one in blocks]
    return lowest(clipped)


def test_tflm_obeys_the_plan_in_the_file(folded):
    pytest.importorskip("tflite_micro")
    for model in folded:
        planned = plan_arena(model, np.random.default_rng(0)).model
        assert measure_arena(planned).activations_bytes == planned_bytes(planned) <= planned_bytes(model)


def test_a_plan_is_void_once_a_pass_rewrites_the_model(folded):
    striped = stripe(folded[0], [Stripes(segments_of(folded[0])[0], (1,))]).model
    planned = plan_arena(striped, np.random.default_rng(0)).model
    assert planned != striped
    assert planned_bytes(ModelTree(planned).bytes()) == planned_bytes(striped) > planned_bytes(planned)
    assert drop_dead_parts(planned).model == drop_dead_parts(striped).model


lives = st.tuples(st.integers(0, 9), st.integers(0, 4), st.integers(1, 90))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.tuples(lives, st.integers(0, 120)), min_size=1, max_size=3), min_size=1, max_size=8))
def test_blocks_that_live_together_never_overlap(drawn):
    blocks, number = [], 0
    for members in drawn:
        low = min(offset for _, offset in members)
        made = []
        for (first, length, size), offset in members:
            made.append((offset - low, Lifetime(number, size, first, first + length)))
            number += 1
        blocks.append(MemoryBlock(tuple(made)))
    found = best_offsets(blocks, 10, np.random.default_rng(0))
    for index, one in enumerate(blocks):
        bases = {found.offsets[life.tensor] - offset for offset, life in one.members}
        assert len(bases) == 1
        assert bases.pop() % 16 == 0
        for other in blocks[:index]:
            for _, a in one.members:
                for _, b in other.members:
                    apart = found.offsets[a.tensor] >= found.offsets[b.tensor] + b.size_bytes \
                        or found.offsets[b.tensor] >= found.offsets[a.tensor] + a.size_bytes
                    assert apart or a.first > b.last or b.first > a.last
    assert lowest(blocks) <= found.bytes
    assert found.bytes >= max(found.offsets[life.tensor] + life.size_bytes for one in blocks for _, life in one.members)


def test_plans_trade_work_for_room():
    plans = paper_plans(drop_dead_parts(wide_network()).model, TFLM_MACHINE, silent)
    assert len(plans) > 1
    assert all(one.extra_macs < other.extra_macs and one.bytes > other.bytes for one, other in pairwise(plans))


def test_the_judge_is_an_argument(folded):
    """Judged by the activations alone, as generated C would be: met where the judge says so, by the least work."""
    model = drop_dead_parts(fold_padding(wide_network()).model).model
    first = choose_stripes(model, 10**9, 10**9, planned_bytes, C_MACHINE, 0, silent)
    assert first.met
    assert not first.plan.rooms
    target = first.measured_bytes - 1
    second = choose_stripes(model, target, 10**9, planned_bytes, C_MACHINE, 0, silent)
    assert second.met
    assert second.plan.rooms
    assert planned_bytes(second.model) == second.measured_bytes <= target
    impossible = choose_stripes(model, 1, 10**9, planned_bytes, C_MACHINE, 0, silent)
    assert not impossible.met
    assert impossible.measured_bytes <= first.measured_bytes
