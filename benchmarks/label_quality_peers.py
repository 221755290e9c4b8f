"""The contestants of benchmarks/label_quality.py: each reads the shared inputs, says what is suspect, and decides."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from label_quality_inputs import Inputs, silent
from neighbor_votes import K
from sklearn.linear_model import LogisticRegression

from tinysieve.dataset.classes import DROPPED, UNLABELED
from tinysieve.filtering.data_parameters.linear_fit import LinearFitSettings, fit_linear, held_out_losses
from tinysieve.filtering.data_parameters.rare_or_wrong import contradicted_by_neighbors, wrong_not_rare
from tinysieve.filtering.data_parameters.row_stream import RowStream
from tinysieve.filtering.data_parameters.trajectories import summarise
from tinysieve.filtering.data_parameters.triage import RULES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.filtering.decisions.consensus import Beliefs, Consensus, weigh
from tinysieve.filtering.decisions.error_rates import ErrorRates
from tinysieve.filtering.decisions.policy import FollowDetector, Plan, TwoSignals
from tinysieve.filtering.evidence.nearest import nearest
from tinysieve.filtering.evidence.neighbors import NOBODY
from tinysieve.filtering.filters.disagreement import detector_scores
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.filtering.score import Score, log_odds

# As these contests were first run; benchmarks/few_labels.py judges what ships.
WITHOUT_PRIOR = Consensus(harm=2.0, flip_signals=2)


@dataclass(frozen=True, eq=False)
class Verdict:
    """What a contestant says of N samples.

    Args:
        suspicion: float [N], higher the more suspect the given label; None for one that only decides.
        made: int8 [N], labels afterwards, DROPPED where dropped.
    """

    suspicion: np.ndarray | None
    made: np.ndarray


def scores_of(inputs: Inputs) -> list[Score]:
    """Boxes and out-of-fold probabilities, the default's signals."""
    classifier = Score("out_of_fold", "out_of_fold", log_odds(inputs.pred_probs[:, 1], 1e-3))
    return [*detector_scores(inputs.seen, "boxes"), classifier]


def beliefs_about(inputs: Inputs) -> Beliefs:
    """The consensus's beliefs."""
    return weigh(scores_of(inputs), inputs.given, inputs.given >= 0, np.full(len(inputs.given), UNLABELED, np.int8))


def consensus(inputs: Inputs) -> Verdict:
    """The policy `consensus` on what two signals say."""
    beliefs = beliefs_about(inputs)
    plan = WITHOUT_PRIOR.decide(inputs.opinions[:3], beliefs, inputs.given, inputs.eligible)
    return Verdict(beliefs.p_wrong(inputs.given), _carried_out(inputs, plan))


def taught_by_truth(inputs: Inputs) -> Verdict:
    """No contestant: the consensus with weights and error rates from the true labels, what these scores can give at most."""
    known = inputs.given >= 0
    values = np.column_stack([np.nan_to_num(one.values) for one in scores_of(inputs)])
    wrong = inputs.given != inputs.truth
    rates = ErrorRates(*(float(np.clip(wrong[known & (inputs.truth == label)].mean(), 1e-3, 1)) for label in (0, 1)))
    odds = LogisticRegression(C=10, max_iter=1000).fit(values[known], inputs.truth[known]).decision_function(values)
    p_positive = 1 / (1 + np.exp(-odds - rates.odds_of(inputs.given)))
    beliefs = replace(beliefs_about(inputs), p_positive=p_positive)
    plan = WITHOUT_PRIOR.decide(inputs.opinions[:3], beliefs, inputs.given, inputs.eligible)
    return Verdict(beliefs.p_wrong(inputs.given), _carried_out(inputs, plan))


def consensus_of_one_look(inputs: Inputs) -> Verdict:
    """Ours, with boxes of a single look."""
    return consensus(inputs.once)


def two_signals(inputs: Inputs) -> Verdict:
    """Ours, without weighing: boxes and out-of-fold classifier must agree."""
    return Verdict(None, _carried_out(inputs, TwoSignals().decide(inputs.opinions[:3], inputs.given, inputs.eligible)))


def follow_detector(inputs: Inputs) -> Verdict:
    """The seed submission: the detector alone, looking once."""
    person = np.nan_to_num(inputs.once.seen.confidence)
    made = _carried_out(inputs, FollowDetector().decide([inputs.seed], inputs.given, inputs.eligible))
    return Verdict(np.where(inputs.given == 1, 1 - person, person), made)


def confident_learning(inputs: Inputs, ranking: str) -> Verdict:
    """Ours: issues by noise rate go."""
    rows = np.flatnonzero(inputs.given >= 0)
    found = find_label_errors(inputs.pred_probs[rows], inputs.given[rows], rank_by=ranking)
    return _pruned(inputs, rows, 1 - found.label_quality, found.is_label_issue)


def cleanlab(inputs: Inputs) -> Verdict:
    """cleanlab with its defaults: issues by noise rate go, ranked by self-confidence."""
    rows = np.flatnonzero(inputs.given >= 0)
    labels, pred_probs = inputs.given[rows].astype(int), inputs.pred_probs[rows].astype(np.float64)
    issues = find_label_issues(labels, pred_probs, n_jobs=1)
    return _pruned(inputs, rows, 1 - get_label_quality_scores(labels, pred_probs), issues)


def mistakenness(inputs: Inputs) -> Verdict:
    """FiftyOne's formula on the same probabilities: (1 + c) / 2 where the prediction differs, else (1 - c) / 2; flips those."""
    predicted, confidence = inputs.pred_probs.argmax(axis=1), inputs.pred_probs.max(axis=1)
    differs = (predicted != inputs.given) & (inputs.given >= 0)
    return Verdict(np.where(differs, 1 + confidence, 1 - confidence) / 2,
                   np.where(differs, predicted, inputs.given).astype(np.int8))


def look_alikes(inputs: Inputs) -> Verdict:
    """The k nearest alone: the class of most of them."""
    voters = inputs.near.among(inputs.given >= 0).rows[:, :K]
    classes = inputs.pred_probs.shape[1]
    votes = np.stack([((voters != NOBODY) & (inputs.given[voters] == label)).sum(axis=1) for label in range(classes)], axis=1)
    share = votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
    own = np.take_along_axis(share, np.maximum(inputs.given, 0)[:, np.newaxis].astype(int), axis=1)[:, 0]
    others = share.max(axis=1) > own
    made = np.where(others & (inputs.given >= 0), share.argmax(axis=1), inputs.given).astype(np.int8)
    return Verdict(1 - own, made)


def temperatures(inputs: Inputs) -> Verdict:
    """Data parameters alone, as the filter runs them: hard and not merely rare goes."""
    rows = np.flatnonzero(inputs.given >= 0)
    stream, labels, settings = RowStream(inputs.features, rows), inputs.given[rows].astype(np.int64), LinearFitSettings()
    with tempfile.TemporaryDirectory() as folder:
        trajectories = np.asarray(fit_linear(stream, labels, settings, 0, "benchmark", Path(folder), silent))
    epoch = turning_point(held_out_losses(stream, labels, settings, 0, 0.2, silent))
    codes = triage(summarise(trajectories, -1), RULES["tsne_plots"])
    against = contradicted_by_neighbors(nearest(inputs.features[rows], 10, len(rows), silent), labels)
    return _pruned(inputs, rows, suspicion(summarise(trajectories, epoch)), wrong_not_rare(codes, against))


def _pruned(inputs: Inputs, rows: np.ndarray, suspect: np.ndarray, out: np.ndarray) -> Verdict:
    all_rows, made = np.zeros(len(inputs.given)), inputs.given.copy()
    all_rows[rows] = suspect
    made[rows[out]] = DROPPED
    return Verdict(all_rows, made)


def _carried_out(inputs: Inputs, plan: Plan) -> np.ndarray:
    made = inputs.given.copy()
    made[plan.decisions.rows] = plan.decisions.new_labels
    return made


Peers = dict[str, Callable[[Inputs], Verdict]]
PROBABILITY_PEERS: Peers = {"confident learning, adjusted margin (ours)": partial(confident_learning, ranking="adjusted_margin"),
                            "confident learning, self-confidence (ours)": partial(confident_learning, ranking="self_confidence"),
                            "cleanlab": cleanlab, "FiftyOne mistakenness": mistakenness}
CLASS_PEERS: Peers = PROBABILITY_PEERS | {"kNN alone": look_alikes, "data parameters alone": temperatures}
PERSON_PEERS: Peers = {
    "reference: consensus taught by the truth": taught_by_truth, "consensus (ours)": consensus,
    "consensus, one look (ours)": consensus_of_one_look, "two signals (ours, default)": two_signals,
    "detector alone (policy seed)": follow_detector,
} | CLASS_PEERS
