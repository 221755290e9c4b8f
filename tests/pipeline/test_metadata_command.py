"""`tinysieve metadata`: a copy with the run's version in it; nothing is overwritten unasked, no other run's model described."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from report_run import make_images, make_run, record_again
from tiny_tflite import tiny_model
from typer.testing import CliRunner

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.commands.metadata import commands
from tinysieve.pipeline.model_files.metadata_file import described_text, stated_settings, write_described
from tinysieve.quantize.tflite.class_labels import class_labels


def classifier() -> bytes:
    def pixels_in(tree: object) -> None:
        quantization = tree.subgraphs[0].tensors[0].quantization  # type: ignore[attr-defined]
        quantization.scale, quantization.zeroPoint = np.ones(1, np.float32), np.array([-128], np.int64)

    return tiny_model(pixels_in, channels=3, wide=2)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.tflite").write_bytes(classifier())
    return tmp_path / "model.tflite"


def test_the_command_writes_a_copy_and_says_its_cost(model: Path, tmp_path: Path) -> None:
    before = model.read_bytes()
    done = CliRunner().invoke(commands, [str(model), str(tmp_path / "out.tflite"), "--license", "Apache-2.0", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    copy = (tmp_path / "out.tflite").read_bytes()
    assert model.read_bytes() == before
    assert (said["before_bytes"], said["after_bytes"]) == (len(before), len(copy))
    assert said["after_bytes"] == said["before_bytes"] + said["metadata_bytes"] + said["repacked_bytes"]
    assert class_labels(copy, 2) == ("background", "person")
    assert b"Apache-2.0" in copy
    assert f"metadata {said['metadata_bytes']:+,} B" in described_text(said)


def test_nothing_is_overwritten_unasked(model: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.tflite"
    output.write_bytes(b"dear")
    with pytest.raises(InputError, match="exists"):
        write_described(model, output, None, "", {}, force=False)
    assert output.read_bytes() == b"dear"
    write_described(model, output, None, "", {}, force=True)
    for wrong in (model, tmp_path / "none" / "out.tflite"):
        with pytest.raises(InputError):
            write_described(model, wrong, None, "", {}, force=True)


def test_the_run_s_label_version_goes_in_and_only_into_its_own_model(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", make_images(tmp_path))
    made = run.at("quantize-mended") / "model.tflite"
    made.write_bytes(classifier())
    record_again(made.parent)
    said = write_described(made, tmp_path / "out.tflite", run.folder, "", {}, force=False)
    version = json.loads((run.at("train-mended") / "train-mended.json").read_text())["version"]
    assert said["version"] == f"labels {version}, recipe demo, seed 0"
    assert said["version"].encode() in (tmp_path / "out.tflite").read_bytes()
    other = shutil.copy(tmp_path / "out.tflite", tmp_path / "other.tflite")
    with pytest.raises(InputError, match="not the model of that run"):
        write_described(Path(other), tmp_path / "new.tflite", run.folder, "", {}, force=False)


def test_the_command_takes_what_it_asks_for(tmp_path: Path) -> None:
    """Codes of [-1, 1] and the classes the other way round: refused, with the names of the settings, until stated."""
    def around_zero(tree: object) -> None:
        quantization = tree.subgraphs[0].tensors[0].quantization  # type: ignore[attr-defined]
        quantization.scale, quantization.zeroPoint = np.full(1, 1 / 127.5, np.float32), np.zeros(1, np.int64)

    model, output = tmp_path / "m.tflite", tmp_path / "out.tflite"
    model.write_bytes(tiny_model(around_zero, channels=3, wide=2))
    refused = CliRunner().invoke(commands, [str(model), str(output)])
    assert isinstance(refused.exception, InputError)
    assert "pixel_mean" in refused.exception.fix
    stated = ["--pixel-mean", "127.5", "--pixel-std", "127.5,127.5,127.5", "--label", "person", "--label", "background"]
    done = CliRunner().invoke(commands, [str(model), str(output), *stated])
    assert done.exit_code == 0, done.output
    assert class_labels(output.read_bytes(), 2) == ("person", "background")


@pytest.mark.parametrize(("settings", "message"), [
    (((), "CHWN", "0", "1", False), "no layout"), (((), "NHWC", "1,2", "1", False), "neither a number nor three"),
    (((), "NHWC", "nan", "1", False), "neither a number"), (((), "NHWC", "0", "0", False), "not positive")])
def test_settings_that_mean_nothing_are_refused(settings: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        stated_settings(*settings)
