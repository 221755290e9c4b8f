"""MCUNet in plain torch, for training on a processor: the table of `tinysieve.training.mcunet_table`, Keras' own names.

On the processor where the starting weights were trained a step took a quarter of the time that it takes TensorFlow. The
weights are the same numbers under the same names in both (`as_keras`), and so is the function.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from tinysieve.training.mcunet_table import BLOCKS, CLASSES, INPUT_CHANNELS, STEM_CHANNELS, McunetBlock

FEATURES = BLOCKS[-1].out_channels


class McunetTorch(nn.Module):
    """MCUNet and two more heads that only training uses: what a teacher sees in the photo, and where in it a person is.

    Args:
        taught: width of the teacher's description.
    """

    def __init__(self, taught: int) -> None:
        super().__init__()
        self.layers = nn.ModuleDict({"stem_conv": _conv(INPUT_CHANNELS, STEM_CHANNELS, 3, 2), "stem_norm": _norm(STEM_CHANNELS)})
        for number, block in enumerate(BLOCKS, start=1):
            self.layers.update(_block_layers(block, f"block{number}"))
        self.layers["head_conv"] = nn.Conv2d(FEATURES, CLASSES, 1)
        self.taught = nn.Linear(FEATURES, taught)
        self.where = nn.Conv2d(FEATURES, 1, 1)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # Torch's own start has a third of this variance: half as many steps for the same loss.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
                nn.init.zeros_(layer.bias)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """float32 [N, 3, H, W], 0..255 -> logits [N, 2], the teacher's description [N, taught], logits of each cell [N, h, w]."""
        x = self._active("stem_conv", "stem_norm", images)
        for number, block in enumerate(BLOCKS, start=1):
            name, shortcut = f"block{number}", x
            if block.expansion > 1:
                x = self._active(f"{name}_expand", f"{name}_expand_norm", x)
            x = self._active(f"{name}_depthwise", f"{name}_depthwise_norm", x)
            x = self.layers[f"{name}_project"](x)
            x = shortcut + x if block.has_shortcut else x
        pooled = x.mean((2, 3), keepdim=True)
        return self.layers["head_conv"](pooled).flatten(1), self.taught(pooled.flatten(1)), self.where(x)[:, 0]

    def _active(self, layer: str, norm: str, x: Tensor) -> Tensor:
        return nn.functional.relu6(self.layers[norm](self.layers[layer](x)), inplace=True)


def as_keras(net: McunetTorch) -> dict[str, NDArray[np.float32]]:
    """The weights as `tinysieve.training.checkpoint` names and lays them out: kernels [height, width, in, out]."""
    names = {"bias": "bias", "running_mean": "moving_mean", "running_var": "moving_variance"}
    arrays = {}
    for layer, module in net.layers.items():
        for key, value in module.state_dict().items():
            if key == "weight" and value.ndim == 4:
                # A depthwise kernel is [channels, 1, k, k] here and [k, k, channels, 1] there.
                arrays[f"{layer}/kernel"] = value.permute(*((2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0)))
            elif key == "weight":
                arrays[f"{layer}/gamma"] = value
            elif key in names:
                arrays[f"{layer}/{'beta' if key == 'bias' and layer.endswith('norm') else names[key]}"] = value
    return {name: np.ascontiguousarray(value.float().numpy()) for name, value in arrays.items()}


def _block_layers(block: McunetBlock, name: str) -> dict[str, nn.Module]:
    mid = block.mid_channels
    expand = {f"{name}_expand": nn.Conv2d(block.in_channels, mid, 1), f"{name}_expand_norm": _norm(mid)}
    return (expand if block.expansion > 1 else {}) | {
        f"{name}_depthwise": _conv(mid, mid, block.kernel, block.stride, groups=mid),
        f"{name}_depthwise_norm": _norm(mid),
        f"{name}_project": nn.Conv2d(mid, block.out_channels, 1),
    }


def _conv(channels: int, out: int, kernel: int, stride: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    """Keras' defaults, but for moments that follow faster: few steps are taken at a size of the images."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.03)
