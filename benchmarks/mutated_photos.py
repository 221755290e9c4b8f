"""Damaged photos through the reader of ingest: each is read or quarantined by name, and no process dies.

    python benchmarks/mutated_photos.py [FILES]
"""

from __future__ import annotations

import io
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from campaign import damaged, tell
from PIL import Image, features

from tinysieve.dataset.images import MODEL_SIZE
from tinysieve.dataset.ingest import _examine

FORMS: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("JPEG", "RGB", {}), ("JPEG", "RGB", {"progressive": True}), ("JPEG", "L", {}), ("JPEG", "CMYK", {}), ("PNG", "RGB", {}),
    ("PNG", "P", {}), ("PNG", "RGBA", {}), ("PNG", "I;16", {}), ("PNG", "1", {}), ("WEBP", "RGB", {}),
    ("WEBP", "RGBA", {"lossless": True}), ("BMP", "RGB", {}), ("GIF", "P", {}), ("TIFF", "RGB", {}),
    ("TIFF", "RGB", {"compression": "tiff_lzw"}), ("TIFF", "L", {"compression": "tiff_adobe_deflate"}), ("AVIF", "RGB", {}))


@cache
def photos() -> tuple[bytes, ...]:
    """One sound file of each form that this Pillow writes."""
    rng, made = np.random.default_rng(0), []
    picture = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8)).resize((64, 48))
    for form, mode, options in FORMS:
        if form == "AVIF" and not features.check("avif"):
            continue
        buffer = io.BytesIO()
        turned = picture.convert("L").convert("I;16") if mode == "I;16" else picture.convert(mode)
        turned.save(buffer, form, **options)
        made.append(buffer.getvalue())
    return tuple(made)


@cache
def folder() -> Path:
    """One for each process."""
    return Path(tempfile.mkdtemp(prefix="tinysieve-photos-"))


def judge(number: int) -> str:
    """Photo `number`: forms take turns."""
    sound = photos()
    file = folder() / "photo.jpg"
    file.write_bytes(damaged(sound[number % len(sound)], np.random.default_rng([0, number])))
    examined = _examine((folder().resolve(),), file.name)
    if examined.reason:
        assert examined.pixels is None
        return "quarantined"
    assert examined.pixels is not None
    assert examined.pixels.shape == (MODEL_SIZE, MODEL_SIZE, 3)
    return "read"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(not tell("photos", judge, int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
