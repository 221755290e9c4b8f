"""`tinysieve inspect` as a person and as a program meet it, and the report's picture of memory."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion
from tiny_tflite import tiny_model

from tests.command_here import tinysieve
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.console.inspection import inspection_text
from tinysieve.pipeline.model_files.model_file import about, read_model
from tinysieve.pipeline.report.memory_charts import MeasuredModel, live_memories, live_memory_charts
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.tflm.arena import Arena

ROOT = Path(__file__).parents[2]
LIMIT, ARENA = 1024, Arena(968, 768, 200)


def test_command_on_a_model_and_on_none(tmp_path: Path) -> None:
    pytest.importorskip("tflite_micro")
    (tmp_path / "tiny.tflite").write_bytes(tiny_model())
    done = tinysieve("inspect", str(tmp_path / "tiny.tflite"), "--json")
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    assert plain["arena_bytes"] == plain["activation_bytes"] + plain["persistent_bytes"]
    (tmp_path / "cut.tflite").write_bytes(tiny_model()[:300])
    failed = tinysieve("inspect", str(tmp_path / "cut.tflite"))
    assert failed.returncode == 2
    assert "cut.tflite" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_page_of_a_tiny_model(snapshot: SnapshotAssertion) -> None:
    pytest.importorskip("tflite_micro")
    assert inspection_text(inspect_model(tiny_model())) == snapshot


def test_page_of_a_published_model(snapshot: SnapshotAssertion, shared: Path) -> None:
    pytest.importorskip("tflite_micro")
    model = shared / "models" / "reference" / "seed_submission.tflite"
    if not model.is_file():
        pytest.skip("needs the shared reference models")
    assert inspection_text(inspect_model(model.read_bytes())) == snapshot


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for path, said in ((tmp_path, "not a file"), (tmp_path / "none", "no such file")):
        with pytest.raises(InputError, match=said) as raised:
            read_model(path)
        assert raised.value.where == str(path)
    with pytest.raises(InputError) as raised, about(tmp_path / "x.tflite"):
        inspect_model(b"nothing")
    assert raised.value.where == str(tmp_path / "x.tflite")


@pytest.fixture
def quantized() -> MeasuredModel:
    """A model: 768 bytes are alive in its convolution, 520 in its mean."""
    return MeasuredModel(tiny_model(side=8, channels=4, wide=8), ARENA)


@pytest.fixture
def larger() -> MeasuredModel:
    """What it was before it was fitted."""
    return MeasuredModel(tiny_model(side=10, channels=4, wide=8), None)


def test_one_chart_without_fit_and_two_with(quantized: MeasuredModel, larger: MeasuredModel) -> None:
    (alone,) = live_memories(quantized, None, LIMIT)
    assert (alone.live_bytes, alone.peak_operator, alone.room_bytes) == ((768, 520), "CONV_2D #0", 1024 - 200)
    assert len(live_memories(quantized, quantized, LIMIT)) == 1
    before, after = live_memories(quantized, larger, LIMIT)
    assert (before.live_bytes[0], before.room_bytes) == (10 * 10 * 12, 1024)
    assert after.live_bytes == alone.live_bytes
    measured = replace(larger, arena=Arena(1500, 1200, 300))
    assert [one.room_bytes for one in live_memories(quantized, measured, LIMIT)] == [1024 - 300, 1024 - 200]


def test_without_a_limit_and_without_an_arena_there_is_still_a_chart(quantized: MeasuredModel) -> None:
    (one,) = live_memories(replace(quantized, arena=None), None, None)
    assert one.room_bytes is None
    (chart,) = live_memory_charts((one,))
    assert chart.alt == "the model, memory in use over 2 operators: at most 0.8 KiB, at CONV_2D #0"


def test_charts_say_in_words_what_they_show_and_take_the_pages_colours(quantized: MeasuredModel, larger: MeasuredModel) -> None:
    models = live_memories(quantized, larger, LIMIT)
    before, after = live_memory_charts(models)
    assert "at most 1.2 KiB" in before.alt
    assert "limit less the persistent part: 0.8 KiB" in after.alt
    assert "var(--bad)" in before.svg
    assert "var(--mended)" in after.svg
    assert not {"#010101", "#020202", "#040404", "#050505"} & set(re.findall(r"#0\d{5}", before.svg + after.svg))
    assert live_memory_charts(models)[0].svg == before.svg
