"""Photos with odd EXIF blocks: how many of them are lost, turned wrongly, or raise something that is no sentence.

    python benchmarks/odd_exif.py [--files 4000] [--seed 0]

Each file is one JPEG with a block of 1 to 12 entries of random tags, types, counts and values (rationals with a zero below,
counts beyond the file, offsets into nowhere, loops of directories), cut short or with flipped bytes in every third file. The
orientation, where a sound entry gives it, must be applied; the pixels must be those of the file without its block.
"""

from __future__ import annotations

import argparse
import io
import json
import struct
import sys
from collections import Counter

import numpy as np
from PIL import Image

from tinysieve.dataset.image_metadata import upright
from tinysieve.dataset.images import decode

TAGS = (0x010E, 0x011A, 0x011B, 0x0128, 0x0132, 0x0213, 0x8769, 0x8825, 0x9000, 0x927C, 0xA005, 0x9286, 0x014A, 0x0201)


def exif_block(rng: np.random.Generator) -> tuple[bytes, int]:
    """A block and the orientation that it gives, 1..8."""
    order = "<" if rng.random() < 0.5 else ">"
    orientation = int(rng.integers(1, 9))
    entries = [(int(rng.choice(TAGS)), int(rng.choice([*range(13), 99])), int(rng.choice([0, 1, 2, 7, 65_535, 2**32 - 1])))
               for _ in range(rng.integers(0, 12))]
    cells = [struct.pack(order + "HHI", *entry) + rng.bytes(4) for entry in entries]
    cells.append(struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0))
    rng.shuffle(cells)
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    block = head + struct.pack(order + "H", len(cells)) + b"".join(cells)
    return block + struct.pack(order + "I", int(rng.choice([0, 8, 2**31]))) + rng.bytes(int(rng.integers(0, 60))), orientation


def outcome(rng: np.random.Generator, jpeg: bytes, pixels: np.ndarray, number: int) -> str:
    """What became of one file."""
    block, orientation = exif_block(rng)
    damaged = number % 3 == 0
    if damaged:
        spoiled = bytearray(block[: int(rng.integers(0, len(block) + 1))])
        for place in rng.integers(0, max(len(spoiled), 1), 3 if spoiled else 0):
            spoiled[place] ^= int(rng.integers(1, 256))
        block = bytes(spoiled)
    segment = b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block
    try:
        image = decode(jpeg[:2] + segment + jpeg[2:])
    except Exception as error:
        return f"lost: {type(error).__name__}: {error}"
    turns = range(1, 9) if damaged else (orientation,)
    return "right" if any(np.array_equal(image, upright(pixels, turn)) for turn in turns) else "wrong pixels"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng, buffer = np.random.default_rng(options.seed), io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (24, 40, 3), dtype=np.uint8)).save(buffer, "JPEG")
    pixels = decode(buffer.getvalue())
    counts = Counter(outcome(rng, buffer.getvalue(), pixels, number) for number in range(options.files))
    failures = options.files - counts["right"]
    print(json.dumps({"files": options.files, "failures": failures, "outcomes": dict(counts.most_common(10))}, indent=1))
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
