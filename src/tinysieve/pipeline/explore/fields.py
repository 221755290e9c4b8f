"""Names of fields and tags in the FiftyOne dataset, shared by what writes them and what reads them back."""

from __future__ import annotations

import hashlib

from tinysieve.dataset.classes import DROPPED, NEGATIVE, POSITIVE, UNLABELED, ClassNames
from tinysieve.dataset.samples import SPLITS
from tinysieve.filtering.decisions.answers import DROP_WORD
from tinysieve.filtering.opinion import ASK_DROP, ASK_REVIEW
from tinysieve.pipeline.engine.stages import Run

SAMPLE_ID = "tinysieve_id"
GROUND_TRUTH, GIVEN, SHOWN = "ground_truth", "given", "label_when_shown"
DETECTIONS, OPINION, EMBEDDING, BRAIN_KEY = "detections", "opinion_", "embedding", "umap"
GROUP, PLACE = "near_duplicate_group", "review_place"
UNIQUENESS, REPRESENTATIVENESS = "uniqueness", "representativeness"
ISSUE, QUALITY, TRIAGE, P_WRONG, METADATA = "is_label_issue", "label_quality", "triage", "probability_of_error", "metadata"

NO_LABEL, OUT, REVIEW = "no_label", "dropped", "review"
OWN_TAGS = frozenset({*SPLITS, NO_LABEL, OUT, REVIEW})


def deciding_tags(classes: ClassNames) -> dict[str, int]:
    """A person's tags that decide; the words are those of every other review."""
    return {classes.positive: POSITIVE, classes.negative: NEGATIVE, DROP_WORD: DROPPED}


def label_words(classes: ClassNames) -> dict[int, str | None]:
    """What a label is called; none for no label and for dropped, which are tags."""
    return {POSITIVE: classes.positive, NEGATIVE: classes.negative, UNLABELED: None, DROPPED: None}


def proposal_words(classes: ClassNames) -> dict[int, str]:
    """What a filter's opinion is called."""
    return {POSITIVE: classes.positive, NEGATIVE: classes.negative, ASK_DROP: DROP_WORD, ASK_REVIEW: REVIEW}


def dataset_name(run: Run) -> str:
    """The dataset of a run: its folder's name, and six digits that tell folders of one name apart."""
    digest = hashlib.blake2b(str(run.folder.resolve()).encode(), digest_size=3).hexdigest()
    return f"tinysieve-{run.folder.resolve().name}-{digest}"
