"""Classes of a detector are looked up by name in its own weights; where they have no names, nobody guesses."""

from __future__ import annotations

import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

from tinysieve.filtering.evidence.box_classes import NUMBERINGS
from tinysieve.filtering.evidence.detectors.weights_names import classes_of, names_in
from tinysieve.ground.errors import InputError

OTHER_ORDER = {0: "car", 1: "building", 2: "tree", 3: "Person"}
WEIGHTS = Path("weights")


def export(folder: Path, metadata: str) -> Path:
    """An OpenVINO export with nothing in it but its metadata."""
    (folder / "metadata.yaml").write_text(metadata)
    (folder / "model.xml").write_text("<net/>")
    return folder


def test_a_class_has_the_number_that_the_weights_give_it(tmp_path: Path) -> None:
    folder = export(tmp_path, "names: {0: car, 1: building, 2: tree, 3: Person}\n")
    for weights in (folder, folder / "model.xml"):
        assert names_in(weights) == OTHER_ORDER
    classes = classes_of(OTHER_ORDER, None, ("person",), WEIGHTS, 4)
    assert (classes.numbers, classes.name_of(0)) == ((3,), "car")
    assert classes_of(OTHER_ORDER, None, ("tree", "car"), WEIGHTS, 4).numbers == (0, 2)


def test_a_class_that_is_not_there_lists_what_is() -> None:
    with pytest.raises(InputError, match="no class 'cat'") as caught:
        classes_of(OTHER_ORDER, None, ("person", "cat"), WEIGHTS, 4)
    assert "car, building, tree, Person" in caught.value.fix


@pytest.mark.parametrize("own", [None, {0: "0", 1: "1"}, {0: "class0", 1: "class1"}])
def test_weights_without_names_need_stated_ones(own: dict[int, str] | None) -> None:
    with pytest.raises(InputError, match="do not say what their classes are called") as caught:
        classes_of(own, None, ("person",), WEIGHTS, 80)
    assert "names: coco80 if it was trained on COCO" in caught.value.fix
    assert classes_of(own, {0: "cat", 1: "person"}, ("person",), WEIGHTS, 2).numbers == (1,)
    with pytest.raises(InputError, match="80 class names for 2 classes"):
        classes_of(None, NUMBERINGS["coco80"], ("person",), WEIGHTS, 2)


def test_stated_names_must_not_contradict_those_of_the_weights() -> None:
    assert classes_of(OTHER_ORDER, dict(OTHER_ORDER), ("person",), WEIGHTS, 4).numbers == (3,)
    with pytest.raises(InputError, match="contradicts the names in the weights"):
        classes_of(OTHER_ORDER, {0: "person"}, ("person",), WEIGHTS, 4)


@pytest.mark.parametrize(("member", "text"), [
    ("metadata.json", '{"names": {"0": "car", "1": "building", "2": "tree", "3": "Person"}}'),
    ("temp_meta.txt", "{'names': {0: 'car', 1: 'building', 2: 'tree', 3: 'Person'}}"),
    ("model/extra/config.txt", '{"names": ["car", "building", "tree", "Person"]}')])
def test_names_in_the_archive_of_a_file(tmp_path: Path, member: str, text: str) -> None:
    weights = tmp_path / "model.tflite"
    weights.write_bytes(b"TFL3 whatever comes before the archive")
    assert names_in(weights) is None
    with zipfile.ZipFile(weights, "a") as archive:
        archive.writestr(member, text)
    assert names_in(weights) == OTHER_ORDER


@pytest.mark.parametrize("text", [
    "names: &n {0: person}\nmore: *n\n", "names: {0: person, 0: dog}", "names: !!python/name:os.system ''",
    "names: " + "{a: " * 1_000, "#" * 600_000])
def test_metadata_of_a_stranger_is_bounded_plain_yaml(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError) as caught:
        names_in(export(tmp_path, text))
    assert caught.value.where.startswith(str(tmp_path / "metadata.yaml"))


def test_many_names_and_what_exporters_write_are_read(tmp_path: Path) -> None:
    names = "".join(f"  {number}: class {number} with a name\n" for number in range(1_203))
    text = f"description: a model\nstride: 32\nargs: {{batch: 1, half: false}}\nimgsz:\n- 320\n- 320\nnames:\n{names}"
    names_read = names_in(export(tmp_path, text))
    assert names_read is not None
    assert (len(names_read), names_read[1202]) == (1_203, "class 1202 with a name")


def test_a_damaged_archive_is_an_error_of_the_file(tmp_path: Path) -> None:
    weights = tmp_path / "model.tflite"
    with zipfile.ZipFile(weights, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("metadata.json", '{"names": ["car", "person"]}' * 9)
    data = bytearray(weights.read_bytes())
    at = data.index(b"metadata.json") + len("metadata.json") + 3
    data[at:at + 8] = b"\xff" * 8
    weights.write_bytes(data)
    with pytest.raises(InputError, match="archive"):
        names_in(weights)


def test_names_in_onnx_metadata(tmp_path: Path) -> None:
    if find_spec("onnx") is None:
        pytest.skip("needs onnx")
    import onnx

    value = onnx.helper.make_tensor_value_info("x", 1, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value],
                                   [onnx.helper.make_tensor_value_info("y", 1, [1])])
    model = onnx.helper.make_model(graph)
    onnx.save(model, str(tmp_path / "bare.onnx"))
    assert names_in(tmp_path / "bare.onnx") is None
    entry = model.metadata_props.add()
    entry.key, entry.value = "names", str(OTHER_ORDER)
    onnx.save(model, str(tmp_path / "named.onnx"))
    assert names_in(tmp_path / "named.onnx") == OTHER_ORDER


def test_both_numberings_of_coco_are_what_their_files_say() -> None:
    """COCO's annotation files count to 90 with ten gaps; detectors count its 80 classes from 0."""
    assert list(NUMBERINGS["coco80"]) == list(range(80))
    assert list(NUMBERINGS["coco80"].values()) == list(NUMBERINGS["coco91"].values())
    assert {name: NUMBERINGS["coco91"][number] for name, number in (("first", 1), ("dog", 18), ("last", 90))} == {
        "first": "person", "dog": "dog", "last": "toothbrush"}


def test_names_of_real_weights(shared: Path) -> None:
    for name in ("yolo11n_int8_openvino_model", "yolo11n_int8.tflite"):
        assert names_in(shared / "models" / name) == NUMBERINGS["coco80"]
    if find_spec("onnx") is not None:
        assert names_in(shared / "models" / "yolox_nano.onnx") is None
