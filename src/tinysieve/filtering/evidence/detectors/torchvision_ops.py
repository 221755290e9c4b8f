"""Give a CPU build of torch the one torchvision operator that detectors ask for.

The package index has torchvision only as built against CUDA; beside a CPU torch its operators do not
load and the whole import fails. Where torchvision is sound this does nothing.
"""

from __future__ import annotations

import sys
from typing import Any

_MISSING = "operator torchvision::nms does not exist"
_registered: list[Any] = []  # torch drops the operators when their library is garbage collected


def ensure_torchvision() -> bool:
    """Make `import torchvision` work.

    Returns:
        True where torchvision's own operators are there, False where ours stand in for them.
    """
    if _registered:
        return False
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if _MISSING not in str(error):
            raise
    else:
        return True
    for name in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    _register()
    return False


def _register() -> None:
    """Declare the two operators that torchvision's import looks up, then import it without its check."""
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor boxes, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _keep_best, "CPU")
    _registered.append(library)

    import torchvision.extension
    import torchvision.ops.boxes

    for module in (torchvision.extension, torchvision.ops.boxes):
        module._assert_has_ops = lambda: None


def _keep_best(boxes: Any, scores: Any, iou_threshold: float) -> Any:
    """Greedy suppression: indices of the kept boxes, best first; boxes float [n, 4], scores float [n]."""
    import torch

    order = scores.argsort(descending=True, stable=True)
    corners = boxes[order]
    area = (corners[:, 2:] - corners[:, :2]).prod(1)
    kept = []
    alive = torch.ones(len(order), dtype=torch.bool)
    for i in range(len(order)):
        if not alive[i]:
            continue
        kept.append(i)
        sides = (torch.minimum(corners[i, 2:], corners[i + 1 :, 2:])
                 - torch.maximum(corners[i, :2], corners[i + 1 :, :2])).clamp(min=0)
        common = sides.prod(1)
        alive[i + 1 :] &= common <= iou_threshold * (area[i] + area[i + 1 :] - common)
    return order[torch.tensor(kept, dtype=torch.long)]
