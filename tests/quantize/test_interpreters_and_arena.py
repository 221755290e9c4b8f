"""The oracle is TFLM; LiteRT's reference kernels agree with it."""

import sys

import numpy as np
import pytest
from quantize_models import reference_model

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.quantize.interpreters import TFLM, LiteRTReference
from tinysieve.quantize.tflm.arena_process import measure_arena


@pytest.mark.parametrize(("name", "total", "activations"), [
    ("seed_submission.tflite", 402_288, 36 * 36 * 96 + 40 * 40 * 96 + 36 * 36 * 16),  # DW 5x5 of block 4
    ("challenge2_submission_a.tflite", 370_192, 269_568),
    ("mlperftiny_vww_96_int8.tflite", 103_672, 73_728),
])
def test_published_models_need_the_published_arena(name, total, activations):
    pytest.importorskip("tflite_micro")
    arena = measure_arena(reference_model(name))
    assert (arena.total_bytes, arena.activations_bytes) == (total, activations)
    assert arena.persistent_bytes == total - activations


def test_one_byte_less_does_not_run(small_int8):
    runtime = pytest.importorskip("tflite_micro.python.tflite_micro.runtime")
    total = measure_arena(small_int8).total_bytes
    runtime.Interpreter.from_bytes(small_int8, arena_size=total)
    with pytest.raises(RuntimeError):
        runtime.Interpreter.from_bytes(small_int8, arena_size=total - 1)


def test_tflm_gives_the_reference_kernels_codes_in_one_process_and_in_many(small_uint8, pixels):
    pytest.importorskip("tflite_micro")
    seen = []
    many = TFLM(small_uint8).raw_outputs(pixels, lambda done, total: seen.append((done, total)))
    assert (many == LiteRTReference(small_uint8).raw_outputs(pixels)).all()
    assert (TFLM(small_uint8).raw_outputs(pixels[:5]) == many[:5]).all()
    assert seen[-1] == (60, 60)


def test_published_model_gives_the_same_codes_under_both():
    pytest.importorskip("tflite_micro")
    model = reference_model("seed_submission.tflite")
    images = np.random.default_rng(0).integers(0, 256, (6, 144, 144, 3), dtype=np.uint8)
    assert (TFLM(model).raw_outputs(images) == LiteRTReference(model).raw_outputs(images)).all()


def test_order_and_company_do_not_change_an_answer(small_int8, pixels):
    runner, order = LiteRTReference(small_int8), np.random.default_rng(1).permutation(60)
    whole = runner.predict_logits(pixels)
    assert whole.dtype == np.float32
    assert whole.shape == (60, 2)
    assert (runner.predict_logits(pixels[order]) == whole[order]).all()
    assert (runner.predict_logits(pixels[:1]) == whole[:1]).all()
    assert runner.predict_logits(pixels[:0]).shape == (0, 2)


def test_without_tflm_the_requirement_is_named(small_int8, monkeypatch):
    monkeypatch.setitem(sys.modules, "tflite_micro.python.tflite_micro", None)
    with pytest.raises(MissingRequirement, match="tflite-micro is not installed"):
        measure_arena(small_int8)


def test_wrong_image_sizes_are_refused(small_int8, pixels):
    with pytest.raises(InputError, match="the model takes"):
        LiteRTReference(small_int8).predict_logits(pixels[:, :30])
