"""The saved views: where to look first. They ask the database anew each time, so they follow what a person changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinysieve.pipeline.explore.fields import GIVEN, GROUND_TRUTH, GROUP, OPINION, PLACE, REVIEW

DESCRIPTIONS = {
    "wrong_person": "given as person, and a filter votes background; most doubtful first",
    "wrong_background": "given as background, and a filter votes person; most doubtful first",
    "pseudo_labels": "given without a label, and has one now",
    "conflicts": "one filter votes person and another background",
    "near_duplicates": "has a near-duplicate; groups stand together",
    "review_queue": "what the policy asks a person to look at; most doubtful first",
}


def save_views(fiftyone: Any, dataset: Any, filters: Sequence[str]) -> dict[str, int]:
    """Save every view that the dataset has fields for, replacing older ones; how many samples each shows."""
    views = _views(fiftyone, dataset, [OPINION + name for name in filters])
    for name in set(DESCRIPTIONS) & set(dataset.list_saved_views()) - set(views):
        dataset.delete_saved_view(name)
    for name, view in views.items():
        dataset.save_view(name, view, description=DESCRIPTIONS[name], overwrite=True)
    return {name: len(view) for name, view in views.items()}


def _views(fiftyone: Any, dataset: Any, opinions: list[str]) -> dict[str, Any]:
    field = fiftyone.ViewField
    given, now = field(f"{GIVEN}.label"), field(f"{GROUND_TRUTH}.label")
    views = {"pseudo_labels": dataset.match((given == None) & (now != None)),  # noqa: E711
             "review_queue": dataset.match_tags(REVIEW).sort_by(PLACE)}
    if opinions:
        person = fiftyone.ViewExpression.any([field(f"{name}.label") == "person" for name in opinions])
        background = fiftyone.ViewExpression.any([field(f"{name}.label") == "background" for name in opinions])
        doubt = field.max([(field(f"{name}.label") != None).if_else(field(f"{name}.confidence"), 0)  # noqa: E711
                           for name in opinions])
        views["wrong_person"] = dataset.match((given == "person") & background).sort_by(doubt, reverse=True)
        views["wrong_background"] = dataset.match((given == "background") & person).sort_by(doubt, reverse=True)
        views["conflicts"] = dataset.match(person & background)
    if dataset.has_field(GROUP):
        views["near_duplicates"] = dataset.match(field(GROUP) != None).sort_by(GROUP)  # noqa: E711
    return {name: views[name] for name in DESCRIPTIONS if name in views}
