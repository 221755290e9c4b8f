"""Label errors: the toy matrix worked out by hand, relations that must hold, and the oracle to the last index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from tinysieve.dataset.classes import NEGATIVE, POSITIVE, UNLABELED
from tinysieve.filtering.filters.label_errors import label_error_opinions
from tinysieve.filtering.label_errors.confident_joint import calibrate_joint, confident_thresholds, count_joint
from tinysieve.filtering.label_errors.issue_filters import FILTERS, SAME_FOR_TWO_CLASSES, filters_for
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.filtering.label_errors.label_quality import RANKINGS
from tinysieve.filtering.label_errors.probability_matrix import InvalidLabels, InvalidProbabilities
from tinysieve.filtering.opinion import ABSTAIN
from tinysieve.ground.errors import InputError

TOY = np.array([[0.9, 0.1, 0.0], [0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
GIVEN = np.array([0, 0, 0, 1, 2])
SETTINGS = ("cifar10_sparsity0.0_noise0.2", "cifar10_sparsity0.0_noise0.4", "cifar10_sparsity0.6_noise0.4")
# The oracle's names for our filters and rankings.
THEIR_FILTER = {"low_margin": "low_normalized_margin"}
THEIR_RANKING = {"adjusted_margin": ("normalized_margin", True), "self_confidence": ("self_confidence", False),
                 "margin": ("normalized_margin", False), "entropy": ("confidence_weighted_entropy", False)}


def problem(count: int, classes: int, noise: float = 0.2, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of a decent classifier, given labels with uniform noise, true labels."""
    rng = np.random.default_rng(seed)
    true = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    logits = rng.normal(size=(count, classes)) + 2.5 * (true[:, np.newaxis] == np.arange(classes))
    given_labels = np.where(rng.random(count) < noise, rng.integers(0, classes, count), true)
    given_labels[:classes] = np.arange(classes)
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), given_labels, true


def test_toy_matrix_by_hand() -> None:
    """Row 2 is labelled 0 and looks like a 1.

    Thresholds: class 0 (0.9 + 0.7 + 0.2) / 3 = 0.6, class 1 0.8, class 2 0.8. Rows 0, 1 are confidently 0, row 3 is 1, row 4 is
    2, and row 2 reaches no threshold (0.7 < 0.8). So the joint is diagonal, and nothing is pruned by noise rate.
    """
    found = find_label_errors(TOY, GIVEN)
    assert found.thresholds == pytest.approx([0.6, 0.8, 0.8])
    assert found.confident_labels.tolist() == [0, 0, -1, 1, 2]
    assert found.predicted_labels.tolist() == [0, 0, 1, 1, 2]
    # Three labels 0 over two confident ones: the row is scaled to 3.
    assert found.joint.tolist() == [[3, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert not found.is_label_issue.any()
    assert found.order[0] == 2
    assert find_label_errors(TOY, GIVEN, "predicted_neq_given").issues.tolist() == [2]


def test_toy_rankings_by_hand() -> None:
    """Of row 2 (.2, .7, .1), labelled 0; adjusted by t = (.6, .8, .8): p - t = (-.4, -.1, -.7), scale 1 + 3 * .8 - 2.2 = 1.2."""
    quality = {name: find_label_errors(TOY, GIVEN, rank_by=name).label_quality[2] for name in RANKINGS}
    assert quality["self_confidence"] == pytest.approx(0.2)
    assert quality["margin"] == pytest.approx((0.2 - 0.7 + 1) / 2)
    assert quality["adjusted_margin"] == pytest.approx(((-0.4 + 0.1) / 1.2 + 1) / 2)
    bits = -(0.2 * np.log(0.2) + 0.7 * np.log(0.7) + 0.1 * np.log(0.1)) / np.log(3) / 0.2
    assert quality["entropy"] == pytest.approx(np.log(1 + bits) / bits)


def test_a_confident_error_is_counted_and_pruned() -> None:
    """Row 2 at .95 reaches class 1's threshold (.8 + .95) / 2 only where class 1 is that timid: joint[0, 1] = 1."""
    toy = np.array([[0.9, 0.1], [0.8, 0.2], [0.05, 0.95], [0.2, 0.8], [0.1, 0.9]])
    found = find_label_errors(toy, np.array([0, 0, 0, 1, 1]))
    assert found.thresholds == pytest.approx([(0.9 + 0.8 + 0.05) / 3, 0.85])
    assert found.joint.tolist() == [[2, 1], [0, 2]]
    assert found.issues.tolist() == [2]
    assert found.estimated_errors == 1


def test_certain_probabilities_are_judged_by_entropy_too() -> None:
    """Without entropy the weighted entropy is 0 / p for right and wrong labels alike; the limit decides."""
    sure = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    assert find_label_errors(sure, np.array([0, 1, 0]), rank_by="entropy").label_quality.tolist() == [1, 1, 0]


def test_the_surest_wrong_label_has_the_lowest_entropy_quality() -> None:
    """w = H(p) / (ln 2 p_given) grows without bound as p_given falls: about (1 - ln p_given) / ln 2."""
    own = np.array([0.2, 1e-6, 1e-8, 1e-12, 1e-300, 0.0, 0.9])
    found = find_label_errors(np.stack([own, 1 - own], axis=1), np.array([0, 0, 0, 0, 0, 0, 1]), rank_by="entropy")
    quality = found.label_quality[:6]
    assert (np.diff(quality) < 0).all()
    bits = (1 - np.log(1e-8)) / np.log(2)
    assert quality[2] == pytest.approx(np.log(1 + bits) / bits, rel=1e-6)
    assert quality[5] == 0


@pytest.mark.parametrize("name", RANKINGS)
def test_quality_is_in_its_range_where_float16_lets_probabilities_pass_1(name: str) -> None:
    """Rows may sum to 1.02, so one probability may be 1.015: as given label, and as another one."""
    pred_probs = np.array([[1.015, 0, 0], [1.015, 0, 0], [1.015, 0.004, 0], [0, 1.015, 0], [0, 0, 1.015], [0.3, 0.3, 0.41]])
    quality = find_label_errors(pred_probs, np.array([0, 1, 0, 1, 2, 2]), rank_by=name).label_quality
    assert quality.min() >= 0
    assert quality.max() <= 1
    assert quality[0] > quality[5] > quality[1]


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("name", FILTERS)
def test_the_oracle_agrees_to_the_last_index(classes: int, name: str) -> None:
    """From the same joint: where two remainders of its rounding tie, the oracle's unstable sort chooses, by machine."""
    oracle = pytest.importorskip("cleanlab.filter")
    pred_probs, labels, _ = problem(3000, classes, seed=classes)
    if classes == 2 and name in SAME_FOR_TWO_CLASSES:
        pytest.skip("not offered for two classes")
    ours = find_label_errors(pred_probs, labels, name)
    joint = None if name == "confident_learning" else ours.joint
    theirs = oracle.find_label_issues(labels, pred_probs, filter_by=THEIR_FILTER.get(name, name), n_jobs=1, confident_joint=joint)
    np.testing.assert_array_equal(ours.is_label_issue, theirs)


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_oracle_agrees_on_joint_scores_and_order(classes: int) -> None:
    count = pytest.importorskip("cleanlab.count")
    rank = pytest.importorskip("cleanlab.rank")
    pred_probs, labels, _ = problem(3000, classes, seed=classes)
    found = find_label_errors(pred_probs, labels)
    raw = count.compute_confident_joint(labels, pred_probs, calibrate=False)
    np.testing.assert_array_equal(count_joint(labels, found.confident_labels, classes), raw)
    theirs = count.compute_confident_joint(labels, pred_probs)
    remainders = (raw / raw.sum(axis=1, keepdims=True) * np.bincount(labels)[:, np.newaxis]) % 1
    for row, column in np.argwhere(theirs != found.joint):
        # Another count only where an equal remainder stands in the same row.
        assert (np.abs(remainders[row] - remainders[row, column]) < 1e-9).sum() > 1
        assert abs(theirs[row, column] - found.joint[row, column]) == 1
    for name, (method, adjusted) in THEIR_RANKING.items():
        scores = rank.get_label_quality_scores(labels, pred_probs, method=method, adjust_pred_probs=adjusted)
        ours = find_label_errors(pred_probs, labels, rank_by=name)
        np.testing.assert_allclose(ours.label_quality, scores, atol=1e-12)
        np.testing.assert_array_equal(ours.order, np.argsort(scores, kind="stable"))


@pytest.mark.filterwarnings("ignore:May not flag all label issues in class")
@pytest.mark.parametrize("name", FILTERS)
def test_a_class_that_never_occurs_is_judged_as_the_oracle_does(name: str) -> None:
    """Its column stays, nobody is confidently of it, and the ranking is that of the oracle."""
    oracle, rank = pytest.importorskip("cleanlab.filter"), pytest.importorskip("cleanlab.rank")
    pred_probs, labels, _ = problem(3000, 4, seed=1)
    labels = np.where(labels == 2, 3, labels)
    found = find_label_errors(pred_probs, labels, name)
    assert found.thresholds[2] == 2
    assert not (found.confident_labels == 2).any()
    assert found.joint[2].sum() == found.joint[:, 2].sum() == 0
    joint = None if name == "confident_learning" else found.joint
    theirs = oracle.find_label_issues(labels, pred_probs, filter_by=THEIR_FILTER.get(name, name), n_jobs=1, confident_joint=joint)
    np.testing.assert_array_equal(found.is_label_issue, theirs)
    scores = rank.get_label_quality_scores(labels, pred_probs, method="normalized_margin", adjust_pred_probs=True)
    np.testing.assert_allclose(found.label_quality, scores, atol=1e-12)


@pytest.fixture(params=SETTINGS)
def published(request: pytest.FixtureRequest, shared: Path) -> dict[str, np.ndarray]:
    """Published out-of-fold probabilities with given and true labels."""
    with np.load(shared / "data/confident_learning" / f"{request.param}.npz") as file:
        return {name: file[name] for name in file.files}


def test_published_probabilities_to_the_last_index(published: dict[str, np.ndarray]) -> None:
    """Ten bits of probability tie thousands of rows, and which of those at the cut the oracle takes its unstable sort decides
    (another processor, other rows). A billionth of the row number added to all rules ties out: then every index must agree.
    """
    oracle = pytest.importorskip("cleanlab.filter")
    labels, pred_probs = published["given"].astype(np.int64), published["pred_probs"].astype(np.float64)
    step = np.random.default_rng(0).random(pred_probs.shape) * 1e-9
    for name in FILTERS:
        theirs = oracle.find_label_issues(labels, pred_probs + step, filter_by=THEIR_FILTER.get(name, name), n_jobs=1)
        np.testing.assert_array_equal(find_label_errors(pred_probs + step, labels, name).is_label_issue, theirs, err_msg=name)


def test_published_probabilities_as_they_are(published: dict[str, np.ndarray]) -> None:
    """With its ties the joint is the oracle's, as many are issues, and a handful of rows, tied at a cut, differ.

    By self-confidence 5 do on one processor, 6 on another.
    """
    oracle, count = pytest.importorskip("cleanlab.filter"), pytest.importorskip("cleanlab.count")
    labels, half = published["given"].astype(np.int64), published["pred_probs"]
    full = half.astype(np.float64)
    np.testing.assert_array_equal(find_label_errors(half, labels).joint, count.compute_confident_joint(labels, full))
    for name, most in {"prune_by_noise_rate": 1, "confident_learning": 0, "predicted_neq_given": 0, "low_margin": 2,
                       "low_self_confidence": 8}.items():
        ours = find_label_errors(half, labels, name).is_label_issue
        theirs = oracle.find_label_issues(labels, full, filter_by=THEIR_FILTER.get(name, name), n_jobs=1)
        assert (ours & ~theirs).sum() == (theirs & ~ours).sum() <= most


def test_default_ranking_is_at_least_the_oracles_best(published: dict[str, np.ndarray]) -> None:
    rank = pytest.importorskip("cleanlab.rank")
    labels, pred_probs = published["given"].astype(np.int64), published["pred_probs"].astype(np.float64)
    wrong = published["given"] != published["true"]
    theirs = [roc_auc_score(wrong, -rank.get_label_quality_scores(labels, pred_probs, method=method, adjust_pred_probs=adjusted))
              for method, adjusted in THEIR_RANKING.values()]
    assert roc_auc_score(wrong, -find_label_errors(published["pred_probs"], labels).label_quality) >= max(theirs)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000), st.sampled_from(sorted(filters_for(2))))
def test_samples_and_classes_may_be_permuted(classes: int, seed: int, name: str) -> None:
    pred_probs, labels, _ = problem(120, classes, seed=seed)
    rng = np.random.default_rng(seed)
    found = find_label_errors(pred_probs, labels, name)
    rows, names = rng.permutation(120), rng.permutation(classes)
    shuffled = find_label_errors(pred_probs[rows], labels[rows], name)
    np.testing.assert_array_equal(shuffled.is_label_issue, found.is_label_issue[rows])
    np.testing.assert_allclose(shuffled.label_quality, found.label_quality[rows], atol=1e-12)
    renamed = find_label_errors(pred_probs[:, names], np.argsort(names)[labels], name)
    np.testing.assert_array_equal(names[renamed.predicted_labels], found.predicted_labels)
    # Whole counts cannot be shared out evenly: ties of remainders go to the first class, so that a cell of the joint beside the
    # diagonal may count one more or less, and with it one sample change.
    changed = (renamed.is_label_issue != found.is_label_issue).sum()
    assert changed <= (classes * (classes - 1) if name == "prune_by_noise_rate" else 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000))
def test_joint_and_order_keep_their_promises(classes: int, seed: int) -> None:
    pred_probs, labels, _ = problem(150, classes, seed=seed)
    found = find_label_errors(pred_probs, labels)
    np.testing.assert_array_equal(found.joint.sum(axis=1), np.bincount(labels, minlength=classes))
    assert (np.diff(found.label_quality[found.order]) >= 0).all()
    assert (np.diff(found.label_quality[found.issues]) >= 0).all()
    assert set(found.issues) == set(np.flatnonzero(found.is_label_issue))
    assert (found.predicted_labels[found.issues] != labels[found.issues]).all()
    # No class is pruned to nothing.
    assert (np.bincount(labels[~found.is_label_issue], minlength=classes) > 0).all()


def test_twice_the_samples_give_twice_the_joint() -> None:
    pred_probs, labels, _ = problem(500, 4)
    once, twice = (find_label_errors(np.tile(pred_probs, (n, 1)), np.tile(labels, n)) for n in (1, 2))
    np.testing.assert_allclose(twice.thresholds, once.thresholds)
    np.testing.assert_allclose(twice.joint, 2 * once.joint, atol=1)


def test_mending_an_issue_raises_its_quality() -> None:
    pred_probs, labels, true = problem(1000, 3)
    worst = find_label_errors(pred_probs, labels).issues[:1]
    mended = labels.copy()
    mended[worst] = true[worst]
    before, after = (find_label_errors(pred_probs, given_labels).label_quality[worst] for given_labels in (labels, mended))
    assert after > before


def test_a_confidence_lost_by_a_whole_class_is_forgiven() -> None:
    """Raising P of the other class in every sample of one class moves its threshold, and the order inside it stays."""
    pred_probs, labels, _ = problem(600, 2, noise=0.0)
    shifted = pred_probs.copy()
    shifted[:, 0] *= 0.8
    shifted[:, 1] = 1 - shifted[:, 0]
    mine = labels == 0
    before, after = (find_label_errors(one, labels).label_quality[mine] for one in (pred_probs, shifted))
    np.testing.assert_array_equal(np.argsort(before, kind="stable"), np.argsort(after, kind="stable"))


def test_half_precision_finds_nearly_the_same() -> None:
    pred_probs, labels, _ = problem(4000, 5)
    full, half = (find_label_errors(one, labels) for one in (pred_probs, pred_probs.astype(np.float16)))
    assert (full.is_label_issue != half.is_label_issue).mean() < 0.002
    np.testing.assert_allclose(half.label_quality, full.label_quality, atol=2e-3)


def test_two_classes_offer_only_what_differs() -> None:
    pred_probs, labels, _ = problem(500, 2)
    masks = [find_label_errors(pred_probs, labels, name).is_label_issue for name in filters_for(2)]
    assert len({mask.tobytes() for mask in masks}) == len(masks) == 3
    for name, same in SAME_FOR_TWO_CLASSES.items():
        with pytest.raises(InputError, match="with two classes") as caught:
            find_label_errors(pred_probs, labels, name)
        assert same in caught.value.fix
        assert all(distinct in caught.value.fix for distinct in filters_for(2))


@pytest.mark.parametrize(("change", "message", "row"), [
    (lambda p: p.__setitem__((3, 0), np.nan), "NaN", 3),
    (lambda p: p.__setitem__(7, p[7] * 1.5), "sum to 1.5", 7),
    (lambda p: p.__setitem__((2, 1), -0.01), "less than 0", 2),
    (lambda p: p.__setitem__((1, 1), np.inf), "sum to inf", 1),
])
def test_probabilities_that_are_none(change: object, message: str, row: int) -> None:
    pred_probs, labels, _ = problem(50, 3)
    change(pred_probs)  # type: ignore[operator]
    with pytest.raises(InvalidProbabilities, match=message) as caught:
        find_label_errors(pred_probs, labels)
    assert caught.value.where == f"pred_probs, row {row}"
    assert caught.value.fix


@pytest.mark.parametrize(("labels", "message", "where"), [
    (np.array([0, 1, 3, 0, 1]), "label 3 is outside 0..2", "labels, row 2"),
    (np.array([0, -1, 2, 0, 1]), "label -1 is outside", "labels, row 1"),
    (np.array([1, 1, 1, 1, 1]), "class 0 never occurs among the labels, and no other but one does", "labels"),
    (np.array([0, 1, 2, 0]), "4 labels for 5 rows", "labels"),
    (np.array([0, 1, 2, 0]), "row 4 of the probabilities has no label", "labels"),
    (np.array([0.0, 1, 2, 0, 1]), "expected integers", "labels"),
    (np.array([0.0, 1, 2, 0.5, np.nan]), r"label 0.5 is not an integer \(2 such rows\)", "labels, row 3"),
    (np.array([0.0, 1, np.inf, 0, 1]), r"label inf is not an integer \(1 such row\)", "labels, row 2"),
    (np.array([0.0, 1, 2, 1e300, -1]), r"label 1e\+300 is outside 0..2 \(2 such rows\)", "labels, row 3"),
    (np.array([0.0, 1, np.nan, 0, 1]), r"label nan is not an integer \(1 such row\)", "labels, row 2"),
])
def test_labels_that_do_not_fit(labels: np.ndarray, message: str, where: str) -> None:
    with pytest.raises(InvalidLabels, match=message) as caught:
        find_label_errors(TOY, labels)
    assert caught.value.where == where
    assert caught.value.fix


def test_shapes_and_names_that_are_none() -> None:
    with pytest.raises(InvalidProbabilities, match="no rows of probabilities"):
        find_label_errors(np.zeros((0, 3)), np.array([0, 1]))
    for wrong in (np.zeros(4), np.ones((4, 1)), np.ones((2, 2), int)):
        with pytest.raises(InvalidProbabilities, match=r"expected float \[N, K\]"):
            find_label_errors(wrong, np.array([0, 1]))
    with pytest.raises(InputError, match="no filter 'x'"):
        find_label_errors(TOY, GIVEN, "x")
    with pytest.raises(InputError, match="no ranking 'x'"):
        find_label_errors(TOY, GIVEN, rank_by="x")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_calibration_keeps_row_sums_and_stays_near(classes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    joint = rng.integers(0, 50, (classes, classes)) + np.eye(classes, dtype=np.int64)
    counts = rng.integers(1, 500, classes)
    calibrated = calibrate_joint(joint, counts)
    np.testing.assert_array_equal(calibrated.sum(axis=1), counts)
    assert (np.abs(calibrated - joint / joint.sum(axis=1, keepdims=True) * counts[:, np.newaxis]) < 1).all()


def test_thresholds_are_means_over_the_labelled() -> None:
    pred_probs, labels, _ = problem(100_000, 3)
    expected = [pred_probs[labels == label, label].mean() for label in range(3)]
    np.testing.assert_allclose(confident_thresholds(pred_probs, labels), expected)


def test_opinions_propose_the_other_class_and_abstain_elsewhere() -> None:
    p_positive = np.array([0.95, 0.9, 0.05, 0.1, 0.04, 0.97, 0.9])
    labels = np.array([POSITIVE, POSITIVE, POSITIVE, NEGATIVE, NEGATIVE, NEGATIVE, UNLABELED], np.int8)
    opinion = label_error_opinions(p_positive, labels)
    assert opinion.signal == "out_of_fold"
    assert opinion.proposed.tolist() == [ABSTAIN, ABSTAIN, NEGATIVE, ABSTAIN, ABSTAIN, POSITIVE, ABSTAIN]
    assert opinion.confidence == pytest.approx([0, 0, 0.95, 0, 0, 0.97, 0])


def test_the_table_is_sorted_and_carries_the_known_columns() -> None:
    pred_probs, labels, _ = problem(300, 3)
    table = find_label_errors(pred_probs, labels).table(pred_probs, labels)
    assert table.column_names[:5] == ["row", "given_label", "predicted_labels", "is_label_issue", "label_quality"]
    quality = table["label_quality"].to_numpy()
    assert (np.diff(quality) >= 0).all()
    rows = table["row"].to_numpy()
    assert sorted(rows) == list(range(300))
    np.testing.assert_array_equal(table["given_label"].to_numpy(), labels[rows])
    np.testing.assert_allclose(table["given_probability"].to_numpy(), pred_probs[rows, labels[rows]], atol=1e-6)
