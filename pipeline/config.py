"""The configuration as frozen, typed objects; `pipeline.config_file` reads them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

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


class Section(BaseModel):
    """A part of the configuration: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Holdout(Section):
    """Shares of the labelled images drawn as held-out splits where the source has none."""

    validation: Share = 0.1
    test: Share = 0.2


class TableSource(Section):
    """CSV or Parquet with one row an image."""

    kind: Literal["table"]
    images: FilePath
    table: FilePath
    filepath: str = "filename"
    label: str = "person"
    split: str | None = "split"
    holdout: Holdout = Holdout()


class WakeVisionSource(Section):
    """Wake Vision's CSV files over one image folder."""

    kind: Literal["wake_vision"]
    images: FilePath
    train: tuple[FilePath, ...]
    validation: tuple[FilePath, ...]
    test: tuple[FilePath, ...]


class FolderSource(Section):
    """`<split>/<class>/image` folders; empty `train_folders` takes all that are there."""

    kind: Literal["folders"]
    images: FilePath
    train_folders: tuple[str, ...] = ()


class CropRuleConfig(Section):
    """When a person's box counts: its share of the crop."""

    crop: Literal["center_square", "none"]
    min_area: Share


class Dataset(Section):
    """Where images and labels come from."""

    source: Annotated[TableSource | WakeVisionSource | FolderSource, Field(discriminator="kind")]
    on_missing: Literal["skip", "error"] = "skip"
    rule: Literal["wake_vision", "vww", "mlperf_tiny", "any"] | CropRuleConfig = "wake_vision"


class UltralyticsDetector(Section):
    """Any weights that Ultralytics reads."""

    kind: Literal["ultralytics"]
    weights: FilePath
    min_confidence: Share = 0.05
    allow_download: bool = False


class PresenceHeadDetector(Section):
    """The shipped presence head; needs no download."""

    kind: Literal["presence_head"]
    min_confidence: Share = 0.05


class BoxFile(Section):
    """Boxes from a file, made elsewhere."""

    kind: Literal["boxes"]
    file: FilePath
    normalized: bool = False


class Filters(Section):
    """Which signals give opinions, and when they are sure enough to vote."""

    detector: Annotated[UltralyticsDetector | PresenceHeadDetector | BoxFile, Field(discriminator="kind")]
    person_confidence: Share = 0.5
    background_confidence: Share = 0.25
    out_of_fold: bool = True
    out_of_fold_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    presence_head: bool = True
    presence_head_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8


class DefaultPolicy(Section):
    """Two independent signals flip; see filtering.decisions.policy.TwoSignals."""

    kind: Literal["default"]
    flip_votes: Annotated[int, Field(ge=1)] = 2
    label_votes: Annotated[int, Field(ge=1)] = 2
    drop_confidence: Annotated[float, Field(ge=0)] = 0.6
    max_change: Share = 0.25
    mend_validation: bool = False


class SeedPolicy(Section):
    """As the seed submission published it, but for the frozen test split."""

    kind: Literal["seed"]
    max_change: Share = 0.25
    mend_validation: bool = False


class RecipeChanges(Section):
    """A published recipe with other values; its results are marked as not comparable."""

    base: Literal["challenge-1", "challenge-2", "seed", "demo"]
    epochs: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None


class Train(Section):
    """The fixed recipe; see training.recipe."""

    recipe: Literal["challenge-1", "challenge-2", "seed", "demo"] | RecipeChanges


class Quantize(Section):
    """Conversion to int8."""

    io_type: Literal["int8", "uint8"] = "uint8"
    calibration_images: Annotated[int, Field(ge=2)] = 150


class Verify(Section):
    """Budgets and gates."""

    flash: Bytes = 1024**2
    ram: Bytes = 320 * 1024
    min_accuracy: Share = 0.0
    tflm_images: Annotated[int, Field(ge=1)] = 50


class Config(Section):
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
