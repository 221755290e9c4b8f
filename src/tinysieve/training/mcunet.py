"""MCUNet "320kb-1mb_vww" as a Keras 3 model: RGB 0..255 as they are in, two logits [background, person] out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinysieve.training.mcunet_table import BLOCKS, INPUT_SIZE

if TYPE_CHECKING:
    import keras


def build_mcunet(seed: int = 0, input_size: int = INPUT_SIZE) -> keras.Model:
    """The network with fresh weights, on whichever backend Keras runs.

    Args:
        seed: of the initial weights (Glorot uniform); the same seed gives the same weights.
        input_size: side of the square input in pixels; the challenge's is 144. Tests use less.

    Returns:
        A model float32 [N, input_size, input_size, 3], values 0..255 -> logits float32 [N, 2], [background, person].
    """
    from tinysieve.training.mcunet_layers import connect

    return connect(BLOCKS, seed=seed, input_size=input_size)
