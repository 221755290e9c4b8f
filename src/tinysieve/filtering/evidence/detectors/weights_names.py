"""Names of a detector's classes, as the file of weights carries them; nothing is guessed where it carries none."""

from __future__ import annotations

import ast
import json
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinysieve.filtering.evidence.box_classes import BoxClasses, Names, box_classes
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.yaml_text import read_description

METADATA = "metadata.yaml"
_PLACEHOLDER = re.compile(r"(class[ _]?)?\d+", re.IGNORECASE)
# What TFLite files and TorchScript archives call their metadata.
_MEMBERS = re.compile(r"(metadata\.json|temp_meta\.txt|(.*/)?extra/config\.txt)")
_LONGEST_BYTES = 1 << 20


def names_in(weights: Path) -> dict[int, str] | None:
    """Class names of an export: OpenVINO and other folders' metadata.yaml, ONNX and TFLite metadata; None where there are none.

    A `.pt` holds a program that only its own library can open: ask the loaded model instead.

    Raises:
        MissingRequirement: the file is ONNX, and no package that reads it is there.
    """
    if weights.is_dir() or weights.suffix == ".xml":
        return _names_beside(weights if weights.is_dir() else weights.parent)
    if weights.suffix == ".onnx":
        return parse_names(_onnx_metadata(weights).get("names"))
    return _names_in_archive(weights)


def classes_of(own: Names | None, stated: Names | None, wanted: Sequence[str], weights: Path, count: int | None) -> BoxClasses:
    """The classes of weights, from what they carry or what the user states.

    Args:
        own: names that the weights carry.
        stated: names from the configuration.
        wanted: names that count.
        weights: for messages.
        count: classes that the network's output has room for; None where that is not known.

    Raises:
        InputError: no names at all, two contradicting sets of them, or a wanted name that is not there.
    """
    own = None if own is not None and all(_PLACEHOLDER.fullmatch(name.strip()) for name in own.values()) else own
    names = stated if own is None else own
    if names is None:
        coco = "; its 80 classes may be COCO's: state names: coco80 if it was trained on COCO" if count == 80 else ""
        raise InputError("the weights do not say what their classes are called", where=str(weights),
                         why="which of its classes is meant would be a guess",
                         fix=f"set filter.detector.names to the names in the order of the classes{coco}")
    if own is not None and stated is not None and dict(own) != dict(stated):
        raise InputError("filter.detector.names contradicts the names in the weights", where=str(weights),
                         fix=f"leave names out: the weights have {', '.join(own.values())}")
    if count is not None and len(names) != count:
        raise InputError(f"{len(names)} class names for {count} classes", where=str(weights),
                         fix="give a name for each class, or export the weights again")
    return box_classes(names, wanted, str(weights))


def parse_names(value: Any) -> dict[int, str] | None:
    """Names from metadata: a mapping, a list, or either as text; None for anything else.

    >>> parse_names("{0: 'car', 1: 'person'}"), parse_names(["cat"]), parse_names("what")
    ({0: 'car', 1: 'person'}, {0: 'cat'}, None)
    """
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return None
    if isinstance(value, Mapping) and value and all(re.fullmatch(r"\d+", str(number)) for number in value):
        return {int(number): str(name) for number, name in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        return {number: str(name) for number, name in enumerate(value)}
    return None


def _names_beside(folder: Path) -> dict[int, str] | None:
    file = folder / METADATA
    if not file.is_file():
        return None
    try:
        described = read_description(file, "export the weights again")
    except OSError as error:
        raise InputError(f"{METADATA} cannot be read: {error}", where=str(file), fix="export the weights again") from error
    return parse_names(described.get("names")) if isinstance(described, dict) else None


def _onnx_metadata(weights: Path) -> dict[str, str]:
    try:
        import onnx
    except ImportError as error:
        raise MissingRequirement("package onnx is not installed", where=str(weights),
                                 why="the names of the classes stand in the file's metadata",
                                 fix="pip install onnx") from error
    try:
        model = onnx.load(str(weights), load_external_data=False)
    except Exception as error:  # whatever a broken protocol buffer makes the reader raise
        raise InputError(f"not an ONNX file: {error}", where=str(weights), fix="export the weights again") from error
    return {entry.key: entry.value for entry in model.metadata_props}


def _names_in_archive(weights: Path) -> dict[int, str] | None:
    """From the zip archive behind a TFLite file, or that a TorchScript file is."""
    try:
        if not weights.is_file() or not zipfile.is_zipfile(weights):
            return None
        with zipfile.ZipFile(weights) as archive:
            for member in archive.infolist():
                if _MEMBERS.fullmatch(member.filename) and member.file_size <= _LONGEST_BYTES:
                    with archive.open(member) as opened:
                        text = opened.read(_LONGEST_BYTES).decode("utf-8", "replace")
                    return parse_names(_mapping(text).get("names"))
    # What zipfile raises for a damaged, encrypted or oddly packed archive.
    except (zipfile.BadZipFile, zlib.error, ValueError, RuntimeError, EOFError, OSError) as error:
        raise InputError(f"the archive with its metadata cannot be read: {error}", where=str(weights),
                         fix="export the weights again") from error
    return None


def _mapping(text: str) -> dict[str, Any]:
    for read in (json.loads, ast.literal_eval):
        try:
            made = read(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(made, dict):
            return made
    return {}
