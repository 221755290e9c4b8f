"""What each stage does, in a few words: printed as it starts, so that who watches a run learns what it is made of."""

from __future__ import annotations

FILTERS = "filters/"
_DOES = {
    "ingest": "decodes photos, reads their labels",
    "detect": "looks for objects in photos",
    "embed": "describes photos by a backbone",
    "image-quality": "measures blur, light and size",
    "image-model": "asks your model about photos",
    "near-duplicates": "groups photos that look alike",
    "neighbors": "finds each photo's look-alikes",
    "out-of-fold": "predicts labels from other photos",
    "data-parameters": "learns how hard photos are",
    "policy": "decides which labels to change",
    "select": "chooses the photos to keep",
    "train-baseline": "trains on the original labels",
    "train-mended": "trains on the mended labels",
    "quantize-baseline": "converts the baseline to int8",
    "quantize-mended": "converts to int8, fits memory",
    "verify": "measures both models on tests",
    "report": "writes page and both cards",
    "track": "tells your tracker of it",
    "challenge-fit": "fits the challenge's own model",
    "challenge-test": "tests the challenge's own model",
}


def does(stage: str) -> str:
    """Five words on a stage, by its name.

    >>> does("policy"), does("filters/label_errors")
    ('decides which labels to change', 'gives its opinion on labels')
    """
    return "gives its opinion on labels" if stage.startswith(FILTERS) else _DOES[stage]
