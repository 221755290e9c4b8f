"""The configuration as frozen, typed objects; `tinysieve.pipeline.config.read` reads them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator

from tinysieve.dataset.classes import ClassNames
from tinysieve.dataset.sources.registry import sources_for
from tinysieve.dataset.sources.source import Source
from tinysieve.dataset.stores.store import StoreSettings
from tinysieve.dataset.table_text import TableForm
from tinysieve.filtering.decisions.consensus import Consensus
from tinysieve.filtering.decisions.policy import FollowDetector, TwoSignals
from tinysieve.filtering.evidence.crop_rule import CropRule
from tinysieve.ground.errors import InputError
from tinysieve.ground.settings import Bytes, FilePath, Share
from tinysieve.pipeline.config.filters import Filters, filters_section
from tinysieve.pipeline.config.section import Section


class Task(Section):
    """What is to be detected: the names of the class and of its absence, and the detector's classes that show it.

    Without `detector_classes` the detector's class is called as the positive one.
    """

    positive: str = "person"
    negative: str = "background"
    detector_classes: Annotated[tuple[str, ...], Field(min_length=1)] = ("person",)

    @model_validator(mode="before")
    @classmethod
    def _detected_as_it_is_called(cls, given: Any) -> Any:
        if isinstance(given, dict) and "detector_classes" not in given and "positive" in given:
            return given | {"detector_classes": (given["positive"],)}
        return given

    @model_validator(mode="after")
    def _usable_names(self) -> Task:
        try:
            _ = self.classes
        except InputError as error:
            raise ValueError(f"{error.what}; {error.why or error.fix}") from error
        if not all(name.strip() for name in self.detector_classes):
            raise ValueError("a class of the detector has no name")
        return self

    @property
    def classes(self) -> ClassNames:
        """The two names as the rest of the program takes them."""
        return ClassNames(self.positive, self.negative)

    @property
    def head_class(self) -> str:
        """Class of the shipped presence head that shows the task's class."""
        return self.detector_classes[0].lower()


def _words(value: object) -> tuple[object, ...]:
    """What YAML reads as numbers and truth values -> the words that were written; `no` and `false` cannot be told apart."""
    if isinstance(value, bool):
        return ("yes", "true", "on") if value else ("no", "false", "off")
    return (str(value),) if isinstance(value, (int, float)) else (value,)


def _all_words(value: object) -> object:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [word for part in values for word in _words(part)]


# Words in a label column, or names of folders, that mean one class.
Words = Annotated[tuple[str, ...], BeforeValidator(_all_words)]


class Dataset(Section):
    """Where images and labels come from.

    `classes` gives for each class the words that mean it, in a column or as a folder; `"*"` is every other word. `on_conflict`
    says what becomes of a photo that has both labels; `on_unnamed` whether photos that no row names count as unlabeled;
    `follow_links` names folders that links among the images may lead into; `store` says how archives and addresses are read.
    """

    source: Source
    on_missing: Literal["skip", "error"] = "skip"
    on_conflict: Literal["review", "majority", "first", "error"] = "review"
    on_unnamed: Literal["take", "skip"] = "take"
    classes: dict[str, Words] = Field(default_factory=dict)
    table: TableForm = TableForm()
    store: StoreSettings = StoreSettings()
    follow_links: tuple[FilePath, ...] = ()
    rule: Literal["wake_vision", "vww", "mlperf_tiny", "any"] | CropRule = "wake_vision"


# Those of tinysieve.training.recipe, whose import every command would pay for.
RecipeName = Literal["challenge-1", "challenge-2", "seed", "finetune", "demo"]


class RecipeChanges(Section):
    """A published recipe with other values; its results are marked as not comparable."""

    base: RecipeName
    epochs: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    learning_rate: Annotated[float, Field(gt=0)] | None = None


class Train(Section):
    """The fixed recipe; see tinysieve.training.recipe."""

    recipe: RecipeName | RecipeChanges


class Fit(Section):
    """What stripes may add to the mended model's work so that it fits the budgets under `verify`."""

    max_extra_macs: Share = 0.06


class Quantize(Section):
    """Conversion to int8, and fitting into the budgets."""

    io_type: Literal["int8", "uint8"] = "uint8"
    # As many training images as the challenge's own script takes.
    calibration_images: Annotated[int, Field(ge=2)] = 150
    fit: Fit = Fit()


class Verify(Section):
    """Budgets and gates."""

    flash: Bytes = 1024**2
    ram: Bytes = 320 * 1024
    min_accuracy: Share = 0.0
    tflm_images: Annotated[int, Field(ge=1)] = 50
    allow_leaks: bool = False


class Card(Section):
    """What only a person knows, for the cards: the data's name, its licence (an identifier such as cc-by-4.0), its terms."""

    dataset_name: str = ""
    dataset_license: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")] = "unknown"
    dataset_terms: str = ""
    model_license: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")] = "unknown"
    intended_use: str = ""


class LocalExecutor(Section):
    """Chunks of images are worked on by this process, with `workers` threads."""

    kind: Literal["local"] = "local"


class RayExecutor(Section):
    """Chunks of images are worked on by a Ray cluster whose machines see the same folders.

    `address` is `local` for a cluster of this machine alone, else what `ray start` printed; `workers` processes (null: one a
    core, or as many as the GPUs allow), each with `gpus_per_worker` GPUs. After `patience` seconds without a new part all
    workers are started anew.
    """

    kind: Literal["ray"] = "ray"
    address: Annotated[str, Field(min_length=1)] = "local"
    workers: Annotated[int, Field(ge=1)] | None = None
    gpus_per_worker: Annotated[float, Field(ge=0)] = 0
    patience: Annotated[float, Field(gt=0)] = 900


class Track(Section):
    """A tracker that a finished run is written to as well; see docs/trackers.md. All of them keep it on this machine."""

    to: Literal["mlflow", "trackio", "tensorboard"] | None = None
    project: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]*$")] = "tinysieve"
    folder: FilePath = Path("runs/tracked")


class Config(Section):
    """One run."""

    run: FilePath
    # As far as scikit-learn and Keras go; NumPy and TensorFlow take more.
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    workers: Annotated[int, Field(ge=1, le=1024)] = Field(default_factory=lambda: os.cpu_count() or 1)
    executor: Annotated[LocalExecutor | RayExecutor, Field(discriminator="kind")] = LocalExecutor()
    task: Task = Task()
    dataset: Dataset
    filter: Filters
    policy: Annotated[TwoSignals | Consensus | FollowDetector, Field(discriminator="kind")]
    train: Train
    quantize: Quantize = Quantize()
    verify: Verify = Verify()
    card: Card = Card()
    track: Track = Track()

    @model_validator(mode="after")
    def _heads_know_the_class(self) -> Config:
        from tinysieve.filtering.evidence.presence_head import head_names

        asked = "filter.detector" if self.filter.detector.kind == "presence_head" else "filter.presence_head"
        used = asked == "filter.detector" or any(judge.name == "presence_head" for judge in self.filter.active)
        known = len(self.task.detector_classes) == 1 and self.task.head_class in head_names()
        if used and not known:
            raise ValueError(f"{asked}: no presence head ships for '{', '.join(self.task.detector_classes)}', only for one of "
                             f"{', '.join(head_names())}; use a detector that knows the class (ultralytics, boxes), and set "
                             "filter.presence_head: false")
        return self


def config_type(data: Mapping[str, Any]) -> type[Config]:
    """The type of a configuration with the filters and the source that it names; those of other packages are imported here."""
    filters, dataset = (data.get(name) for name in ("filter", "dataset"))
    section = filters_section(filters if isinstance(filters, Mapping) else {})
    return create_model("Config", __base__=Config, filter=(section, ...), dataset=(_dataset_section(dataset), ...))


def _dataset_section(given: object) -> type[Dataset]:
    source = given.get("source") if isinstance(given, Mapping) else None
    kinds = sources_for(str(source.get("kind")) if isinstance(source, Mapping) else "")
    any_kind: Any = reduce(or_, kinds)
    field: Any = (Annotated[any_kind, Field(discriminator="kind")], ...)
    return create_model("Dataset", __base__=Dataset, source=field)


def config_of(data: Mapping[str, Any]) -> Config:
    """A configuration from plain values.

    Raises:
        ValidationError: an unknown key, or a value out of range.
    """
    return config_type(data).model_validate(data)
