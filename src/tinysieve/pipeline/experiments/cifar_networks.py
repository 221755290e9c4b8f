"""Networks for small pictures: a small one for two cores, and the WideResNet-28-10 of the published runs for a GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

# Half the published weight decay of 5e-4: Keras penalises lambda * w^2, SGD's decay is the gradient of half of that.
_PENALTY = 2.5e-4


def small_network(classes: int, seed: int, side: int = 32) -> keras.Model:
    """Three strided convolutions with batch norm, then a linear layer: 94 thousand weights, a few MMACs at 32 x 32."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs, hidden = _input(side)
    for channels, stride in ((32, 2), (64, 2), (128, 1)):
        hidden = _convolution(channels, 3, stride)(hidden)
        hidden = _relu(keras.layers.BatchNormalization(momentum=0.9)(hidden))
    return keras.Model(inputs, _head(hidden, classes), name="small")


def wide_resnet_28_10(classes: int, seed: int, side: int = 32) -> keras.Model:
    """WideResNet-28-10 without dropout (Zagoruyko and Komodakis 2016): 36.5 million weights, 5.2 GMACs a 32 x 32 picture."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs, hidden = _input(side)
    hidden = _convolution(16, 3, 1)(hidden)
    for channels, stride in ((160, 1), (320, 2), (640, 2)):
        for block in range(4):
            hidden = _block(hidden, channels, stride if block == 0 else 1)
    hidden = _relu(keras.layers.BatchNormalization(momentum=0.9)(hidden))
    return keras.Model(inputs, _head(hidden, classes), name="wide-resnet-28-10")


NETWORKS: dict[str, Callable[[int, int, int], keras.Model]] = {"small": small_network, "wide-resnet-28-10": wide_resnet_28_10}


def _block(inputs: Any, channels: int, stride: int) -> Any:
    """Pre-activation residual block; where the shape changes the shortcut is a 1 x 1 convolution of the activation."""
    import keras

    active = _relu(keras.layers.BatchNormalization(momentum=0.9)(inputs))
    hidden = _convolution(channels, 3, stride)(active)
    hidden = _relu(keras.layers.BatchNormalization(momentum=0.9)(hidden))
    hidden = _convolution(channels, 3, 1)(hidden)
    same = stride == 1 and inputs.shape[-1] == channels
    return keras.layers.add([hidden, inputs if same else _convolution(channels, 1, stride)(active)])


def _input(side: int) -> tuple[Any, Any]:
    """Pictures 0..255 as they are, and scaled to about deviation 1."""
    import keras

    inputs = keras.Input((side, side, 3))
    return inputs, keras.layers.Rescaling(1 / 64, -2.0)(inputs)


def _convolution(channels: int, size: int, stride: int) -> Any:
    import keras

    return keras.layers.Conv2D(channels, size, stride, padding="same", use_bias=False, kernel_initializer="he_normal",
                               kernel_regularizer=keras.regularizers.L2(_PENALTY))


def _relu(inputs: Any) -> Any:
    import keras

    return keras.layers.ReLU()(inputs)


def _head(hidden: Any, classes: int) -> Any:
    import keras

    pooled = keras.layers.GlobalAveragePooling2D()(hidden)
    return keras.layers.Dense(classes, kernel_regularizer=keras.regularizers.L2(_PENALTY))(pooled)
