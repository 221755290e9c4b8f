"""Backbones of one's own: the same small network in every format gives the same features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinysieve.filtering.evidence.backbones.model_backbone import ModelBackbone, Preparation, image_side
from tinysieve.ground.errors import InputError

SIDE = 8
IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
PREPARATION = Preparation((10.0, 20.0, 30.0), (100.0,))
# A 1 x 1 convolution from three colours to two features, then the mean over the pixels.
KERNEL = np.array([[1.0, -2.0], [0.5, 0.25], [-1.0, 3.0]], np.float32)


def expected() -> np.ndarray:
    return ((IMAGES - np.float32([10, 20, 30])) / 100).mean(axis=(1, 2)) @ KERNEL


def runner(prepared: np.ndarray) -> np.ndarray:
    return prepared @ KERNEL


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(b"weights")
    return path


def test_maps_are_averaged_and_pixels_prepared(file: Path) -> None:
    backbone = ModelBackbone(file, runner, SIDE, PREPARATION)
    assert (backbone.dim, backbone.side, backbone.name) == (2, SIDE, "model.bin")
    np.testing.assert_allclose(backbone.embed(IMAGES), expected(), atol=1e-5)


def test_the_fingerprint_follows_file_and_preparation(file: Path) -> None:
    one = ModelBackbone(file, runner, SIDE, PREPARATION).fingerprint
    assert ModelBackbone(file, runner, SIDE, PREPARATION).fingerprint == one
    assert ModelBackbone(file, runner, SIDE, Preparation()).fingerprint != one
    file.write_bytes(b"other weights")
    assert ModelBackbone(file, runner, SIDE, PREPARATION).fingerprint != one


@pytest.mark.parametrize("wrong", [
    lambda x: np.float32([[np.nan, 1]]), lambda x: np.float32([1.0]), lambda x: np.zeros((1, 0), np.float32),
])
def test_what_gives_no_features_is_refused(file: Path, wrong: object) -> None:
    with pytest.raises(InputError, match="expected features"):
        ModelBackbone(file, wrong, SIDE, PREPARATION)  # type: ignore[arg-type]


@pytest.mark.parametrize(("shape", "asked", "side", "first"), [
    ([1, 96, 96, 3], None, 96, False), ([1, 3, 64, 64], 64, 64, True), (["batch", 3, None, None], 32, 32, True),
    ([None, None, None, 3], 40, 40, False),
])
def test_side_and_layout(shape: list[object], asked: int | None, side: int, first: bool) -> None:
    assert image_side(shape, asked, Path("m")) == (side, first)


@pytest.mark.parametrize(("shape", "asked"), [([1, 96, 96, 1], None), ([1, 10], None), ([1, 3, None, None], None),
                                              ([1, 96, 80, 3], None), ([1, 96, 96, 3], 64)])
def test_inputs_that_are_no_square_image(shape: list[object], asked: int | None) -> None:
    with pytest.raises(InputError, match="input is"):
        image_side(shape, asked, Path("m.onnx"))


def test_preparation_is_checked() -> None:
    for mean, std in (((0.0, 1.0), (1.0,)), ((0.0,), (0.0,))):
        with pytest.raises(InputError, match="one or three"):
            Preparation(mean, std)


def test_onnx(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper

    from tinysieve.filtering.evidence.backbones.onnx_backbone import open_onnx

    weight = helper.make_tensor("w", TensorProto.FLOAT, [2, 3, 1, 1], KERNEL.T.ravel())
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2, SIDE, SIDE])], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    onnx.save(model, str(tmp_path / "m.onnx"))
    np.testing.assert_allclose(open_onnx(tmp_path / "m.onnx", PREPARATION).embed(IMAGES), expected(), atol=1e-5)
    (tmp_path / "bad.onnx").write_bytes(b"no")
    with pytest.raises(InputError, match="cannot be loaded"):
        open_onnx(tmp_path / "bad.onnx", PREPARATION)


def test_torch_programs(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    import warnings

    from tinysieve.filtering.evidence.backbones.torch_backbone import open_torch

    network = torch.nn.Conv2d(3, 2, 1, bias=False).eval()
    network.weight.data = torch.from_numpy(KERNEL.T.copy()).reshape(2, 3, 1, 1)
    example = torch.zeros(1, 3, SIDE, SIDE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(torch.export.export(network, (example,)), tmp_path / "m.pt2")
        torch.jit.trace(network, example).save(str(tmp_path / "m.pt"))
        torch.save(network, tmp_path / "pickled.pt")
    np.testing.assert_allclose(open_torch(tmp_path / "m.pt2", PREPARATION).embed(IMAGES), expected(), atol=1e-5)
    np.testing.assert_allclose(open_torch(tmp_path / "m.pt", PREPARATION, SIDE).embed(IMAGES), expected(), atol=1e-5)
    with pytest.raises(InputError, match="cannot be loaded as a PyTorch program"):
        open_torch(tmp_path / "pickled.pt", PREPARATION, SIDE)
    with pytest.raises(InputError, match="side"):
        open_torch(tmp_path / "m.pt", PREPARATION)


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_keras_and_tflite(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    tensorflow = pytest.importorskip("tensorflow")
    from tinysieve.filtering.evidence.backbones.keras_backbone import open_keras
    from tinysieve.filtering.evidence.backbones.tflite_backbone import open_tflite

    model = keras.Sequential([keras.Input((SIDE, SIDE, 3), batch_size=1), keras.layers.Conv2D(2, 1, use_bias=False),
                              keras.layers.GlobalAveragePooling2D()])
    model.layers[0].set_weights([KERNEL.reshape(1, 1, 3, 2)])
    model.save(tmp_path / "m.keras")
    np.testing.assert_allclose(open_keras(tmp_path / "m.keras", PREPARATION).embed(IMAGES), expected(), atol=1e-5)
    (tmp_path / "m.tflite").write_bytes(tensorflow.lite.TFLiteConverter.from_keras_model(model).convert())
    np.testing.assert_allclose(open_tflite(tmp_path / "m.tflite", PREPARATION).embed(IMAGES), expected(), atol=1e-5)
    for name, opener in (("bad.keras", open_keras), ("bad.tflite", open_tflite)):
        (tmp_path / name).write_bytes(b"no")
        with pytest.raises(InputError, match="cannot be loaded"):
            opener(tmp_path / name, PREPARATION)


def test_a_published_int8_model(shared: Path) -> None:
    """Quantized in and out: pixels 0..255 go in as they are, and images that differ give features that differ."""
    from tinysieve.filtering.evidence.backbones.tflite_backbone import open_tflite

    path = next(iter(sorted((shared / "models/reference").rglob("*.tflite"))), None)
    if path is None:
        pytest.skip("no reference model")
    backbone = open_tflite(path, Preparation())
    images = np.stack([np.full((backbone.side, backbone.side, 3), grey, np.uint8) for grey in (0, 255)])
    features = backbone.embed(images)
    assert features.shape == (2, backbone.dim)
    assert (features[0] != features[1]).any()
