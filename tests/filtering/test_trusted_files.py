"""Files that can carry code: each kind, made to run something, runs nothing, and ordinary models still load."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tinysieve.filtering.evidence.trusted_files import (
    UntrustedCode,
    require_backbone_free_of_code,
    require_detector_free_of_code,
    require_trusted_name,
)


class Call:
    """A pickle of this calls a function with arguments when it is loaded."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("function", [os.system, eval, exec, __import__, os.popen, getattr, print, np.load])
@pytest.mark.parametrize("container", ["zip", "second pickle", "bare"])
def test_a_checkpoint_that_calls_anything_is_refused(function: object, container: str, tmp_path: Path) -> None:
    evil = pickle.dumps({"model": Call(function, f"touch {tmp_path}/ran")})
    path = tmp_path / "weights.pt"
    if container == "zip":
        zipped(path, {"weights/data.pkl": evil})
    else:
        path.write_bytes((pickle.dumps(1) if container == "second pickle" else b"") + evil)
    with pytest.raises(UntrustedCode, match="could run code: it asks for"):
        require_detector_free_of_code(path, False)
    require_detector_free_of_code(path, True)
    assert not (tmp_path / "ran").exists()


def test_an_error_in_the_middle_does_not_hide_what_follows(tmp_path: Path) -> None:
    """A first pickle that is sound, and a second one at which the look stops before its end."""
    torn = pickle.dumps(Call(os.system, "true"))[:-1]
    (tmp_path / "weights.pt").write_bytes(pickle.dumps(1) + b"\x80\x04]q\x00(K\x01e0" + torn)
    with pytest.raises(UntrustedCode):
        require_detector_free_of_code(tmp_path / "weights.pt", False)


def test_plain_checkpoints_pass(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2))
    for legacy in (False, True):
        torch.save({"model": network, "epoch": 3}, tmp_path / "m.pt", _use_new_zipfile_serialization=not legacy)
        require_detector_free_of_code(tmp_path / "m.pt", False)


@pytest.mark.parametrize("name", ["m.yaml", "m.engine", "m.torchscript", "m.pb", "m.mlpackage", "m"])
def test_formats_that_nobody_looked_at_are_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(UntrustedCode, match="not known to be free of code"):
        require_detector_free_of_code(tmp_path / name, False)


def test_an_export_folder_with_more_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.xml").touch()
    require_detector_free_of_code(tmp_path, False)
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(UntrustedCode):
        require_detector_free_of_code(tmp_path, False)


def layer(**of: object) -> bytes:
    outer = {"class_name": "Sequential", "module": "keras", "registered_name": None}
    return json.dumps({**outer, "config": {"layers": [of]}}).encode()


@pytest.mark.parametrize("evil", [
    {"class_name": "Lambda", "module": "keras.layers", "config": {}},
    {"class_name": "Dense", "module": "keras.layers", "config": {"activation": {"class_name": "__lambda__", "config": {}}}},
    {"class_name": "system", "module": "os", "config": {}}, {"class_name": "function", "module": "builtins", "config": "system"},
    {"class_name": "get_file", "module": "keras_evil", "config": {}}, {"class_name": "get_file", "module": "keras.utils"},
    {"class_name": "TFSMLayer", "module": "keras.layers", "config": {"filepath": "/x"}},
    {"class_name": "Mine", "module": None, "registered_name": "package>Mine", "config": {}},
    {"class_name": "StringLookup", "module": "keras.layers", "config": {"vocabulary": "/etc/passwd"}},
])
def test_keras_files_with_code(evil: dict[str, object], tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.keras", {"config.json": layer(**evil)})
    with pytest.raises(UntrustedCode):
        require_backbone_free_of_code(path, "keras", False)
    require_backbone_free_of_code(path, "keras", True)


@pytest.mark.parametrize("data", [b"\x89HDF\r\n\x1a\n", b"", b"PK\x03\x04"])
def test_other_keras_files_are_refused(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "m.h5").write_bytes(data)
    with pytest.raises(UntrustedCode):
        require_backbone_free_of_code(tmp_path / "m.h5", "keras", False)


@pytest.mark.parametrize("depth", ["[" * 100_000, '{"a":' * 100_000])
def test_nesting_without_end_is_refused(depth: str, tmp_path: Path) -> None:
    with pytest.raises(UntrustedCode, match="cannot be read"):
        require_backbone_free_of_code(zipped(tmp_path / "m.keras", {"config.json": depth.encode()}), "keras", False)


@pytest.mark.parametrize(("member", "text"), [
    ("m/code/__torch__.py", "x = ops.mine.run(x)"), ("m/code/__torch__.py", "x = torch.from_file('/etc/passwd')"),
    ("m/data/aotinductor/model.so", ""), ("m/data/constants/custom_obj_0", ""),
])
def test_programs_with_foreign_operators_or_libraries(member: str, text: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "m.pt", {"m/code/ok.py": b"x = ops.prim.NumToTensor(1)", member: text.encode()})
    with pytest.raises(UntrustedCode):
        require_backbone_free_of_code(path, "torch", False)


def test_exported_programs_with_expressions_or_pickles(tmp_path: Path) -> None:
    """PyTorch evaluates the text of a symbolic shape, and unpickles constants."""
    shape = b'{"as_expr": {"expr_str": "__import__(\'os\').system(\'true\')"}}'
    inner = zipped(tmp_path / "inner.zip", {"x/data.pkl": pickle.dumps(Call(os.system, "true"))}).read_bytes()
    evil = pickle.dumps(Call(eval, "1"))
    for members in ({"m/models/model.json": shape}, {"m/data/weights/w.pt": inner}, {"m/data.pkl": evil}):
        with pytest.raises(UntrustedCode):
            require_backbone_free_of_code(zipped(tmp_path / "m.pt2", members), "torch", False)


def test_a_pickled_module_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(UntrustedCode):
        require_backbone_free_of_code(zipped(tmp_path / "m.pt", {"m/data.pkl": pickle.dumps(1)}), "torch", False)


def onnx_with(**of: object) -> bytes:
    onnx = pytest.importorskip("onnx")
    weight = onnx.TensorProto(name="w", data_type=1, dims=[1], **of)
    node = onnx.helper.make_node("Constant", [], ["y"], value=weight)
    inner = onnx.helper.make_graph([node], "inner", [], [onnx.helper.make_tensor_value_info("y", 1, [1])])
    branch = onnx.helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)
    graph = onnx.helper.make_graph([branch], "g", [], [onnx.helper.make_tensor_value_info("z", 1, [1])])
    return onnx.helper.make_model(graph).SerializeToString()


def test_onnx_that_reads_other_files_however_deep(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(onnx_with(raw_data=b"\0" * 4))
    require_backbone_free_of_code(tmp_path / "m.onnx", "onnx", False)
    entry = [{"key": "location", "value": "../../etc/passwd"}]
    onnx = pytest.importorskip("onnx")
    for of in ({"data_location": 1}, {"external_data": [onnx.StringStringEntryProto(**one) for one in entry]}):
        (tmp_path / "m.onnx").write_bytes(onnx_with(**of))
        with pytest.raises(UntrustedCode, match="other files"):
            require_backbone_free_of_code(tmp_path / "m.onnx", "onnx", False)
    for data in (b"", b"\x3a\xff\xff\xff\xff\x0f", b"\x3b"):
        (tmp_path / "m.onnx").write_bytes(data)
        with pytest.raises(UntrustedCode):
            require_backbone_free_of_code(tmp_path / "m.onnx", "onnx", False)


def test_a_name_of_code_needs_trust() -> None:
    with pytest.raises(UntrustedCode, match="code to be imported"):
        require_trusted_name("os:system", "filter.classifier.trusted", False)
    require_trusted_name("sklearn.linear_model:LogisticRegression", "filter.classifier.trusted", True)


def test_our_weights_are_free_of_code(shared: Path) -> None:
    for name in ("yolo11n_from_int8.pt", "yolo11n_int8.tflite", "yolo11n_int8_openvino_model", "yolox_nano.onnx"):
        require_detector_free_of_code(shared / "models" / name, False)
