"""The saved views: where to look first. They ask the database anew each time, so they follow what a person changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinysieve.dataset.classes import ClassNames
from tinysieve.pipeline.explore.fields import GIVEN, GROUND_TRUTH, GROUP, ISSUE, OPINION, PLACE, QUALITY, REVIEW

ISSUES_VIEW = "label issues, worst first"


def descriptions(classes: ClassNames) -> dict[str, str]:
    """Name of each view, and what it shows."""
    yes, no = classes.positive_first
    return {
        view_of_wrong(yes): f"given as {yes}, and a filter votes {no}; most doubtful first",
        view_of_wrong(no): f"given as {no}, and a filter votes {yes}; most doubtful first",
        "pseudo_labels": "given without a label, and has one now",
        "conflicts": f"one filter votes {yes} and another {no}",
        "near_duplicates": "has a near-duplicate; groups stand together",
        ISSUES_VIEW: "the out-of-fold classifier contradicts the label; worst first",
        "review_queue": "what the policy asks a person to look at; most doubtful first",
    }


def view_of_wrong(name: str) -> str:
    """The view of samples of a class whose label a filter doubts.

    >>> view_of_wrong("hard hat")
    'wrong_hard_hat'
    """
    return f"wrong_{name.replace(' ', '_')}"


def save_views(fiftyone: Any, dataset: Any, filters: Sequence[str], classes: ClassNames) -> dict[str, int]:
    """Save every view that the dataset has fields for, replacing older ones; how many samples each shows."""
    views, described = _views(fiftyone, dataset, [OPINION + name for name in filters], classes), descriptions(classes)
    for name in set(described) & set(dataset.list_saved_views()) - set(views):
        dataset.delete_saved_view(name)
    for name, view in views.items():
        dataset.save_view(name, view, description=described[name], overwrite=True)
    return {name: len(view) for name, view in views.items()}


def _views(fiftyone: Any, dataset: Any, opinions: list[str], classes: ClassNames) -> dict[str, Any]:
    field = fiftyone.ViewField
    given, now = field(f"{GIVEN}.label"), field(f"{GROUND_TRUTH}.label")
    views = {"pseudo_labels": dataset.match((given == None) & (now != None)),  # noqa: E711
             "review_queue": dataset.match_tags(REVIEW).sort_by(PLACE)}
    if opinions:
        positive, negative = (fiftyone.ViewExpression.any([field(f"{name}.label") == word for name in opinions])
                              for word in classes.positive_first)
        doubt = field.max([(field(f"{name}.label") != None).if_else(field(f"{name}.confidence"), 0)  # noqa: E711
                           for name in opinions])
        for word, against in ((classes.positive, negative), (classes.negative, positive)):
            views[view_of_wrong(word)] = dataset.match((given == word) & against).sort_by(doubt, reverse=True)
        views["conflicts"] = dataset.match(positive & negative)
    if dataset.has_field(ISSUE):
        views[ISSUES_VIEW] = dataset.match(field(ISSUE) == True).sort_by(QUALITY)  # noqa: E712
    if dataset.has_field(GROUP):
        views["near_duplicates"] = dataset.match(field(GROUP) != None).sort_by(GROUP)  # noqa: E711
    return {name: views[name] for name in descriptions(classes) if name in views}
