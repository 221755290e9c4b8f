"""Pictures for a review, made when they are asked for: from the original photo, else from the packed pixels."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tinysieve.dataset.image_store import ChangedImage, decode_checked
from tinysieve.dataset.images import UndecodableImage
from tinysieve.dataset.packed_pixels import PixelRows
from tinysieve.dataset.samples import SampleTable
from tinysieve.dataset.stores.store import DamagedFile, ImageStore, Unreachable
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of, store_of

THUMBNAIL_SIDE, PHOTO_SIDE = 320, 1280
# In a folder every picture takes room: as many pixels as the large view has on most screens, and no more.
FOLDER_SIDE = 960
_QUALITY = 78


@dataclass(frozen=True, eq=False)
class Photos:
    """The pictures of a sample table.

    Args:
        samples: N samples.
        store: where the photos lie; one that is gone, lies outside, or is not the one that ingest saw, is not shown.
        pixels: uint8 [rows, 144, 144, 3], squashed to a square, as a stand-in.
    """

    samples: SampleTable
    store: ImageStore
    pixels: PixelRows

    def jpeg(self, row: int, longest: int) -> bytes:
        """The picture of one sample as JPEG, upright, in true proportions, its longer side at most `longest` pixels."""
        return self.jpegs(row, (longest,))[0]

    def jpegs(self, row: int, sides: Sequence[int]) -> list[bytes]:
        """`jpeg` in several sizes; the photo is decoded once."""
        image = self._original(row) or self._packed(row)
        return [_jpeg(image, longest) for longest in sides]

    def _original(self, row: int) -> Image.Image | None:
        name, sample_id = (str(self.samples.table[column][row].as_py()) for column in ("filepath", "sample_id"))
        try:
            return Image.fromarray(decode_checked(self.store, name, sample_id))
        # Then the packed pixels, which are those of the sample, are shown.
        except (ChangedImage, UndecodableImage, DamagedFile, Unreachable):
            return None

    def _packed(self, row: int) -> Image.Image:
        width, height, packed = (int(self.samples.table[name][row].as_py()) for name in ("width", "height", "pixel_row"))
        image = Image.fromarray(np.ascontiguousarray(self.pixels[packed]))
        scale = THUMBNAIL_SIDE / max(width, height)
        return image.resize((max(round(width * scale), 1), max(round(height * scale), 1)), Image.Resampling.BILINEAR)


def _jpeg(image: Image.Image, longest: int) -> bytes:
    small, stream = image.copy(), io.BytesIO()
    small.thumbnail((longest, longest), Image.Resampling.BILINEAR)
    small.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()


def photos_of(run: Run) -> Photos:
    """The pictures of a run whose ingest has finished."""
    return Photos(samples_of(run), store_of(run.config), PIXELS.of(run))
