"""What a `.keras` file would build, read from its configuration without Keras."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.ground.json_text import parse_json

LARGEST_BYTES = 64 * 1024**2
_MODULE = re.compile(r"keras(\.(src|layers|models|initializers|regularizers|constraints|activations|dtype_policies|saving"
                     r"|optimizers|losses|metrics|ops)(\.\w+)*)?")
# They hold Python code or other programs, or open files that the configuration names.
_REFUSED = frozenset({
    "Lambda", "__lambda__", "function", "TorchModuleWrapper", "TFSMLayer", "FlaxLayer", "JaxLayer", "StringLookup",
    "IntegerLookup", "IndexLookup", "TextVectorization", "HashedCrossing", "Hashing",
})
_PLAIN = frozenset({"__tuple__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__typespec__", "__keras_tensor__"})


def config_objection(path: Path) -> str:
    """Why a Keras model could run code; "" where it is made of Keras' own layers without code."""
    try:
        if not zipfile.is_zipfile(path):
            return "only .keras archives can be looked at; older formats can hold code"
        with zipfile.ZipFile(path) as archive:
            member = archive.getinfo("config.json")
            if member.file_size > LARGEST_BYTES:
                return "its configuration is too large to be looked at"
            said = parse_json(archive.read(member).decode("utf-8"), str(path))
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, ValueError, InputError) as error:
        return f"its configuration cannot be read: {error}"[:200]
    return next(_objections(said), "")


def _objections(said: Any) -> Iterator[str]:
    waiting = [said]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from _object_objection(value)
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _object_objection(value: dict[str, Any]) -> Iterator[str]:
    name, module = value.get("class_name"), value.get("module")
    registered = value.get("registered_name")
    if name in _REFUSED:
        yield f"it holds a {name}"
    elif name is not None and name not in _PLAIN and module is not None and not _MODULE.fullmatch(str(module)):
        yield f"it asks for '{module}.{name}'"[:120]
    elif registered is not None and (module is None or ">" in str(registered)):
        yield f"it asks for the registered class '{registered}'"[:120]
