"""The same photos in every kind of store, with their labels: what is published, in small."""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from tinysieve.dataset.stores.crc32c import crc32c

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Photo:
    """A published row."""

    filename: str
    person: int
    split: str
    data: bytes


def jpeg(seed: int) -> bytes:
    """Coarse noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((84, 60)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def photos(each: int = 4) -> list[Photo]:
    """`each` of a class in every split, in an order that is not that of their names."""
    made = [Photo(f"{number * 7919 % 1009:04x}.jpg", number % 2, SPLITS[number // 2 % 3], jpeg(number))
            for number in range(6 * each)]
    assert len({photo.filename for photo in made}) == len(made)
    return made


def write_folder(folder: Path, rows: list[Photo]) -> Path:
    """A file each."""
    folder.mkdir(parents=True)
    for photo in rows:
        (folder / photo.filename).write_bytes(photo.data)
    return folder


def write_tar(path: Path, rows: list[Photo], packing: str = "") -> Path:
    """As Dataverse publishes them: `./name`, in another order than that of the CSV."""
    with tarfile.open(path, f"w:{packing}") as archive:
        for photo in sorted(rows, key=lambda photo: photo.filename):
            member = tarfile.TarInfo(f"./{photo.filename}")
            member.size = len(photo.data)
            archive.addfile(member, io.BytesIO(photo.data))
    return path


def write_zip(path: Path, rows: list[Photo]) -> Path:
    """Half of the members deflated."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, photo in enumerate(rows):
            archive.writestr(photo.filename, photo.data, zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED)
    return path


def parquet_table(rows: list[Photo]) -> pa.Table:
    """The hub's columns and its note on them."""
    features = {"image": {"_type": "Image"}, "filename": {"dtype": "string", "_type": "Value"},
                "person": {"dtype": "int64", "_type": "Value"}}
    table = pa.table({
        "image": pa.array([{"bytes": photo.data, "path": photo.filename} for photo in rows],
                          pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        "filename": [photo.filename for photo in rows], "person": pa.array([photo.person for photo in rows], pa.int64()),
        "depiction": pa.array([-1] * len(rows), pa.int64())})
    return table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})


def write_parquet(path: Path, rows: list[Photo]) -> Path:
    """Row groups of three images."""
    pq.write_table(parquet_table(rows), path, row_group_size=3)
    return path


def _masked(data: bytes) -> bytes:
    crc = crc32c(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def framed(records: list[bytes]) -> bytes:
    """Records of a TFRecord file."""
    heads = [struct.pack("<Q", len(record)) for record in records]
    return b"".join(head + _masked(head) + record + _masked(record) for head, record in zip(heads, records, strict=True))


def _field(number: int, payload: bytes) -> bytes:
    length, size = b"", len(payload)
    while size >= 0x80:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload


def example(features: dict[str, bytes | int]) -> bytes:
    """A tf.train.Example by hand; numbers within 0..127."""
    entries = b""
    for name, value in features.items():
        kind = _field(1, _field(1, value)) if isinstance(value, bytes) else _field(3, bytes([8, value]))
        entries += _field(1, _field(1, name.encode()) + _field(2, kind))
    return _field(1, entries)


def write_tfrecord(path: Path, rows: list[Photo]) -> Path:
    """As TFDS writes its builder's features."""
    path.write_bytes(framed([example({"image": photo.data, "filename": photo.filename.encode(), "person": photo.person})
                             for photo in rows]))
    return path


def write_csv(path: Path, rows: list[Photo], split: bool = False) -> Path:
    """Dataverse's columns, and the split where one table is for all."""
    lines = ["filename,person" + ",split" * split]
    lines += [f"{photo.filename},{photo.person}" + f",{photo.split}" * split for photo in rows]
    path.write_text("\n".join(lines) + "\n")
    return path
