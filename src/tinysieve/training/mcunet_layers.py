"""MCUNet's table as Keras 3 layers: the only part of the network's description that needs Keras.

At stride 1 the published k // 2 zeros are what SAME does, so SAME it is: the same function and no PAD in the int8
graph. At stride 2 TensorFlow's SAME pads one side more than the other, which is another function; there the explicit
padding stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import layers

from tinysieve.training.mcunet_table import CLASSES, INPUT_CHANNELS, STEM_CHANNELS, McunetBlock, block_sides


def connect(blocks: Sequence[McunetBlock], *, seed: int, input_size: int) -> keras.Model:
    """Layers for `blocks` between the stem and the head; see `tinysieve.training.mcunet.build_mcunet`."""
    initializer = _initializers(seed)
    image = keras.Input((input_size, input_size, INPUT_CHANNELS), name="image")
    x = layers.ZeroPadding2D(1, name="stem_pad")(image)
    x = layers.Conv2D(STEM_CHANNELS, 3, strides=2, kernel_initializer=initializer(), name="stem_conv")(x)
    x = _normalise(x, "stem")
    for number, block in enumerate(blocks, start=1):
        x = _inverted_residual(x, block, f"block{number}", initializer)
    x = layers.AveragePooling2D(block_sides(input_size)[-1], name="head_pool")(x)
    x = layers.Conv2D(CLASSES, 1, kernel_initializer=initializer(), name="head_conv")(x)
    # A constant target shape: the converter would otherwise compute it with SHAPE, STRIDED_SLICE and PACK.
    logits = layers.Reshape((CLASSES,), name="logits")(x)
    return keras.Model(image, logits, name="mcunet_320kb_1mb_vww")


def _inverted_residual(
    x: keras.KerasTensor, block: McunetBlock, name: str, initializer: Callable[[], keras.initializers.Initializer]
) -> keras.KerasTensor:
    shortcut = x
    if block.expansion > 1:
        x = layers.Conv2D(block.mid_channels, 1, kernel_initializer=initializer(), name=f"{name}_expand")(x)
        x = _normalise(x, f"{name}_expand")
    if block.stride == 2:
        x = layers.ZeroPadding2D(block.kernel // 2, name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same" if block.stride == 1 else "valid",
        depthwise_initializer=initializer(),
        name=f"{name}_depthwise",
    )(x)
    x = _normalise(x, f"{name}_depthwise")
    x = layers.Conv2D(block.out_channels, 1, kernel_initializer=initializer(), name=f"{name}_project")(x)
    return layers.Add(name=f"{name}_add")([shortcut, x]) if block.has_shortcut else x


def _normalise(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(name=f"{name}_norm")(x)
    return layers.ReLU(6.0, name=f"{name}_relu6")(x)


def _initializers(seed: int) -> Callable[[], keras.initializers.Initializer]:
    """A maker of Keras' default initializer, each with a seed of its own so that no two layers start alike."""
    state = {"next": seed * 1000}

    def make() -> keras.initializers.Initializer:
        state["next"] += 1
        return keras.initializers.GlorotUniform(seed=state["next"])

    return make
