"""The decoder against real files of every odd kind."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps, PngImagePlugin

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
        "animated": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]),
        "several pages": encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
    }
    for reason, data in cases.items():
        with pytest.raises(UndecodableImage, match=reason):
            decode(data)


def test_over_large_is_refused_before_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_PIXELS", 40 * 60 - 1)
    with pytest.raises(UndecodableImage, match="too large: 60 x 40"):
        decode(encoded(Image.fromarray(GRADIENT), "PNG"))


def test_of_a_gif_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    assert decode(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_as_pillow_turns_it(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(GRADIENT).convert("RGB"), kind, exif=exif)
    expected = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    np.testing.assert_array_equal(decode(data), np.asarray(expected))


def with_exif(jpeg: bytes, entries: list[tuple[int, int, int, bytes]]) -> bytes:
    """The JPEG with a little-endian Exif block of these (tag, type, count, four bytes or what lies behind the entries)."""
    behind = 8 + 2 + 12 * len(entries) + 4
    body, extra = struct.pack("<H", len(entries)), b""
    for tag, kind, count, value in entries:
        cell = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack("<I", behind + len(extra))
        extra += value if len(value) > 4 else b""
        body += struct.pack("<HHI", tag, kind, count) + cell
    block = b"Exif\0\0II*\0" + struct.pack("<I", 8) + body + bytes(4) + extra
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + jpeg[2:]


SIDEWAYS = (0x0112, 3, 1, struct.pack("<H", 6))


@pytest.mark.parametrize("odd", [
    (0x011A, 10, 1, struct.pack("<ii", -1, 0)), (0x011A, 5, 1, struct.pack("<II", 1, 0)), (0x011A, 2, 900, b"x" * 8),
    (0x0128, 3, 0, b""), (0x8769, 4, 1, struct.pack("<I", 2**32 - 1)), (0x011A, 99, 2**32 - 1, b"\xff" * 8),
])
def test_one_odd_tag_loses_neither_the_photo_nor_its_orientation(odd: tuple[int, int, int, bytes]) -> None:
    plain = encoded(Image.fromarray(GRADIENT), "JPEG")
    turned = decode(with_exif(plain, [odd, SIDEWAYS]))
    np.testing.assert_array_equal(turned, np.rot90(decode(plain), -1))


@pytest.mark.parametrize("block", [b"", b"II*\0", b"MM\0*\xff\xff\xff\xff",
                                   b"II*\0\x08\0\0\0\xff\xff" + b"\x12\x01\x03\0\1\0\0\0\x09\0\0\0"])
def test_an_exif_block_that_says_nothing_turns_nothing(block: bytes) -> None:
    plain = encoded(Image.fromarray(GRADIENT), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
    np.testing.assert_array_equal(decode(plain[:2] + segment + plain[2:]), decode(plain))


def test_a_png_with_a_comment_of_megabytes_is_a_photo() -> None:
    about = PngImagePlugin.PngInfo()
    about.add_text("workflow", "x" * 3_000_000, zip=True)
    assert decode(encoded(Image.fromarray(GRADIENT), "PNG", pnginfo=about)).shape == (40, 60, 3)


@pytest.mark.parametrize(("head", "name"), [
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript is not read"), (b"DDS " + bytes(200), "DDS is not read"),
    (b"BLP2" + bytes(200), "BLP is not read"), (b"P6\n1 1\n255\n\0\0\0", "PPM is not read"), (bytes(400), "not an image"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000 is not read"), (b"%PDF-1.7\n", "PDF is not read"),
])
def test_other_formats_are_refused_by_name_and_start_nothing(head: bytes, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*words: object, **options: object) -> None:
        raise AssertionError("something was started")

    monkeypatch.setattr("PIL.Image.open", never)
    monkeypatch.setattr("subprocess.Popen", never)
    with pytest.raises(UndecodableImage, match=name):
        decode(head)


def test_heic_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif.as_plugin", None)
    with pytest.raises(UndecodableImage, match=r"pip install 'tinysieve\[heif\]'"):
        decode(b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf")


def test_heic_is_read_where_its_package_is() -> None:
    heif = pytest.importorskip("pillow_heif")
    photo = heif.from_pillow(Image.new("RGB", (60, 40), (200, 30, 30)))
    buffer = io.BytesIO()
    photo.save(buffer)
    assert np.abs(decode(buffer.getvalue()).astype(int) - [200, 30, 30]).max() < 8


def test_a_sparse_file_of_40_gb_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "big.jpg").open("wb") as file:
        file.truncate(40 * 10**9)
    with pytest.raises(UndecodableImage, match="too large: a file of 40,000,000,000 bytes"):
        decode(tmp_path / "big.jpg")


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(UndecodableImage, match="not a regular file"):
        decode(tmp_path / "pipe.jpg")


def test_deep_pixels_have_a_limit_of_their_own() -> None:
    """A PNG of 10,000 x 10,000 16-bit values is refused by its header: no row of it is here."""
    size = struct.pack(">II", 10_000, 10_000) + b"\x10\0\0\0\0"
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + size
    data += struct.pack(">I", zlib.crc32(b"IHDR" + size)) + struct.pack(">I", 9) + b"IDAT" + bytes(13)
    with pytest.raises(UndecodableImage, match=r"too large: 10000 x 10000 is more than 25,000,000 pixels of more than 8 bits"):
        decode(data)


def test_our_limit_leaves_pillows_alone() -> None:
    assert Image.MAX_IMAGE_PIXELS is not None


FLOATS = np.linspace(0, 1, 2400, dtype=np.float32).reshape(40, 60)


@pytest.mark.parametrize("scale", [1, 255])
def test_floats_from_0_to_1_or_to_255_are_seen(scale: int) -> None:
    seen = decode(encoded(Image.fromarray(FLOATS * np.float32(scale)), "TIFF"))
    np.testing.assert_array_equal(seen[..., 1], np.rint(FLOATS * 255))


def test_a_float_that_rounding_put_above_one_is_white() -> None:
    seen = decode(encoded(Image.fromarray(FLOATS * np.float32(1.0005)), "TIFF"))
    assert seen[0, 0, 0] == 0
    assert seen[-1, -1, 0] == 255


@pytest.mark.parametrize("brightest", [1.5, 60, 0.2])
def test_floats_that_reach_too_little_of_a_range_are_not_taken_for_night(brightest: float) -> None:
    """An overshoot above 1 read as 0..255 would be black."""
    with pytest.raises(UndecodableImage, match=f"float values go up to {brightest:g} only: nothing says which is white"):
        decode(encoded(Image.fromarray(FLOATS * np.float32(brightest)), "TIFF"))


@pytest.mark.parametrize("values", [FLOATS * 4096, FLOATS - 1, np.where(FLOATS > 0.5, np.nan, FLOATS).astype(np.float32)])
def test_floats_of_another_range_are_refused(values: np.ndarray) -> None:
    with pytest.raises(UndecodableImage, match="float values go from"):
        decode(encoded(Image.fromarray(values), "TIFF"))


TWELVE = (FLOATS * 4095).astype(np.uint16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("bits", [10, 12, 14])
def test_the_bits_of_a_camera_in_sixteen_are_not_taken_for_night(kind: str, bits: int) -> None:
    with pytest.raises(UndecodableImage, match="nothing says which is white"):
        decode(encoded(Image.fromarray((FLOATS * (2**bits - 1)).astype(np.uint16)), kind))


def test_colour_floats_say_what_to_store() -> None:
    """A TIFF of three 32-bit floats a pixel: Pillow has no mode for it."""
    cells = [(256, 4, 1, 2), (257, 4, 1, 2), (258, 3, 1, 32), (262, 3, 1, 2), (273, 4, 1, 200), (277, 3, 1, 3), (278, 4, 1, 2),
             (279, 4, 1, 48), (339, 3, 1, 3)]
    entries = b"".join(struct.pack("<HHII", *cell) for cell in cells)
    data = (b"II*\0" + struct.pack("<IH", 8, len(cells)) + entries + bytes(4)).ljust(200, b"\0") + bytes(48)
    with pytest.raises(UndecodableImage, match=r"pixels of a kind that is not read.*store 8 bits"):
        decode(data)


def test_twelve_bits_that_the_file_declares_are_seen() -> None:
    """Chunk sBIT stands behind IHDR: 8 bytes of signature and 25 of IHDR."""
    data = encoded(Image.fromarray(TWELVE), "PNG")
    chunk = b"sBIT" + b"\x0c"
    data = data[:33] + struct.pack(">I", 1) + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]
    np.testing.assert_array_equal(decode(data)[..., 0], TWELVE.astype(int) * 255 // 4095)


def test_a_raw_file_of_a_camera_is_not_read_as_its_preview() -> None:
    with pytest.raises(UndecodableImage, match="a camera's raw file"):
        decode(encoded(Image.fromarray(GRADIENT), "TIFF", tiffinfo={50706: b"\1\4\0\0"}))


def test_whatever_a_decoder_raises_is_one_files_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def odd(*_: object) -> None:
        raise AttributeError

    monkeypatch.setitem(images._OPENERS, "PNG", odd)
    with pytest.raises(UndecodableImage, match="cannot be decoded: AttributeError"):
        decode(encoded(Image.fromarray(GRADIENT), "PNG"))


def test_resize_is_half_pixel_bilinear_without_antialias() -> None:
    """Output x samples input at (x + 1/2) * scale - 1/2: at a scale of 2, the mean of two neighbours."""
    ramp = np.repeat(np.arange(0, 8, dtype=np.uint8)[None, :, None] * 20, 8, axis=0).repeat(3, axis=2)
    expected = (ramp[0, 0::2, 0].astype(int) + ramp[0, 1::2, 0]) / 2
    assert np.abs(resize_bilinear(ramp, 4)[0, :, 0] - expected).max() <= 0.5
