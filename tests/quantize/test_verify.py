"""The verdict says what was measured, and misses are misses."""

import json
import sys

import numpy as np
import pytest
from quantize_models import reference_model

from tinysieve.ground.errors import InputError
from tinysieve.ground.statistics import Confusion
from tinysieve.quantize.interpreters import LiteRTReference
from tinysieve.quantize.verdict.budgets import accuracy_budgets
from tinysieve.quantize.verdict.verdict import Gates, challenge_line
from tinysieve.quantize.verdict.verify import Evidence, accuracy, verify, worst_mistakes


@pytest.fixture(scope="module")
def spread(small_int8, pixels):
    """Images on both sides of the model's middle and labels that it gets right but for the first six."""
    logits = LiteRTReference(small_int8).predict_logits(pixels)
    labels = logits.argmax(1)
    labels[:6] = 1 - labels[:6]
    return logits, labels


def test_every_figure_of_a_small_model(small_int8, small_uint8, pixels, spread):
    logits, labels = spread
    evidence = Evidence(pixels, labels, float_logits=logits, baseline=small_uint8, tflm_images=8,
                        slices={"first": np.arange(60) < 6, "none": np.zeros(60, bool)}, calibration_rows=[3, 5])
    result = verify(small_int8, evidence, Gates(minimum_accuracy=0.5), np.random.default_rng(0))
    verdict = result.verdict
    assert verdict.int8.value == 54 / 60
    assert verdict.float_int8_agreement == 1.0
    assert [item.name for item in verdict.slices] == ["first"]
    assert verdict.slices[0].int8.value == 0
    assert sorted(verdict.worst_mistakes) == list(range(6))
    assert verdict.flash_bytes == len(small_int8) + 99_000
    assert verdict.comparison.difference == pytest.approx(verdict.int8.value - verdict.baseline_int8.value)
    assert {b.name for b in verdict.gates_missed} <= {"accuracy against baseline"}
    text = json.dumps(verdict.to_json(), allow_nan=False)
    again = verify(small_int8, evidence, Gates(minimum_accuracy=0.5), np.random.default_rng(0)).verdict
    assert text == json.dumps(again.to_json(), allow_nan=False)
    assert (result.int8_logits == logits).all()


def test_the_published_model_misses_320_kib_and_says_by_how_much():
    pytest.importorskip("tflite_micro")
    images = np.random.default_rng(0).integers(0, 256, (4, 144, 144, 3), dtype=np.uint8)
    evidence = Evidence(images, np.array([0, 1, 0, 1]), tflm_images=2)
    verdict = verify(reference_model("seed_submission.tflite"), evidence, Gates(), np.random.default_rng(0)).verdict
    assert [(b.name, b.margin) for b in verdict.gates_missed] == [("arena", 320 * 1024 - 402_288)]
    flash = next(b for b in verdict.budgets if b.name == "flash")
    assert flash.met
    assert flash.measured == 945_928 + 99_000
    assert verdict.device.same_codes == verdict.device.images == 2


def test_without_tflm_the_arena_is_unmeasured_not_met(small_int8, pixels, spread, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro", None)
    verdict = verify(small_int8, Evidence(pixels, spread[1]), Gates(), np.random.default_rng(0)).verdict
    assert verdict.arena is None
    assert [b.name for b in verdict.gates_unmeasured] == ["arena"]
    assert "not installed" in verdict.gates_unmeasured[0].how
    assert f"computed, not measured: activations {verdict.planned_bytes:,} B" in verdict.gates_unmeasured[0].how


def test_accuracy_gates_are_missed_by_name(small_int8, pixels, spread):
    evidence = Evidence(pixels, spread[1], tflm_images=0)
    verdict = verify(small_int8, evidence, Gates(minimum_accuracy=0.95), np.random.default_rng(0)).verdict
    assert [b.name for b in verdict.gates_missed] == ["accuracy"]
    assert verdict.gates_missed[0].margin == pytest.approx(54 / 60 - 0.95)


def test_a_reversed_class_order_is_named():
    cells = Confusion(10, 90, 80, 20)  # 30 of 200 right, 170 with swapped classes
    answers = accuracy(np.repeat([True, False], [30, 170]))
    (budget,) = accuracy_budgets(Gates(), answers, None, cells, "any kernels")
    assert budget.met is False
    assert "class order looks reversed: accuracy 0.1500, with swapped classes 0.8500" in budget.how


def test_rows_that_do_not_fit_are_refused(small_int8, pixels):
    with pytest.raises(InputError, match="images has 60 rows, labels have 59"):
        verify(small_int8, Evidence(pixels, np.zeros(59, int)), Gates(), np.random.default_rng(0))
    with pytest.raises(InputError, match="not all 0"):
        verify(small_int8, Evidence(pixels, np.full(60, -1)), Gates(), np.random.default_rng(0))


def test_the_most_confident_mistake_comes_first():
    logits = np.array([[0, 9], [5, 1], [0, 1], [7, 0]], float)
    assert worst_mistakes(logits, np.array([0, 0, 0, 1])).tolist() == [0, 3, 2]


def test_the_challenges_line():
    assert challenge_line(0.7102) == "Tflite model test accuracy: 0.7102"


def test_a_model_that_says_the_same_of_every_image_is_called_out(small_int8, pixels, spread):
    """The images that it answers alike, as a test of their own: whatever their labels, one answer is no knowledge."""
    answers = spread[0].argmax(1)
    only = int(np.bincount(answers, minlength=2).argmax())
    alike = np.flatnonzero(answers == only)
    labels = np.arange(len(alike)) % 2
    found = verify(small_int8, Evidence(pixels[alike], labels), Gates(), np.random.default_rng(0)).verdict
    said = [note for note in found.notes if "for every test image" in note]
    assert len(said) == 1
    assert said[0].startswith(f"the model answers {('background', 'person')[only]} for every test image")
