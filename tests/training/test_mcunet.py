"""The fixed network: what the table says, as formulas, and what Keras builds from it."""

from __future__ import annotations

import numpy as np
import pytest

from tinysieve.training.mcunet import build_mcunet
from tinysieve.training.mcunet_table import BLOCKS, McunetBlock, block_macs, block_parameters, block_sides, macs, parameters

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

# Facts of the published network: (expanded channels, kernel, stride, out channels, side of the output, shortcut)
PUBLISHED = [
    (16, 3, 1, 8, 72, False),
    (24, 3, 2, 16, 36, False),
    (80, 3, 1, 16, 36, True),
    (96, 5, 1, 16, 36, True),
    (48, 3, 1, 16, 36, True),
    (80, 7, 2, 24, 18, False),
    (96, 5, 1, 24, 18, True),
    (96, 3, 1, 24, 18, True),
    (144, 7, 1, 24, 18, True),
    (144, 3, 2, 40, 9, False),
    (240, 7, 1, 40, 9, True),
    (160, 5, 1, 40, 9, True),
    (200, 3, 1, 40, 9, True),
    (200, 5, 1, 48, 9, False),
    (144, 5, 1, 48, 9, True),
    (192, 3, 1, 48, 9, True),
    (144, 5, 1, 48, 9, True),
    (192, 3, 2, 96, 5, False),
    (480, 5, 1, 96, 5, True),
    (384, 5, 1, 96, 5, True),
    (384, 3, 1, 96, 5, True),
    (480, 3, 1, 160, 5, False),
]


@pytest.fixture(scope="module")
def model():
    """MCUNet as users get it."""
    return build_mcunet(seed=1)


def test_the_table_is_the_published_one():
    ours = [
        (block.mid_channels, block.kernel, block.stride, block.out_channels, side, block.has_shortcut)
        for block, side in zip(BLOCKS, block_sides(), strict=True)
    ]
    assert ours == PUBLISHED


def test_channels_chain_from_the_stem():
    assert [block.in_channels for block in BLOCKS] == [16, *(block.out_channels for block in BLOCKS[:-1])]


def test_macs_of_one_block_by_hand():
    # block 2: expand at 72 x 72, depthwise and projection at 36 x 36
    assert block_macs(BLOCKS[1], 72) == 72 * 72 * 8 * 24 + 36 * 36 * (3 * 3 * 24 + 24 * 16)


def test_parameters_of_one_block_by_hand():
    # block 2: three convolutions with biases, batch normalisation (4 a channel) after the first two only
    assert block_parameters(BLOCKS[1]) == (8 * 24 + 24) + 4 * 24 + (9 * 24 + 24) + 4 * 24 + (24 * 16 + 16)


def test_totals():
    assert macs() == 55_771_280
    assert parameters() == 662_338


@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_expansion_one_has_no_expanding_convolution(kernel):
    block = McunetBlock(16, 1, kernel, 1, 8)
    assert block_parameters(block) == 16 * kernel**2 + 16 + 4 * 16 + 16 * 8 + 8


def test_keras_agrees_with_the_table(model):
    assert model.count_params() == parameters()
    trained = sum(int(np.prod(variable.shape)) for variable in model.trainable_variables)
    moving = sum(int(np.prod(variable.shape)) for variable in model.non_trainable_variables)
    assert (trained, moving) == (646_242, 16_096)


def test_every_block_has_the_published_shape(model):
    for number, (_, _, _, out_channels, side, shortcut) in enumerate(PUBLISHED, start=1):
        name = f"block{number}_add" if shortcut else f"block{number}_project"
        assert model.get_layer(name).output.shape == (None, side, side, out_channels)
    assert model.output_shape == (None, 2)


def test_padding_is_explicit_only_where_same_would_differ(model):
    padded = {layer.name for layer in model.layers if type(layer).__name__ == "ZeroPadding2D"}
    strided = {f"block{number}_pad" for number, block in enumerate(BLOCKS, start=1) if block.stride == 2}
    assert padded == {"stem_pad", *strided}


def test_same_padding_at_stride_one_is_zero_padding():
    import keras

    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 9, 9, 4)).astype(np.float32)
    for kernel in (3, 5, 7):
        same = keras.layers.DepthwiseConv2D(kernel, padding="same")
        valid = keras.layers.DepthwiseConv2D(kernel)
        expected_shape = same(image).shape
        padded = np.pad(image, ((0, 0), (kernel // 2,) * 2, (kernel // 2,) * 2, (0, 0)))
        valid.build(padded.shape)
        valid.set_weights(same.get_weights())
        assert valid(padded).shape == expected_shape
        np.testing.assert_allclose(np.asarray(valid(padded)), np.asarray(same(image)), rtol=1e-5, atol=1e-5)


def test_the_seed_decides_the_weights(model):
    again, other = build_mcunet(seed=1), build_mcunet(seed=2)
    for one, same, another in zip(model.get_weights(), again.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, same)
        constant = len(np.unique(one)) == 1  # biases and batch normalisation start as zeros and ones
        assert constant or not np.array_equal(one, another)


def test_two_layers_never_start_alike(model):
    kernels = [model.get_layer(f"block{number}_project").get_weights()[0] for number in (15, 17)]
    assert not np.array_equal(*kernels)
