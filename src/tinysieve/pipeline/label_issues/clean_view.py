"""The clean view: a version of the labels without the label issues. A ledger of drops, no copied images, undone at will."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tinysieve.dataset.classes import DROPPED, UNLABELED, ClassNames, Codes
from tinysieve.dataset.decisions import DROP, RELABEL, Decisions
from tinysieve.dataset.samples import Mask, SampleTable
from tinysieve.dataset.versions import apply_decisions
from tinysieve.filtering.label_errors.expected_losses import right_label_probability
from tinysieve.filtering.label_errors.issue_filters import filter_called
from tinysieve.filtering.label_errors.label_errors import (
    DEFAULT_FILTER,
    DEFAULT_RANKING,
    LabelErrors,
    check_ranking,
    find_label_errors,
)
from tinysieve.filtering.label_errors.probability_matrix import Labels
from tinysieve.filtering.label_errors.second_pass import confirmed, second_pass
from tinysieve.ground.errors import ChangeTooLarge, InputError
from tinysieve.pipeline.engine.stages import Run, locked
from tinysieve.pipeline.stages.ingest import samples_of, versions_of
from tinysieve.pipeline.stages.near_duplicates import groups_of
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE, positive_probabilities

FROZEN = frozenset({"validation", "test"})
# A run is binary; the label-error core itself takes K classes.
_CLASSES = 2


@dataclass(frozen=True)
class CleanView:
    """What the clean view took out.

    Args:
        version: id of the new version, now current.
        parent: id of the version it was made from.
        labels: labelled train samples that were judged.
        issues: how many of them are label issues.
        estimated_errors: how many are wrong by the calibrated joint, found or not.
        pruned: issues that were dropped.
        relabelled: issues that got the more probable label instead.
        right_expected: of the issues, how many labels are expected to be right all the same: photos that dropping loses, or
            relabelling spoils. A lower bound in practice: the joint takes some doubt for noise.
        table: every judged sample, worst first: sample_id, filepath, then the columns of `LabelErrors.table`.
    """

    version: str
    parent: str
    labels: int
    issues: int
    estimated_errors: int
    pruned: int
    relabelled: int
    right_expected: float
    table: pa.Table

    def counts(self) -> dict[str, str | int]:
        """All but the table."""
        return {name: getattr(self, name) for name in ("version", "parent", "labels", "issues", "estimated_errors", "pruned",
                                                       "relabelled", "right_expected")}


@dataclass(frozen=True)
class Cut:
    """What is to be cut away.

    Args:
        filter_by: which labels are issues.
        rank_by: which of them are worst.
        prune_fraction: share of the issues, worst first, that is dropped; the rest is relabelled. In the published sweep
            pruning all was best; in ours it depends on the learner (docs/label-errors.md). A wrong drop loses a sample, a wrong
            flip teaches an error, so 1 is the usual value.
        max_change: largest share of the photos of a class that may change.
        second_pass: new labels come from classifiers that no issue has taught; issues whose label these confirm stay.
    """

    filter_by: str = DEFAULT_FILTER
    rank_by: str = DEFAULT_RANKING
    prune_fraction: float = 1.0
    max_change: float = 0.5
    second_pass: bool = False

    def __post_init__(self) -> None:
        filter_called(self.filter_by, _CLASSES)
        check_ranking(self.rank_by)
        if not 0 <= self.prune_fraction <= 1:
            raise InputError(f"prune fraction {self.prune_fraction} is not in [0, 1]",
                             fix="1 drops all label issues, 0 relabels all")
        if not 0 <= self.max_change <= 1:
            raise InputError(f"--max-change {self.max_change} is not in [0, 1]", fix="0.5 lets half of a class change")


def clean_view(run: Run, cut: Cut, announce: Callable[[CleanView], None], save: bool = True) -> CleanView:
    """Take the label issues out of the current version, as a new version on top of it.

    Args:
        run: its stage `out-of-fold` has finished.
        cut: what to take out.
        announce: told what will be made, before it is.
        save: make the version; otherwise nothing changes.

    Raises:
        InputError: no out-of-fold probabilities.
        ChangeTooLarge: more than `cut.max_change` of a class would change.
    """
    with locked(run.folder):
        samples, store = samples_of(run), versions_of(run)
        current, p_positive = store.load("HEAD"), _probabilities(run)
        eligible = samples.in_split("train")
        judged = np.flatnonzero(eligible & (current.labels > UNLABELED))
        pred_probs, labels = np.stack([1 - p_positive[judged], p_positive[judged]], axis=1), current.labels[judged]
        errors = find_label_errors(pred_probs, labels, cut.filter_by, cut.rank_by)
        predicting: NDArray[np.floating] = pred_probs
        if cut.second_pass:
            predicting = second_pass(labels, errors.is_label_issue, partial(_again, run, samples, judged))
            errors = confirmed(errors, labels, predicting)
        decisions = prune_and_relabel(errors, pred_probs, judged, cut.prune_fraction, f"label_errors:{cut.filter_by}")
        right = right_label_probability(pred_probs, labels, errors.joint)
        _refuse_large_cut(current.labels, decisions, eligible, cut.max_change, samples.classes, right[errors.issues])
        pruned = int((decisions.actions == DROP).sum())
        note = f"clean view, {pruned} pruned, {len(decisions) - pruned} relabelled"
        made = apply_decisions(samples, current, decisions, note, FROZEN)
        table = _with_names(errors.table(predicting, labels), samples, judged)
        view = CleanView(made.id, current.id, len(judged), len(errors.issues), errors.estimated_errors, pruned,
                         len(decisions) - pruned, round(float(right[errors.issues].sum()), 1), table)
        announce(view)
        if save:
            store.save(made)
    return view


def _again(run: Run, samples: SampleTable, judged: NDArray[np.int64], kept: Labels) -> NDArray[np.floating]:
    """Out-of-fold probabilities [M, 2] of the judged samples by classifiers taught on those that are kept."""
    teaching = np.full(len(samples), np.int8(UNLABELED))
    teaching[judged] = kept
    groups = groups_of(run)
    p_positive = positive_probabilities(run, samples, teaching, None if groups is None else groups.group, None)[judged]
    return np.stack([1 - p_positive, p_positive], axis=1)


def _refuse_large_cut(labels: Codes, decisions: Decisions, eligible: Mask, limit: float, classes: ClassNames,
                      right: NDArray[np.float64]) -> None:
    """Stop before a cut through too much of a class, and say what it would cost."""
    for code, name in enumerate(classes.in_code_order):
        total, hit = int((eligible & (labels == code)).sum()), labels[decisions.rows] == code
        if hit.sum() > limit * total:
            cut = f"{hit.sum():,} of {total:,} train photos labelled {name} ({hit.sum() / total:.1%})"
            raise ChangeTooLarge(
                f"the clean view would take {cut}; at least {right[hit].sum():,.0f} of them are expected to be labelled right",
                where=f"--max-change {limit:g}",
                why="a cut through so much of a class is more often a classifier that cannot tell it than so many wrong labels",
                fix="see what would go: --max-change 1 --dry-run --out FILE; choose with more care: --filter confident_learning; "
                    "or --max-change 1")


def prune_and_relabel(
    errors: LabelErrors, pred_probs: NDArray[np.floating], rows: NDArray[np.int64], prune_fraction: float, by: str
) -> Decisions:
    """Decisions that drop the worst share of the issues and relabel the rest.

    Args:
        errors: errors among M judged samples.
        pred_probs: float [M, 2].
        rows: int64 [M], their rows in the sample table.
        prune_fraction: in [0, 1].
        by: who stands behind it.
    """
    issues = errors.issues
    pruned = round(prune_fraction * len(issues))
    actions = np.where(np.arange(len(issues)) < pruned, DROP, RELABEL).astype(np.int8)
    proposed: Codes = errors.predicted_labels[issues].astype(np.int8)
    reasons = pa.array(["the label contradicts its out-of-fold probability"] * len(issues), pa.string())
    return Decisions(rows[issues], actions, np.where(actions == DROP, np.int8(DROPPED), proposed),
                     pa.array([by] * len(issues), pa.string()), pred_probs[issues, proposed].astype(np.float32), reasons)


def _probabilities(run: Run) -> NDArray[np.float64]:
    return P_POSITIVE.of(run).astype(np.float64)


def _with_names(table: pa.Table, samples: SampleTable, judged: NDArray[np.int64]) -> pa.Table:
    """Rows of the sample table instead of rows of the judged ones, class names instead of numbers, and who they are."""
    rows = judged[table["row"].to_numpy()]
    table = table.set_column(0, "row", pa.array(rows))
    for name in ("given_label", "predicted_labels", "confident_label"):
        codes = table[name].combine_chunks().fill_null(UNLABELED).to_numpy().astype(np.int8)
        table = table.set_column(table.column_names.index(name), name, samples.classes.names(codes))
    for index, name in enumerate(("sample_id", "filepath")):
        table = table.add_column(index, name, samples.table[name].take(pa.array(rows)))
    return table
