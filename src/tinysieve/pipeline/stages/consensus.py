"""The consensus of a run: beliefs from its scores and its verified answers, and how far each filter can be believed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from tinysieve.dataset.classes import UNLABELED, Codes
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.filtering.decisions.answers import resolve_answers
from tinysieve.filtering.decisions.consensus import Beliefs, Consensus, read_verified, weigh
from tinysieve.filtering.decisions.error_model import PRIOR_PHOTOS
from tinysieve.filtering.decisions.filter_precision import filter_precision
from tinysieve.filtering.decisions.human_review import read_answers
from tinysieve.filtering.decisions.policy import Policy
from tinysieve.filtering.decisions.weight_prior import known_weights
from tinysieve.filtering.opinion import Opinions
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.opinions import scores_of
from tinysieve.pipeline.stages.policy_facts import PrecisionFacts

BELIEFS = "beliefs.npz"
# On the demo's two hundred labels the weighing expected 52 % of a filter's votes to be right where nearly all were.
LABELS_FOR_AN_ESTIMATE = 1000


def beliefs_of(run: Run, samples: SampleTable, labels: Codes) -> Beliefs:
    """Weigh the run's scores; the train split's labels teach, and a person's answers where the configuration names them."""
    settings, verified = run.config.policy, np.full(len(labels), UNLABELED, np.int8)
    if isinstance(settings, Consensus) and settings.verified is not None:
        answers = resolve_answers(
            read_answers(settings.verified, "human", samples.classes, run.config.dataset.classes), samples, labels)
        verified = read_verified(answers.agreed(), len(labels))
        verified[samples.in_split("test")] = UNLABELED
    prior_photos = settings.prior_photos if isinstance(settings, Consensus) else PRIOR_PHOTOS
    scores = scores_of(run)
    return weigh(scores, labels, samples.in_split("train"), verified, known_weights(scores), prior_photos)


def answers_fingerprint(settings: Policy) -> dict[str, str]:
    """Hash of the verified answers, if the policy learns from any; "missing" where the file is not there."""
    if not isinstance(settings, Consensus) or settings.verified is None:
        return {}
    data = settings.verified.read_bytes() if settings.verified.exists() else b"missing"
    return {"verified": hashlib.blake2b(data, digest_size=8).hexdigest()}


def save_beliefs(beliefs: Beliefs, labels: Codes, path: Path) -> None:
    """Keep P(positive), P(given label wrong) and what each signal says alone, for audit and report."""
    signals: dict[str, Any] = {f"signal_{name}": values.astype(np.float32) for name, values in beliefs.by_signal.items()}
    np.savez(path, p_positive=beliefs.p_positive.astype(np.float32), p_wrong=beliefs.p_wrong(labels).astype(np.float32),
             **signals)


def precision_table(run: Run, samples: SampleTable, labels: Codes, opinions: list[Opinions], eligible: Mask,
                    beliefs: Beliefs | None) -> dict[str, PrecisionFacts]:
    """Estimated precision of each filter by name; empty where there are too few labels or no scores to weigh."""
    if ((labels > UNLABELED) & samples.in_split("train")).sum() < LABELS_FOR_AN_ESTIMATE:
        return {}
    try:
        known = beliefs or beliefs_of(run, samples, labels)
    except InputError:
        return {}
    estimated = filter_precision(opinions, labels, eligible, known.p_wrong(labels))
    return {judged.filter: PrecisionFacts(judged.against, judged.precision, judged.recall) for judged in estimated}
