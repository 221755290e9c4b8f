"""One gate for files that can carry code: a model from a stranger is data, or it is refused.

A pickle is a program, a Keras Lambda layer is Python code, a TorchScript can call operators that a library registered, and an
ONNX file can name other files to be read. Each file is looked at, without loading it, for all that; what cannot be shown to be
free of code is refused, unless the configuration says `trusted: true` beside its path.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tinysieve.filtering.evidence.keras_config import config_objection
from tinysieve.filtering.evidence.onnx_parts import external_data_objection
from tinysieve.filtering.evidence.pickle_contents import pickle_objection
from tinysieve.ground.errors import InputError

Check = Callable[[Path], str]
# Members of an archive are read whole, so their size as written in the archive is bounded.
LARGEST_TEXT_BYTES = 64 * 1024**2
_OWN_OPERATORS = frozenset({"aten", "prim", "prims", "quantized"})
_OPERATOR = re.compile(r"\bops\.([A-Za-z_]\w*)\.")
_FILE_FUNCTIONS = re.compile(r"\btorch\.(from_file|save|load|_save|_load|hub)\b")


class UntrustedCode(InputError):
    """A file, or a name in the configuration, that could run code."""


def require_detector_free_of_code(path: Path, trusted: bool) -> None:
    """Refuse detector weights that could run code when they are loaded.

    Raises:
        UntrustedCode: says what in the file could.
    """
    kind = "openvino" if path.is_dir() else path.suffix.lower()
    _require(path, _DETECTOR_CHECKS, kind, "filter.detector.trusted", trusted)


def require_backbone_free_of_code(path: Path, kind: str, trusted: bool) -> None:
    """Refuse a backbone, of kind tflite, onnx, torch or keras, that could run code when it is loaded.

    Raises:
        UntrustedCode: says what in the file could.
    """
    _require(path, _BACKBONE_CHECKS, kind, "filter.backbone.trusted", trusted)


def require_trusted_name(name: str, setting: str, trusted: bool) -> None:
    """Refuse a `module:name` in a configuration that nobody vouches for: to import a module is to run it.

    Raises:
        UntrustedCode: names the setting that lifts the refusal.
    """
    if not trusted:
        raise UntrustedCode(f"'{name}' names code to be imported and run", where=setting.rpartition(".")[0],
                            why="a configuration from a stranger could run anything",
                            fix=f"set {setting}: true if you trust who wrote the configuration")


def _require(path: Path, checks: Mapping[str, Check], kind: str, setting: str, trusted: bool) -> None:
    if trusted or not path.exists():
        return
    check = checks.get(kind)
    objection = f"files of kind '{kind}' are not known to be free of code" if check is None else check(path)
    if objection:
        raise UntrustedCode(f"{path.name} could run code: {objection}", where=str(path),
                            why="whoever made it could do here whatever you may do",
                            fix=f"set {setting}: true beside its path if you trust who made it")


def _openvino_objection(path: Path) -> str:
    files = (file for file in sorted(path.rglob("*")) if file.is_file() and not file.name.startswith("."))
    strange = [file.name for file in files if file.suffix not in (".xml", ".bin", ".yaml", ".json")]
    return f"an OpenVINO export holds no {strange[0]}" if strange else ""


def _tflite_objection(path: Path) -> str:
    with path.open("rb") as stream:
        return "" if stream.read(8)[4:] == b"TFL3" else "it is no TFLite model"


def _torch_objection(path: Path) -> str:
    """A checkpoint: pickled classes of Ultralytics and PyTorch, and nothing else."""
    try:
        if not zipfile.is_zipfile(path):
            with path.open("rb") as stream:
                return pickle_objection(stream)
        with zipfile.ZipFile(path) as archive:
            for member in archive.infolist():
                if member.filename.endswith(".pkl"):
                    with archive.open(member) as stream:
                        objection = pickle_objection(stream)
                    if objection:
                        return objection
        return ""
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        return f"its archive cannot be read: {error}"


def _program_objection(path: Path) -> str:
    """TorchScript, or a program of torch.export: no operators but PyTorch's own, no pickles but plain tensors."""
    try:
        if not zipfile.is_zipfile(path):
            return "it is no archive, as programs of PyTorch are"
        with zipfile.ZipFile(path) as archive:
            is_script = any("/code/" in member.filename for member in archive.infolist())
            for member in archive.infolist():
                objection = _member_objection(archive, member, is_script)
                if objection:
                    return objection
        return "" if is_script or path.suffix == ".pt2" else "it is a pickled object, not a program"
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError) as error:
        return f"its archive cannot be read: {error}"


def _member_objection(archive: zipfile.ZipFile, member: zipfile.ZipInfo, is_script: bool) -> str:
    name = member.filename
    if name.endswith((".so", ".cpp", ".cu", ".cubin", ".dll", ".dylib")) or "custom_obj" in name:
        return f"it carries {name}"
    if name.endswith((".py", ".json")):
        return _text_objection(archive, member)
    # The pickles of a TorchScript are read by its own reader, which knows no names outside of the archive.
    if not is_script and name.endswith((".pkl", ".pt", "sample_inputs")):
        with archive.open(member) as stream:
            head = stream.read(4)
        if head[:2] == b"PK":
            return _nested_objection(archive, member)
        with archive.open(member) as stream:
            return pickle_objection(stream) if head[:1] == b"\x80" else ""
    return ""


def _nested_objection(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    with archive.open(member) as outer, zipfile.ZipFile(outer) as inner:
        for nested in inner.infolist():
            if nested.filename.endswith(".pkl"):
                with inner.open(nested) as stream:
                    objection = pickle_objection(stream)
                if objection:
                    return objection
    return ""


def _text_objection(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> str:
    if member.file_size > LARGEST_TEXT_BYTES:
        return f"{member.filename} is too large to be looked at"
    text = archive.read(member).decode("utf-8", errors="replace")
    foreign = sorted(set(_OPERATOR.findall(text)) - _OWN_OPERATORS)
    if foreign:
        return f"it calls operators of '{foreign[0]}', which are not PyTorch's own"
    match = _FILE_FUNCTIONS.search(text)
    if match:
        return f"it calls torch.{match[1]}, which opens files"
    # PyTorch evaluates the text of symbolic shapes.
    return "its shapes are expressions, which are evaluated" if '"expr_str"' in text else ""


_DETECTOR_CHECKS: dict[str, Check] = {".pt": _torch_objection, ".onnx": external_data_objection, ".tflite": _tflite_objection,
                                      "openvino": _openvino_objection, ".xml": lambda path: ""}
_BACKBONE_CHECKS: dict[str, Check] = {"tflite": _tflite_objection, "onnx": external_data_objection, "torch": _program_objection,
                                      "keras": config_objection}
