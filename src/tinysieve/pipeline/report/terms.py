"""Under which terms the parts of a run stand, as far as the configuration tells: for the cards."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.dataset.sources.image_places import images_name
from tinysieve.pipeline.config.sections import Config

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Terms:
    """What a part may be used for.

    Args:
        part: what it is.
        licence: an SPDX-like identifier in lower case, or "other" or "unknown".
        words: what follows from it, in a sentence.
    """

    part: str
    licence: str
    words: str


@dataclass(frozen=True)
class DataTerms:
    """The data's name and terms: those of the images and, where they differ, of the labels."""

    name: str
    images: Terms
    labels: Terms


def data_terms(config: Config) -> DataTerms:
    """What the configuration's section `card` says; else what is published of a source that is known by its kind."""
    card, name = config.card, images_name(config.dataset.source.images)
    if card.dataset_name or card.dataset_license != UNKNOWN or card.dataset_terms:
        words = card.dataset_terms or "As stated by whoever made the run."
        return DataTerms(card.dataset_name or name, Terms("images", card.dataset_license, words),
                         Terms("labels", card.dataset_license, words))
    if config.dataset.source.name == "wake_vision":
        return DataTerms(
            "Wake Vision",
            Terms("images", "cc-by-2.0", "Open Images' photos are listed by their authors as CC BY 2.0, without warranty: "
                  "whoever passes an image on should check its licence and name its author."),
            Terms("labels", "cc-by-4.0", "Wake Vision's labels are CC BY 4.0: name the data set, and say that labels were "
                  "changed."))
    unsaid = "Nobody has stated them: set 'card.dataset_license' and 'card.dataset_terms' before images or labels are passed on."
    return DataTerms(name, Terms("images", UNKNOWN, unsaid), Terms("labels", UNKNOWN, unsaid))


def tool_terms(config: Config) -> tuple[Terms, ...]:
    """The detector's and the backbone's terms: what gave opinions about the labels."""
    detector, terms = config.filter.detector, []
    if detector.kind == "ultralytics":
        terms.append(Terms(f"detector {detector.weights.name}, read by Ultralytics", "agpl-3.0",
                           "Ultralytics and its YOLO weights are AGPL-3.0 or bought. Neither is part of what this card "
                           "describes: they gave boxes, from which some labels were mended. Whoever ships or serves them must "
                           "publish the whole source under AGPL-3.0, or buy a licence."))
    elif detector.kind == "boxes":
        terms.append(Terms(f"boxes from {detector.file.name}", UNKNOWN, "Made elsewhere, under their maker's terms."))
    if detector.kind == "presence_head" or any(entry.name == "presence_head" for entry in config.filter.active):
        terms.append(Terms("presence head", "apache-2.0", "Trained on PASCAL VOC 2007 photos, which stand under Flickr's terms."))
    if config.filter.backbone.kind == "efficientnet-lite0":
        terms.append(Terms("backbone EfficientNet-Lite0", "apache-2.0", "Weights trained on ImageNet."))
    else:
        terms.append(Terms(f"backbone ({config.filter.backbone.kind})", UNKNOWN, "The user's own, under its maker's terms."))
    return tuple(terms)
