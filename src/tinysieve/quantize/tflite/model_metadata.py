"""Writes into a copy of a model what the file cannot say by itself: class names, how pixels are prepared, which version it is.

The format is TFLite's own metadata (buffer TFLITE_METADATA, identifier M001, class names in a zip archive behind the
flatbuffer), which mobile libraries and model viewers read. No package of this project ships its schema, so the few tables
that are needed are written by their slots. A microcontroller reads none of it: that is why it goes into a copy.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from tinysieve.ground.errors import InputError
from tinysieve.quantize.tflite.io_contract import CHALLENGE, IOContract, Stated, describe_io
from tinysieve.quantize.tflite.model_tree import ModelTree, metadata_name
from tinysieve.quantize.tflite.packing import pack_model

ENTRY, IDENTIFIER, LABELS_FILE = "TFLITE_METADATA", b"M001", "labels.txt"
# Values of the schema's enums and unions.
_FEATURES, _IMAGE, _RGB, _NORMALIZATION, _AXIS_LABELS = 1, 2, 1, 1, 2
# The oldest reader that knows all fields used here.
_PARSER = "1.0.0"
_STORED_AT = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class About:
    """What only the caller knows: which version the model is of, under which licence, in words."""

    version: str
    licence: str = ""


@dataclass(frozen=True)
class Described:
    """A model with metadata.

    Args:
        model: the file.
        metadata_bytes: what the metadata costs: this file less the same without it.
        repacked_bytes: what writing the file anew changed by itself; negative where equal parts are now stored once.
    """

    model: bytes
    metadata_bytes: int
    repacked_bytes: int


def with_metadata(model: bytes, about: About, stated: Stated = CHALLENGE) -> Described:
    """A copy of a presence classifier that says its classes, normalization and version; outputs stay the same.

    Metadata of this kind that was there is replaced; a memory plan for TFLM is kept.

    Args:
        model: a .tflite file.
        about: version and licence.
        stated: class order, and mean and deviation of the pixels 0..255.

    Raises:
        InputError: not a .tflite file, not what is stated, or one that cannot be written anew.
    """
    contract = describe_io(model, stated).require()
    tree = ModelTree(model)
    if tree.refusal():
        raise InputError(tree.refusal(), why="the file must be written anew", fix="use the model as the converter gave it")
    _forget(tree)
    plain = pack_model(tree.tree)
    _add(tree, metadata_flatbuffer(contract, about, hashlib.sha256(model).hexdigest()))
    described = _with_labels(pack_model(tree.tree), contract.stated.class_order)
    return Described(described, len(described) - len(plain), len(plain) - len(model))


def _forget(tree: ModelTree) -> None:
    """Take earlier metadata of this kind out; its buffer stays in its place, since others are named by theirs, but empty."""
    old = [entry for entry in tree.tree.metadata or [] if metadata_name(entry) == ENTRY]
    tree.tree.metadata = [entry for entry in tree.tree.metadata or [] if metadata_name(entry) != ENTRY] or None
    used = {tensor.buffer for tensor in tree.graph.tensors} | {entry.buffer for entry in tree.tree.metadata or []}
    tree.tree.buffers = list(tree.tree.buffers)
    for buffer in {entry.buffer for entry in old} - used:
        tree.tree.buffers[buffer] = schema.BufferT()
    while len(tree.tree.buffers) > 1 + max(used, default=0):
        tree.tree.buffers.pop()


def _add(tree: ModelTree, data: bytes) -> None:
    entry = schema.MetadataT(name=ENTRY.encode(), buffer=len(tree.tree.buffers))
    tree.tree.buffers.append(schema.BufferT(data=np.frombuffer(data, np.uint8)))
    tree.tree.metadata = [*(tree.tree.metadata or []), entry]


def metadata_flatbuffer(contract: IOContract, about: About, sha256: str) -> bytes:
    """The table ModelMetadata with one subgraph, one image input and one output of scores.

    Args:
        contract: input and output of the model.
        about: version and licence.
        sha256: of the model before, hexadecimal.
    """
    builder = flatbuffers.Builder(1024)
    graph = _table(builder, 10, {2: _vector(builder, _input(builder, contract)), 3: _vector(builder, _output(builder, contract))})
    named = contract.stated.classes[::-1]
    described = f"Says which of {' and '.join(named)} a picture shows. SHA-256 of the model without this: {sha256}"
    fields = {0: builder.CreateString(" or ".join(named)), 1: builder.CreateString(described),
              2: builder.CreateString(about.version), 3: _vector(builder, graph), 7: builder.CreateString(_PARSER)}
    if about.licence:
        fields[5] = builder.CreateString(about.licence)
    builder.Finish(_table(builder, 8, fields), file_identifier=IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: flatbuffers.Builder, contract: IOContract) -> int:
    height, width, _ = contract.image_shape
    mean, deviation = contract.stated.pixel_mean, contract.stated.pixel_std
    options = _table(builder, 2, {0: _floats(builder, mean), 1: _floats(builder, deviation)})
    unit = _table(builder, 2, {1: options}, {0: _NORMALIZATION})
    lowest, highest = ([(value - m) / d for m, d in zip(mean, deviation, strict=True)] for value in (0.0, 255.0))
    stats = _table(builder, 2, {0: _floats(builder, highest), 1: _floats(builder, lowest)})
    words = f"RGB photo, squeezed to {width} x {height}, values 0 to 255"
    return _table(builder, 7, {
        0: builder.CreateString("image"), 1: builder.CreateString(words),
        3: _content(builder, _IMAGE, _table(builder, 2, {}, {0: _RGB})), 4: _vector(builder, unit), 5: stats})


def _output(builder: flatbuffers.Builder, contract: IOContract) -> int:
    file = _table(builder, 5, {0: builder.CreateString(LABELS_FILE), 1: builder.CreateString("class names, one a line")},
                  {2: _AXIS_LABELS})
    words = f"scores (logits) of {', '.join(contract.stated.class_order)}; the larger one is the answer"
    return _table(builder, 7, {0: builder.CreateString("scores"), 1: builder.CreateString(words),
                               3: _content(builder, _FEATURES, _table(builder, 0, {})), 6: _vector(builder, file)})


def _content(builder: flatbuffers.Builder, kind: int, properties: int) -> int:
    return _table(builder, 3, {1: properties}, {0: kind})


def _table(builder: flatbuffers.Builder, slots: int, offsets: dict[int, int], bytes_: dict[int, int] | None = None) -> int:
    """A table of so many slots, with the given offsets and one-byte values by slot."""
    builder.StartObject(slots)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, value in (bytes_ or {}).items():
        builder.PrependUint8Slot(slot, value, 0)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, offset: int) -> int:
    """A vector of one table."""
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _floats(builder: flatbuffers.Builder, values: tuple[float, ...] | list[float]) -> int:
    return builder.CreateNumpyVector(np.asarray(values, np.float32))


def _with_labels(model: bytes, classes: tuple[str, ...]) -> bytes:
    """The model with the class names in a zip archive behind it, the same bytes every time."""
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(LABELS_FILE, _STORED_AT), "\n".join(classes) + "\n")
    return file.getvalue()
