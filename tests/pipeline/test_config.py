"""The configuration: typed, frozen, and helpful when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.read import load_config
from tinysieve.pipeline.stages.recipes import recipe_of
from tinysieve.training.recipe import RECIPES

CONFIGS = sorted(path for path in (Path(__file__).parents[2] / "configs").glob("*.yaml") if path.stem != "boards")
TEXT = """\
run: runs/x
dataset:
  source:
    kind: table
    images: ${PHOTOS:-photos}
    table: labels.csv
filter:
  detector:
    kind: presence_head
policy:
  kind: default
train:
  recipe: seed
verify:
  ram: 320KiB
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "c.yaml"
    path.write_text(TEXT)
    return path


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_shipped_configurations_load(path: Path) -> None:
    assert load_config(path).seed >= 0


def test_units_variables_and_overrides(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHOTOS", "/elsewhere")
    config = load_config(file, ("train.recipe=demo", "policy.max_change=0.5"))
    assert config.verify.ram == 320 * 1024
    assert config.dataset.source.images == "/elsewhere"
    assert (config.train.recipe, config.policy.max_change) == ("demo", 0.5)
    with pytest.raises(ValidationError):
        config.seed = 3  # type: ignore[misc]


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_be_asked_for(file: Path, name: str) -> None:
    assert recipe_of(load_config(file, (f"train.recipe={name}",))) is RECIPES[name]
    assert recipe_of(load_config(file, (f"train.recipe={{base: {name}, epochs: 3}}",))).name == f"{name}+epochs=3"


@pytest.mark.parametrize(("old", "new", "what", "line"), [
    ("kind: default", "kind: default\n  max_chang: 0.3",
     "unknown key 'policy.max_chang' (did you mean 'policy.max_change'?)", 12),
    ("recipe: seed", "recipe: sede", "setting 'train.recipe'", 13),
    ("recipe: seed", "recipe: {base: seed, epochs: 0}", "setting 'train.recipe.epochs'", 13),
    ("ram: 320KiB", "ram: much", "setting 'verify.ram'", 15),
    ("    kind: table", "    kind: table\n    filepth: x",
     "unknown key 'dataset.source.filepth' (did you mean 'dataset.source.filepath'?)", 5),
])
def test_errors_name_key_and_line(file: Path, old: str, new: str, what: str, line: int) -> None:
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        load_config(file)
    assert caught.value.what.startswith(what)
    assert caught.value.where == f"{file}:{line}"


def test_overrides_that_say_nothing_are_refused(file: Path) -> None:
    for override in ("train.recipe", "=3", "seed.deep=1"):
        with pytest.raises(InputError):
            load_config(file, (override,))


@pytest.mark.parametrize(("override", "what"), [
    ("verify.ram=320KB", "setting 'verify.ram': a size is a number with one of the units B, kB, MB, GB, KiB, MiB, GiB"),
    ("verify.rm=3", "unknown key 'verify.rm' (did you mean 'verify.ram'?)"),
    ("verify={rm: 3}", "unknown key 'verify.rm' (did you mean 'verify.ram'?)"),
    ("card.dataset_license=CC BY", "setting 'card.dataset_license': String should match"),
    ("quantize.fit.max_extra_mac=1", "unknown key 'quantize.fit.max_extra_mac' (did you mean 'quantize.fit.max_extra_macs'?)"),
    ("train.recipe=sed", "setting 'train.recipe': Input should be 'challenge-1'"),
    ("train.recipe={base: seed, epochs: 0}", "setting 'train.recipe.epochs': "),
    ("filter.backbone={kind: onnx, file: x, mean: [a]}", "setting 'filter.backbone.mean.0': "),
    ("filter.data_parameters.by_class.init=-1", "setting 'filter.data_parameters.by_class.init': "),
    ("policy.kind=defalt", "setting 'policy.kind': Input tag 'defalt'"),
    ("seed=4294967296", "setting 'seed': Input should be less than or equal to 4294967295"),
    ("policy={kind: default", "'{kind: default' is not YAML: expected ',' or '}'"),
    ("card.dataset_name=2024-99-99", "'2024-99-99' is not YAML: month must be in 1..12"),
])
def test_errors_of_an_override_name_it_and_the_whole_path(file: Path, override: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        load_config(file, (override,))
    assert caught.value.what.startswith(what)
    assert caught.value.where == f"-o {override}"


def test_what_file_and_override_made_together_names_both(file: Path) -> None:
    with pytest.raises(InputError, match=r"'filter.detector.weights': Field required") as caught:
        load_config(file, ("verify.flash=1MiB", "filter.detector.kind=ultralytics"))
    assert caught.value.where == f"{file}:8 and -o filter.detector.kind=ultralytics"


@pytest.mark.parametrize(("size", "size_bytes"), [("64kB", 64_000), ("1.5 KiB", 1536), ("'4096'", 4096), ("7", 7)])
def test_sizes(file: Path, size: str, size_bytes: int) -> None:
    assert load_config(file, (f"verify.flash={size}",)).verify.flash == size_bytes


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no configuration at") as caught:
        load_config(tmp_path)
    assert caught.value.why == "Is a directory"
