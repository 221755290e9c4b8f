"""The decoder against real files of every odd kind."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tinysieve.dataset import images
from tinysieve.dataset.images import UndecodableImage, decode, resize_bilinear

GRADIENT = np.add.outer(np.arange(40), np.arange(60)).astype(np.uint8)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA"])
def test_every_png_mode_becomes_rgb(mode: str) -> None:
    image = decode(encoded(Image.fromarray(GRADIENT).convert(mode), "PNG"))
    assert image.dtype == np.uint8
    assert image.shape == (40, 60, 3)


def test_cmyk_keeps_its_colours() -> None:
    red = Image.new("RGB", (8, 8), (220, 20, 20)).convert("CMYK")
    mean = decode(encoded(red, "JPEG", quality=95)).mean(axis=(0, 1))
    assert mean[0] > 150 > 80 > mean[1]


def test_sixteen_bits_scale_to_eight() -> None:
    values = np.array([[0, 257 * 100, 65535]], np.uint16)
    assert decode(encoded(Image.fromarray(values), "PNG"))[0, :, 0].tolist() == [0, 100, 255]


def test_exif_orientation_is_applied() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert decode(encoded(Image.fromarray(GRADIENT), "JPEG", exif=exif)).shape == (60, 40, 3)


def test_palette_transparency_does_not_hide_pixels() -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 200, 30] + [0] * 765)
    assert decode(encoded(image, "PNG", transparency=0))[0, 0].tolist() == [10, 200, 30]


def test_broken_files_say_why() -> None:
    jpeg = encoded(Image.fromarray(GRADIENT), "JPEG")
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    cases = {
        "empty": b"", "not an image": b"this is text, not a picture", "cannot be decoded": jpeg[: len(jpeg) // 2],
        "animated": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
    }
    for reason, data in cases.items():
        with pytest.raises(UndecodableImage, match=reason):
            decode(data)


def test_over_large_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 40 * 60 - 1)
    with pytest.raises(UndecodableImage, match="over-large: 60 x 40"):
        decode(encoded(Image.fromarray(GRADIENT), "PNG"))


def test_resize_is_half_pixel_bilinear_without_antialias() -> None:
    """Output x samples input at (x + 1/2) * scale - 1/2: at a scale of 2, the mean of two neighbours."""
    ramp = np.repeat(np.arange(0, 8, dtype=np.uint8)[None, :, None] * 20, 8, axis=0).repeat(3, axis=2)
    expected = (ramp[0, 0::2, 0].astype(int) + ramp[0, 1::2, 0]) / 2
    assert np.abs(resize_bilinear(ramp, 4)[0, :, 0] - expected).max() <= 0.5
