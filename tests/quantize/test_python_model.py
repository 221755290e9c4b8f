"""`tinysieve.Model`: the verbs on one .tflite file, as objects."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tiny_tflite import tiny_model

import tinysieve as ts
from tinysieve.quantize.firmware.board_files import load_boards
from tinysieve.quantize.inspection import inspect_model
from tinysieve.quantize.tflite.model_metadata import About, with_metadata


def pixel_input(tree: Any) -> None:
    """Code -128 is black, 127 white: what an image classifier of this program takes."""
    image = tree.subgraphs[0].tensors[0].quantization
    image.scale, image.zeroPoint = np.ones(1, np.float32), np.array([-128])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "model.tflite"
    file.write_bytes(tiny_model(pixel_input, side=8, channels=3, wide=2))
    return file


def test_a_model_is_what_the_file_holds(path: Path) -> None:
    model = ts.Model.open(path)
    assert model.data == path.read_bytes()
    assert repr(model) == f"{path}: {len(model.data):,} B"
    with pytest.raises(dataclasses.FrozenInstanceError):
        model.data = b""  # type: ignore[misc]


@pytest.mark.parametrize(("content", "what"), [(None, "no such file"), (b"", ""), (b"\x89PNG and so on", ""), (b"\0" * 64, "")])
def test_what_is_no_model_is_refused_by_its_name(content: bytes | None, what: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.tflite"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ts.InputError) as error:
        ts.Model.open(str(file))
    assert "wrong.tflite" in str(error.value)
    assert what in str(error.value)


def test_inspection_shows_every_operator(path: Path) -> None:
    seen = ts.Model.open(path).inspect()
    core = inspect_model(path.read_bytes())
    assert {field.name: getattr(seen, field.name) for field in dataclasses.fields(core)} == vars(core)
    # A pointwise convolution of 3 to 2 channels on 8 x 8 pixels.
    assert seen.macs == 8 * 8 * 3 * 2
    assert seen.to_pandas()["operator"].tolist() == ["CONV_2D #0", "MEAN #1"]
    assert "CONV_2D #0" in seen._repr_html_()


def test_predictions_follow_the_pixels_however_they_come(path: Path, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    files = [tmp_path / f"{number}.png" for number in range(3)]
    for file, image in zip(files, pixels, strict=True):
        Image.fromarray(image).save(file)
    model = ts.Model.open(path)
    batch = model.predict(pixels)
    # The model is a 1 x 1 convolution and a mean over the image, so the order of the pixels is all the same to it.
    assert batch.scores.tolist() == model.predict(pixels[:, ::-1]).scores.tolist()
    assert batch.class_names == ("class 0", "class 1")
    assert batch.labels == [batch.class_names[code] for code in batch.scores.argmax(axis=1)]
    for images in (files, [str(file) for file in files], [Image.open(file) for file in files], list(pixels)):
        assert model.predict(images).scores.tolist() == batch.scores.tolist()
    assert model.predict(files[0]).scores.tolist() == model.predict(pixels[0]).scores.tolist() == batch.scores[:1].tolist()
    assert len(model.predict([])) == 0
    assert model.predict(files)._repr_html_().count("data:image/jpeg") == 3
    assert batch.to_pandas().columns.tolist() == ["label", "score_class 0", "score_class 1"]


def test_a_size_that_is_not_the_models_is_resized_as_in_training(path: Path) -> None:
    from tinysieve.dataset.images import resize_bilinear

    large = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    model = ts.Model.open(path)
    assert model.predict(large).scores.tolist() == model.predict(resize_bilinear(large, 8)).scores.tolist()


def test_class_names_are_the_files_or_the_callers(path: Path) -> None:
    model = ts.Model.open(path)
    image = np.full((8, 8, 3), 200, np.uint8)
    given = model.predict(image, class_names=["no_cat", "cat"])
    assert given.class_names == ("no_cat", "cat")
    assert given.scores.tolist() == model.predict(image).scores.tolist()
    # A person model with the other order gives its scores in the program's order.
    turned = model.predict(image, class_names=["person", "background"])
    assert turned.class_names == ("background", "person")
    assert turned.scores.tolist() == model.predict(image).scores[:, ::-1].tolist()
    described = ts.Model(with_metadata(model.data, About("1", "")).model)
    assert described.predict(image).class_names == ("background", "person")
    (path.parent / "labels.txt").write_text("no_cat\ncat\n")
    assert ts.Model.open(path).predict(image).class_names == ("no_cat", "cat")
    for names in (["a", "b", "c"], ["a", "a"]):
        with pytest.raises(ts.InputError, match="class_names"):
            model.predict(image, class_names=names)


@pytest.mark.parametrize("image", [np.zeros((8, 8, 3)), np.zeros((8, 8), np.uint8), np.zeros((1, 8, 8, 4), np.uint8), "gone.jpg"])
def test_what_is_no_image_is_refused(image: Any, path: Path) -> None:
    with pytest.raises(ts.InputError):
        ts.Model.open(path).predict(image)


def test_a_model_that_is_no_classifier_of_pixels_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "odd.tflite"
    file.write_bytes(tiny_model())
    with pytest.raises(ts.InputError, match=r"odd\.tflite|image"):
        ts.Model.open(file).predict(np.zeros((8, 8, 3), np.uint8))


def test_nothing_is_overwritten_unasked(path: Path, tmp_path: Path) -> None:
    model, there = ts.Model.open(path), tmp_path / "there.tflite"
    there.write_bytes(b"mine")
    with pytest.raises(ts.InputError, match="exists"):
        model.save(there)
    assert there.read_bytes() == b"mine"
    assert model.save(there, overwrite=True).read_bytes() == model.data
    assert model.save(str(there)) == there
    assert model.save(tmp_path / "new" / "model.tflite").read_bytes() == model.data
    with pytest.raises(ts.InputError):
        model.save(tmp_path, overwrite=True)


@pytest.mark.parametrize(("wanted", "what"), [
    ({"ram": "320 apples"}, "ram="), ({"ram": 0}, "ram="), ({"flash": "-1MiB"}, "flash="), ({"ram": True}, "ram="),
    ({"max_extra_macs": "some"}, "max_extra_macs="), ({"max_extra_macs": -1}, "max_extra_macs="),
    ({"max_extra_macs": "nan"}, "max_extra_macs="), ({"max_extra_macs": "inf%"}, "max_extra_macs="),
])
def test_a_target_that_is_none_is_named(wanted: dict[str, Any], what: str, path: Path) -> None:
    with pytest.raises(ts.InputError, match=what):
        ts.Model.open(path).fit(**wanted)


def test_a_fitted_model_says_what_it_gained(path: Path) -> None:
    pytest.importorskip("tflite_micro")
    model = ts.Model.open(path)
    fitted = model.fit(ram="320KiB")
    assert fitted.result.met
    assert fitted.data == fitted.result.model
    frame = fitted.to_pandas().set_index("measure")
    assert frame.loc["file, B"].tolist() == [len(model.data), len(fitted.data)]
    assert "arena under TFLM, B" in fitted._repr_html_()
    image = np.random.default_rng(3).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    assert fitted.predict(image).scores.tolist() == model.predict(image).scores.tolist()


def test_a_missed_target_is_an_error_that_keeps_the_model(path: Path) -> None:
    pytest.importorskip("tflite_micro")
    with pytest.raises(ts.GateMissed, match="arena") as missed:
        ts.Model.open(path).fit(ram=16)
    assert isinstance(missed.value, ts.TargetMissed)
    assert missed.value.model.result.ram_met is False
    assert missed.value.model.inspect().macs == 8 * 8 * 3 * 2


def test_without_tflm_nobody_is_told_that_it_fits(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tinysieve.quantize.passes import fit_model as module

    def missing(model: bytes) -> None:
        raise ts.MissingRequirement("tflite-micro is not installed")

    monkeypatch.setattr(module, "measure_arena", missing)
    with pytest.raises(ts.MissingRequirement, match="not measured") as error:
        ts.Model.open(path).fit()
    assert isinstance(error.value, ts.TargetUnmeasured)
    assert error.value.model.result.ram_met is None


def test_an_unknown_board_lists_the_boards(path: Path) -> None:
    with pytest.raises(ts.InputError) as error:
        ts.Model.open(path).emulate("STM32F999")
    assert all(name in str(error.value) for name in load_boards())


@pytest.mark.parametrize("wanted", [{"kernels": "none"}, {"inputs": 0}])
def test_an_emulation_that_cannot_be_is_refused(wanted: dict[str, Any], path: Path) -> None:
    with pytest.raises(ts.InputError):
        ts.Model.open(path).emulate(**wanted)


def test_emulation_judges_boards(small_int8: bytes) -> None:
    for needed in ("bakenn", "ziglang", "unicorn"):
        pytest.importorskip(needed, reason="needs the extra mcu")
    alone = ts.Model(small_int8).emulate("stm32f746", inputs=2)
    assert (alone.exact_inputs, [one.board for one in alone.boards]) == (2, ["STM32F746"])
    assert alone.to_pandas()["fits_ram"].tolist() == [True]
    assert "STM32F746" in alone._repr_html_()


def test_without_pandas_the_error_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = ts.Model.open(path).inspect()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ts.MissingRequirement, match="pip install pandas"):
        seen.to_pandas()
