"""Of all that a camera writes beside the pixels only the orientation counts: it is read alone, the rest is never parsed.

A JPEG or PNG is handed to its decoder without its metadata, because one odd tag among hundreds could otherwise lose the photo.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

_EXIF, _ORIENTATION = b"Exif\0\0", 0x0112
# Application segments that say how the colours are stored: JFIF and Adobe.
_COLOUR_SEGMENTS = (0xE0, 0xEE)
# Chunks of a PNG that change its pixels or their number, and the one that says how many bits of a value count.
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"sBIT", b"acTL", b"fcTL", b"fdAT")


def without_jpeg_metadata(data: bytes) -> tuple[bytes, int]:
    """(the file without application segments and comments, its orientation 1..8); odd structure is left to the decoder."""
    kept, orientation, place = [data[:2]], 1, 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] not in (0xDA, 0xD9):
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        end = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if end < place + 4 or end > len(data):
            break
        segment = data[place + 4 : end]
        if marker == 0xE1 and segment.startswith(_EXIF) and orientation == 1:
            orientation = orientation_of(segment)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or marker in _COLOUR_SEGMENTS:
            kept.append(data[place:end])
        place = end
    return b"".join([*kept, data[place:]]), orientation


def without_png_metadata(data: bytes) -> tuple[bytes, int]:
    """(the file without its texts, times and profiles, its orientation 1..8); odd structure is left to the decoder."""
    kept, orientation, place = [data[:8]], 1, 8
    while place + 12 <= len(data):
        name, end = data[place + 4 : place + 8], place + 12 + int.from_bytes(data[place : place + 4], "big")
        if end > len(data):
            break
        if name == b"eXIf":
            orientation = orientation_of(data[place + 8 : end - 4])
        if name in _PIXEL_CHUNKS:
            kept.append(data[place:end])
        place = end
    return b"".join([*kept, data[place:]]), orientation


def orientation_of(exif: bytes) -> int:
    """The orientation tag of an Exif block, 1..8; 1 where it is absent or makes no sense.

    >>> orientation_of(b"II*\\0" + struct.pack("<IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0))
    6
    """
    block = exif.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 10:
        return 1
    start = struct.unpack_from(order + "I", block, 4)[0]
    if start + 2 > len(block):
        return 1
    entries = min(struct.unpack_from(order + "H", block, start)[0], (len(block) - start - 2) // 12)
    for entry in range(entries):
        tag, kind = struct.unpack_from(order + "HH", block, start + 2 + 12 * entry)
        if tag == _ORIENTATION:
            value = struct.unpack_from(order + {1: "B", 4: "I"}.get(kind, "H"), block, start + 10 + 12 * entry)[0]
            return value if 1 <= value <= 8 else 1
    return 1


def upright(image: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The stored rows and columns [H, W, 3] turned and mirrored as Exif orientation 1..8 says."""
    if orientation in (5, 6, 7, 8):
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image
