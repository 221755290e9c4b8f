"""A PyTorch program as backbone: `.pt2` from torch.export, or TorchScript. Never a pickled module, which could run anything."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.filtering.evidence.backbones.model_backbone import FloatArray, ModelBackbone, Preparation, image_side
from tinysieve.ground.errors import InputError, MissingRequirement

_EXPORT = "torch.export.save(torch.export.export(model.eval(), (torch.zeros(1, 3, side, side),)), 'model.pt2')"


def open_torch(path: Path, preparation: Preparation, side: int | None = None) -> ModelBackbone:
    """Load the program; it takes float [1, 3, side, side] and gives features [1, D] or a map [1, D, h, w].

    Args:
        path: `.pt2`, or TorchScript with any other suffix.
        preparation: of the pixels.
        side: pixels; TorchScript does not tell.

    Raises:
        MissingRequirement: PyTorch is not installed.
        InputError: not such a program.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingRequirement(f"PyTorch is not installed: {error}", fix="pip install torch") from error
    program, shape = _loaded(path, side)
    pixels, _ = image_side(shape, side, path)

    def run(prepared: FloatArray) -> NDArray[np.float32]:
        with torch.inference_mode():
            made = program(torch.from_numpy(np.ascontiguousarray(prepared.transpose(0, 3, 1, 2)))).numpy()
        return np.asarray(made.transpose(0, 2, 3, 1) if made.ndim == 4 else made, np.float32)

    return ModelBackbone(path, run, pixels, preparation)


def _loaded(path: Path, side: int | None) -> tuple[Any, list[object]]:
    """The program, and the shape of its input as far as it is known."""
    import torch

    try:
        with warnings.catch_warnings():
            # TorchScript is deprecated, and still what many models are shipped as.
            warnings.simplefilter("ignore")
            if path.suffix != ".pt2":
                return torch.jit.load(path, map_location="cpu").eval(), [1, 3, side, side]
            exported = torch.export.load(path)
    # torch raises RuntimeError, pickle and zip errors, and whatever else, for files that are none of its own.
    except Exception as error:
        raise InputError(f"cannot be loaded as a PyTorch program: {error}"[:300], where=str(path), fix=_EXPORT) from error
    names = exported.graph_signature.user_inputs
    values = [node.meta["val"] for node in exported.graph.nodes if node.op == "placeholder" and node.name in names]
    if len(values) != 1:
        raise InputError(f"the program has {len(values)} inputs, expected one image", where=str(path), fix=_EXPORT)
    return exported.module(), [entry if isinstance(entry, int) else None for entry in values[0].shape]
