"""The configuration: typed, frozen, and helpful when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from dataset.errors import InputError
from pipeline.config_file import load_config

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
    assert config.dataset.source.images == Path("/elsewhere")
    assert (config.train.recipe, config.policy.max_change) == ("demo", 0.5)
    with pytest.raises(ValidationError):
        config.seed = 3  # type: ignore[misc]


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
