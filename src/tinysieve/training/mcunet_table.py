"""MCUNet "320kb-1mb_vww", the one network of the Wake Vision challenge, as a table.

The table is the source of truth: the model, the parameter count and the multiply-accumulates (MACs) are all derived
from it. The network never changes; only the data does. It eats RGB 0..255 as they are and gives two logits,
[background, person].
"""

from __future__ import annotations

from dataclasses import dataclass

INPUT_SIZE = 144
INPUT_CHANNELS = 3
STEM_CHANNELS = 16
CLASSES = 2


@dataclass(frozen=True)
class McunetBlock:
    """One inverted residual block: expand 1x1, depthwise k x k, project 1x1, shortcut where the shapes allow it.

    Args:
        in_channels: channels that come in.
        expansion: ratio of the expanded to the incoming channels; 1 means that there is no expanding convolution.
        kernel: side of the depthwise kernel, 3, 5 or 7.
        stride: stride of the depthwise convolution, 1 or 2.
        out_channels: channels that go out.
    """

    in_channels: int
    expansion: int
    kernel: int
    stride: int
    out_channels: int

    @property
    def mid_channels(self) -> int:
        """Channels of the depthwise convolution."""
        return self.in_channels * self.expansion

    @property
    def has_shortcut(self) -> bool:
        """Whether the input is added to the output."""
        return self.stride == 1 and self.in_channels == self.out_channels


BLOCKS: tuple[McunetBlock, ...] = (
    McunetBlock(16, 1, 3, 1, 8),
    McunetBlock(8, 3, 3, 2, 16),
    McunetBlock(16, 5, 3, 1, 16),
    McunetBlock(16, 6, 5, 1, 16),
    McunetBlock(16, 3, 3, 1, 16),
    McunetBlock(16, 5, 7, 2, 24),
    McunetBlock(24, 4, 5, 1, 24),
    McunetBlock(24, 4, 3, 1, 24),
    McunetBlock(24, 6, 7, 1, 24),
    McunetBlock(24, 6, 3, 2, 40),
    McunetBlock(40, 6, 7, 1, 40),
    McunetBlock(40, 4, 5, 1, 40),
    McunetBlock(40, 5, 3, 1, 40),
    McunetBlock(40, 5, 5, 1, 48),
    McunetBlock(48, 3, 5, 1, 48),
    McunetBlock(48, 4, 3, 1, 48),
    McunetBlock(48, 3, 5, 1, 48),
    McunetBlock(48, 4, 3, 2, 96),
    McunetBlock(96, 5, 5, 1, 96),
    McunetBlock(96, 4, 5, 1, 96),
    McunetBlock(96, 4, 3, 1, 96),
    McunetBlock(96, 5, 3, 1, 160),
)


def halved(size: int) -> int:
    """Side after a k x k convolution of stride 2 with k // 2 zeros on every border (k odd): ceil(size / 2).

    >>> [halved(side) for side in (144, 18, 9)]
    [72, 9, 5]
    """
    return (size + 1) // 2


def block_sides(input_size: int = INPUT_SIZE) -> list[int]:
    """Side of each block's output in pixels, in the order of BLOCKS.

    >>> block_sides()[-1]
    5
    """
    side, sides = halved(input_size), []
    for block in BLOCKS:
        side = halved(side) if block.stride == 2 else side
        sides.append(side)
    return sides


def block_macs(block: McunetBlock, in_side: int) -> int:
    """Multiply-accumulates of one block on a square input; biases and additions are not counted.

    >>> block_macs(McunetBlock(16, 1, 3, 1, 8), 72) == 72 * 72 * (3 * 3 * 16 + 16 * 8)
    True
    """
    out_side = halved(in_side) if block.stride == 2 else in_side
    expand = in_side**2 * block.in_channels * block.mid_channels if block.expansion > 1 else 0
    return expand + out_side**2 * block.mid_channels * (block.kernel**2 + block.out_channels)


def block_parameters(block: McunetBlock) -> int:
    """Weights, biases and batch normalisation's four values a channel (two of them are trained).

    There is no batch normalisation after the projection: the challenge's network has none there.

    >>> block_parameters(McunetBlock(16, 1, 3, 1, 8)) == 16 * (3 * 3 + 1) + 4 * 16 + (16 + 1) * 8
    True
    """
    mid = block.mid_channels
    expand = (block.in_channels + 1) * mid + 4 * mid if block.expansion > 1 else 0
    return expand + mid * (block.kernel**2 + 1) + 4 * mid + (mid + 1) * block.out_channels


def macs(input_size: int = INPUT_SIZE) -> int:
    """Multiply-accumulates of the whole network for one image.

    >>> macs()
    55771280
    """
    stem_side = halved(input_size)
    stem = stem_side**2 * 3 * 3 * INPUT_CHANNELS * STEM_CHANNELS
    in_sides = [stem_side, *block_sides(input_size)[:-1]]
    blocks = sum(block_macs(block, side) for block, side in zip(BLOCKS, in_sides, strict=True))
    return stem + blocks + BLOCKS[-1].out_channels * CLASSES


def parameters() -> int:
    """Parameters of the whole network, moving averages included.

    >>> parameters()
    662338
    """
    stem = (3 * 3 * INPUT_CHANNELS + 1) * STEM_CHANNELS + 4 * STEM_CHANNELS
    head = (BLOCKS[-1].out_channels + 1) * CLASSES
    return stem + sum(map(block_parameters, BLOCKS)) + head
