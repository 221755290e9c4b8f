"""Stage `out-of-fold`: P(positive) of every image by the configured classifier, which has not seen the image's own label."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.samples import SampleTable
from tinysieve.filtering.evidence.trusted_files import require_trusted_name
from tinysieve.filtering.filters.duplicates import Duplicates
from tinysieve.filtering.label_errors.class_probabilities import class_probabilities
from tinysieve.filtering.label_errors.fold_classifiers import Classifier, folded, forget
from tinysieve.filtering.label_errors.out_of_fold import out_of_fold_probabilities
from tinysieve.filtering.label_errors.temperature import cool
from tinysieve.ground.atomic_files import replacing
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.filters import ImageModule, RidgeClassifier
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Artifact
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.embed import features_of
from tinysieve.pipeline.stages.ingest import PIXELS, samples_of
from tinysieve.pipeline.stages.libraries import LEARNING
from tinysieve.pipeline.stages.near_duplicates import GROUPS, groups_of

STAGE = "out-of-fold"
P_POSITIVE = Artifact(STAGE, "p_positive.npy", lambda path: np.load(path, allow_pickle=False))


def out_of_fold_stage(config: Config) -> Stage:
    """The stage; near-duplicates stay in one fold where they are looked for."""
    groups = (GROUPS.stage,) if config.filter.of(Duplicates).enabled else ()
    return Stage(STAGE, 1, ("ingest", "embed", *groups), _settings, _work, libraries=LEARNING)


def trusted_labels(samples: SampleTable) -> Codes:
    """int8 [N]: the given labels of the train split, UNLABELED elsewhere."""
    return np.where(samples.in_split("train"), samples.labels, np.int8(UNLABELED))


def _work(run: Run, folder: Path) -> str:
    samples, groups = samples_of(run), groups_of(run)
    p_positive = positive_probabilities(run, samples, trusted_labels(samples), None if groups is None else groups.group, folder)
    np.save(folder / P_POSITIVE.file, p_positive)
    return ""


def _settings(config: Config) -> object:
    return {"folds": config.filter.folds, "classifier": config.filter.classifier.model_dump(mode="json"), "seed": config.seed}


def positive_probabilities(
    run: Run, samples: SampleTable, trusted: NDArray[np.int8], groups: NDArray[np.integer] | None, folder: Path | None
) -> NDArray[np.float32]:
    """P(positive) of every sample by models that have not seen its label, float32 [N].

    Args:
        run: its settings, features and pictures.
        samples: of the run.
        trusted: int8 [N], negative for samples that must not teach.
        groups: int [N] of near-duplicates, or None.
        folder: where a network's finished folds are kept until all are there.
    """
    filters, rng = run.config.filter, np.random.default_rng(run.config.seed)
    settings = filters.classifier
    if not isinstance(settings, RidgeClassifier):
        require_trusted_name(settings.make, "filter.classifier.trusted", settings.trusted)
        read = _pictures(run, samples) if isinstance(settings, ImageModule) else _features(run)
        make = classifier_factory(settings.make, settings.arguments)
        with progress("out of fold", "folds") as report:
            pred_probs = folded(make, read, trusted, 2, filters.folds, rng, groups=groups, progress=report,
                                remember=forget if folder is None else partial(_kept_fold, folder))
        return (cool(pred_probs, trusted) if settings.temperature else pred_probs)[:, 1]
    features = features_of(run)
    with progress("out of fold"):
        if settings.polish_passes:
            passes = settings.polish_passes
            return class_probabilities(features, trusted, 2, filters.folds, rng, groups=groups, polish_passes=passes)[:, 1]
        return out_of_fold_probabilities(features, trusted, filters.folds, rng, groups=groups)


def _features(run: Run) -> Callable[[NDArray[np.int64]], NDArray[np.float32]]:
    features = features_of(run)
    return lambda rows: np.asarray(features[rows], np.float32)


def _pictures(run: Run, samples: SampleTable) -> Callable[[NDArray[np.int64]], NDArray[np.uint8]]:
    pixels, pixel_row = PIXELS.of(run), samples.numbers("pixel_row")
    return lambda rows: np.asarray(pixels[pixel_row[rows]])


def _kept_fold(folder: Path, fold: int, work: Callable[[], NDArray[np.float32]]) -> NDArray[np.float32]:
    """The answers of a fold that an interrupted run has finished, else its work, kept."""
    file = folder / f"fold-{fold}.npy"
    if file.exists():
        return np.asarray(np.load(file, allow_pickle=False))
    answers = work()
    with replacing(file) as temporary, temporary.open("wb") as stream:
        np.save(stream, answers)
    return answers


def classifier_factory(name: str, arguments: dict[str, Any]) -> Callable[[], Classifier]:
    """What builds the classifier that `module:name` names, such as `sklearn.linear_model:LogisticRegression`.

    Raises:
        InputError: no such module or name, or what it builds lacks fit or predict_proba.
    """
    module, colon, attribute = name.partition(":")
    try:
        make = getattr(importlib.import_module(module), attribute)
        built = make(**arguments)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"classifier '{name}' cannot be built: {error}", where="filter.classifier.make",
                         fix="write module:name, such as sklearn.linear_model:LogisticRegression") from error
    if not colon or not (hasattr(built, "fit") and hasattr(built, "predict_proba")):
        raise InputError(f"classifier '{name}' has no fit and predict_proba", where="filter.classifier.make",
                         fix="any scikit-learn classifier, skorch's NeuralNetClassifier, or a function that returns one")
    return lambda: make(**arguments)
