"""`tinysieve.clean_labels`: from pictures or features, labels and a model to the label issues, out of fold."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tinysieve.face.label_inputs import check_class_names, label_array
from tinysieve.face.label_issues import LabelIssues, find_label_issues
from tinysieve.face.pictures import AnyImage
from tinysieve.filtering.label_errors.fold_classifiers import Classifier, folded
from tinysieve.filtering.label_errors.label_errors import DEFAULT_FILTER, DEFAULT_RANKING
from tinysieve.filtering.label_errors.second_pass import confirmed
from tinysieve.filtering.label_errors.second_pass import second_pass as again
from tinysieve.ground.errors import InputError


def clean_labels(
    images: ArrayLike, labels: ArrayLike, model: Any, *, folds: int = 5, seed: int = 0, second_pass: bool = False,
    filter_by: str = DEFAULT_FILTER, rank_by: str = DEFAULT_RANKING, class_names: Sequence[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> LabelIssues:
    """Judge every label by a model that has not seen it: `is_label_issue`, `label_quality`, `predicted_labels`.

    Args:
        images: [N, ...], pictures or features, as the model takes them.
        labels: given labels [N]: class numbers 0..K-1, or names with `class_names`.
        model: an untrained classifier with fit and predict_proba (scikit-learn, skorch's nets, `KerasClassifier`), copied for
            each fold; or a function without arguments that builds one.
        folds: parts; each is judged by a model taught on the others.
        seed: who is in which fold.
        second_pass: `predicted_labels` by models taught on the labels that the first pass kept; issues whose label these confirm
            are none. Costs as much again.
        filter_by, rank_by: as for `find_label_issues`.
        class_names: K names in the order of the class numbers.
        progress: told (done, total) folds.

    Raises:
        InputError: rows that do not fit, too few of a class for the folds, or a model that gives no probabilities.
    """
    pictures = np.asarray(images)
    names = check_class_names(class_names, len(class_names)) if class_names is not None else None
    codes = label_array(labels, names)
    if pictures.dtype.kind not in "biuf" or pictures.ndim < 2 or codes.shape != (len(pictures),):
        raise InputError(f"images {list(pictures.shape)} of type {pictures.dtype}, labels {list(codes.shape)}: rows disagree",
                         where="images", why="row i of both belongs to the same sample",
                         fix="give an array [N, ...] of numbers: pictures of one size, or features")
    classes = len(names) if names is not None else int(codes.max(initial=-1)) + 1
    make = _builder(model)

    def out_of_fold(taught: NDArray[np.integer]) -> NDArray[np.floating]:
        return folded(make, lambda rows: pictures[rows], taught, classes, folds, np.random.default_rng(seed), progress=progress)

    first = find_label_issues(out_of_fold(codes), codes, filter_by=filter_by, rank_by=rank_by, class_names=names,
                              images=_shown(pictures))
    if not second_pass:
        return first
    second = again(codes, first.is_label_issue, out_of_fold)
    return LabelIssues(first.pred_probs, first.labels, confirmed(first.evidence, codes, second), names, first.images)


def _builder(model: Any) -> Callable[[], Classifier]:
    """What gives a fresh classifier, from a classifier or from a function that builds one."""
    if hasattr(model, "fit") and hasattr(model, "predict_proba") and not isinstance(model, type):
        return lambda: cast(Classifier, copy.deepcopy(model))
    if callable(model):
        return cast("Callable[[], Classifier]", model)
    raise InputError(f"model is a {type(model).__name__} without fit and predict_proba", where="model",
                     fix="give a scikit-learn classifier, skorch's NeuralNetClassifier, KerasClassifier, or what builds one")


def _shown(pictures: NDArray[Any]) -> Sequence[AnyImage] | None:
    """Pictures that can be shown as thumbnails."""
    is_picture = pictures.dtype == np.uint8 and pictures.ndim == 4 and pictures.shape[3] == 3
    return cast("Sequence[AnyImage]", pictures) if is_picture else None
