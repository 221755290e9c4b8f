"""The configuration: read once from YAML into frozen, typed objects; unknown keys are refused with their line."""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from dataset.errors import InputError

_UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "KiB": 1024, "MiB": 1024**2}


def parse_bytes(value: object) -> object:
    """A size with unit -> bytes; other values pass unchanged and are judged by pydantic.

    >>> parse_bytes("320KiB")
    327680
    """
    match = re.fullmatch(r"\s*([\d.]+)\s*(\w+)\s*", value) if isinstance(value, str) else None
    return round(float(match[1]) * _UNITS[match[2]]) if match and match[2] in _UNITS else value


def _expand(value: object) -> object:
    """`${NAME:-default}` in a path -> the environment variable or the default."""
    if not isinstance(value, str):
        return value
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: os.environ.get(m[1]) or m[2] or "", value)


Bytes = Annotated[int, BeforeValidator(parse_bytes), Field(gt=0)]
FilePath = Annotated[Path, BeforeValidator(_expand)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Holdout(_Section):
    """Shares of the labelled images drawn as held-out splits where the source has none."""

    validation: Share = 0.1
    test: Share = 0.2


class TableSource(_Section):
    """CSV or Parquet with one row an image."""

    kind: Literal["table"]
    images: FilePath
    table: FilePath
    filepath: str = "filename"
    label: str = "person"
    split: str | None = "split"
    holdout: Holdout = Holdout()


class WakeVisionSource(_Section):
    """Wake Vision's CSV files over one image folder."""

    kind: Literal["wake_vision"]
    images: FilePath
    train: tuple[FilePath, ...]
    validation: tuple[FilePath, ...]
    test: tuple[FilePath, ...]


class FolderSource(_Section):
    """`<split>/<class>/image` folders; empty `train_folders` takes all that are there."""

    kind: Literal["folders"]
    images: FilePath
    train_folders: tuple[str, ...] = ()


class CropRuleConfig(_Section):
    """When a person's box counts: its share of the crop."""

    crop: Literal["center_square", "none"]
    min_area: Share


class Dataset(_Section):
    """Where images and labels come from."""

    source: Annotated[TableSource | WakeVisionSource | FolderSource, Field(discriminator="kind")]
    on_missing: Literal["skip", "error"] = "skip"
    rule: Literal["wake_vision", "vww", "mlperf_tiny", "any"] | CropRuleConfig = "wake_vision"


class UltralyticsDetector(_Section):
    """Any weights that Ultralytics reads."""

    kind: Literal["ultralytics"]
    weights: FilePath
    min_confidence: Share = 0.05
    allow_download: bool = False


class PresenceHeadDetector(_Section):
    """The shipped presence head; needs no download."""

    kind: Literal["presence_head"]
    min_confidence: Share = 0.05


class BoxFile(_Section):
    """Boxes from a file, made elsewhere."""

    kind: Literal["boxes"]
    file: FilePath
    normalized: bool = False


class Filters(_Section):
    """Which signals give opinions, and when they are sure enough to vote."""

    detector: Annotated[UltralyticsDetector | PresenceHeadDetector | BoxFile, Field(discriminator="kind")]
    person_confidence: Share = 0.5
    background_confidence: Share = 0.25
    out_of_fold: bool = True
    out_of_fold_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    presence_head: bool = True
    presence_head_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8


class DefaultPolicy(_Section):
    """Two independent signals flip; see filtering.decisions.policy.TwoSignals."""

    kind: Literal["default"]
    flip_votes: Annotated[int, Field(ge=1)] = 2
    label_votes: Annotated[int, Field(ge=1)] = 2
    drop_confidence: Annotated[float, Field(ge=0)] = 0.6
    max_change: Share = 0.25
    mend_validation: bool = False


class SeedPolicy(_Section):
    """As the seed submission published it, but for the frozen test split."""

    kind: Literal["seed"]
    max_change: Share = 0.25
    mend_validation: bool = False


class RecipeChanges(_Section):
    """A published recipe with other values; its results are marked as not comparable."""

    base: Literal["challenge-1", "challenge-2", "seed", "demo"]
    epochs: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None


class Train(_Section):
    """The fixed recipe; see training.recipe."""

    recipe: Literal["challenge-1", "challenge-2", "seed", "demo"] | RecipeChanges


class Quantize(_Section):
    """Conversion to int8."""

    io_type: Literal["int8", "uint8"] = "uint8"
    calibration_images: Annotated[int, Field(ge=2)] = 150


class Verify(_Section):
    """Budgets and gates."""

    flash: Bytes = 1024**2
    ram: Bytes = 320 * 1024
    min_accuracy: Share = 0.0
    tflm_images: Annotated[int, Field(ge=1)] = 50


class Config(_Section):
    """One run."""

    run: FilePath
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1)] = Field(default_factory=lambda: os.cpu_count() or 1)
    dataset: Dataset
    filter: Filters
    policy: Annotated[DefaultPolicy | SeedPolicy, Field(discriminator="kind")]
    train: Train
    quantize: Quantize = Quantize()
    verify: Verify = Verify()


def load_config(path: Path, overrides: tuple[str, ...] = ()) -> Config:
    """Read a YAML file; `overrides` are `a.b=value`.

    Raises:
        InputError: not YAML, an unknown key (with what was probably meant), or a value out of range; with file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError as error:
        raise InputError(f"no configuration at {path}", fix="give --config FILE; see configs/") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise InputError(f"{path} holds no settings", fix="see configs/ for examples")
    for override in overrides:
        _override(data, override)
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise _explained(error, path, node) from error


def _override(data: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise InputError(f"override '{text}' is not of the form a.b=value", where=f"-o {text}")
    *parents, last = key.split(".")
    for parent in parents:
        data = data.setdefault(parent, {})
        if not isinstance(data, dict):
            raise InputError(f"'{parent}' is a value and has no settings below it", where=f"-o {text}")
    data[last] = yaml.safe_load(value)


def _explained(error: ValidationError, path: Path, node: yaml.Node | None) -> InputError:
    first = error.errors()[0]
    keys, line = _locate(node, first["loc"])
    name = ".".join(keys)
    where = f"{path}:{line}"
    if first["type"] == "extra_forbidden":
        close = difflib.get_close_matches(keys[-1], _known_keys(), n=1)
        hint = f" (did you mean '{'.'.join([*keys[:-1], close[0]])}'?)" if close else ""
        return InputError(f"unknown key '{name}'{hint}", where=where, fix="see 'tinysieve config show' for all settings")
    return InputError(f"setting '{name}': {first['msg']}", where=where, why=f"got {first['input']!r}"[:200])


def _locate(node: yaml.Node | None, location: tuple[int | str, ...]) -> tuple[list[str], int]:
    """The path as written in the file, and its line; the tags of unions in pydantic's path are passed over."""
    keys: list[str] = []
    line, tagged = 1, None
    for part in location:
        children = {key.value: (key, value) for key, value in node.value} if isinstance(node, yaml.MappingNode) else {}
        kind = children.get("kind", (None, None))[1]
        if kind is not None and kind.value == part and tagged is not node:
            tagged = node
            continue
        if part in children:
            line, node = children[part][0].start_mark.line + 1, children[part][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.ScalarNode):
            break
        keys.append(str(part))
    return keys, line


def _known_keys() -> set[str]:
    keys: set[str] = set()
    for value in globals().values():
        if isinstance(value, type) and issubclass(value, _Section):
            keys |= set(value.model_fields)
    return keys
