"""Data parameters on frozen features: planted errors run hot, a killed fit ends in the same bytes, everybody is visited."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.linear_fit import LinearFitSettings, LinearTrainer, fit_linear, held_out_losses
from tinysieve.filtering.data_parameters.row_stream import RowStream
from tinysieve.filtering.data_parameters.second_split import second_split_retention
from tinysieve.filtering.data_parameters.trajectories import summarise
from tinysieve.filtering.data_parameters.triage import EASY, HARD, RULES, triage
from tinysieve.filtering.data_parameters.turning_point import suspicion, turning_point
from tinysieve.ground.errors import InputError
from tinysieve.ground.progress import silent

SETTINGS = LinearFitSettings(epochs=12, batch_size=32, instance=TableSettings(learning_rate=1.0))


def problem(count: int = 1200, noise: float = 0.1, classes: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that tell the class, given labels, and which of them are wrong."""
    rng = np.random.default_rng(4)
    true = rng.integers(0, classes, count)
    features = rng.normal(size=(count, 24)).astype(np.float16)
    features[np.arange(count), true] += np.float16(3)
    wrong = rng.random(count) < noise
    return features, np.where(wrong, (true + rng.integers(1, classes, count)) % classes, true), wrong


def test_wrong_labels_run_hot_and_the_triage_says_so(tmp_path: Path) -> None:
    features, labels, wrong = problem()
    stream = RowStream(features, np.arange(len(labels)))
    trajectories = fit_linear(stream, labels, SETTINGS, 0, "f", tmp_path, silent)
    assert trajectories.shape == (1200, 12)
    assert trajectories.dtype == np.float16
    summary = summarise(trajectories, turning_point(held_out_losses(stream, labels, SETTINGS, 0, 0.2, silent)))
    assert roc_auc_score(wrong, suspicion(summary)) > 0.93
    codes = triage(summary, RULES["tsne_plots"])
    assert wrong[codes == HARD].mean() > 0.7
    assert wrong[codes == EASY].mean() < 0.05


def test_permuted_samples_get_permuted_temperatures_on_average(tmp_path: Path) -> None:
    """The order of visits changes with the rows, so not to the bit; who is hot does not."""
    features, labels, _ = problem(600)
    order = np.random.default_rng(0).permutation(600)
    plain = fit_linear(RowStream(features, np.arange(600)), labels, SETTINGS, 0, "f", tmp_path / "a", silent)
    mixed = fit_linear(RowStream(features[order], np.arange(600)), labels[order], SETTINGS, 0, "f", tmp_path / "b", silent)
    assert np.corrcoef(np.log(plain[order, -1].astype(float)), np.log(mixed[:, -1].astype(float)))[0, 1] > 0.98


def test_swapped_class_names_change_nothing(tmp_path: Path) -> None:
    features, labels, _ = problem(400, classes=2)
    stream = RowStream(features, np.arange(400))
    plain = fit_linear(stream, labels, SETTINGS, 0, "f", tmp_path / "a", silent)
    named = fit_linear(stream, 1 - labels, SETTINGS, 0, "f", tmp_path / "b", silent)
    np.testing.assert_allclose(plain.astype(float), named.astype(float), rtol=2e-3)


def test_a_killed_fit_ends_in_the_same_bytes(tmp_path: Path) -> None:
    features, labels, _ = problem(300)
    stream = RowStream(features, np.arange(300))
    settings = replace(SETTINGS, epochs=5, by_class=TableSettings(learning_rate=0.1, weight_decay=1e-3))
    whole = np.array(fit_linear(stream, labels, settings, 3, "f", tmp_path / "whole", silent))
    epochs_seen: list[int] = []

    def kill(done: int, total: int) -> None:
        epochs_seen.append(done)
        if len(epochs_seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_linear(stream, labels, settings, 3, "f", tmp_path / "killed", kill)
    resumed = fit_linear(stream, labels, settings, 3, "f", tmp_path / "killed", lambda done, total: epochs_seen.append(done))
    assert epochs_seen == [300, 600, 900, 1200, 1500]
    np.testing.assert_array_equal(resumed, whole)
    assert sorted(path.name for path in (tmp_path / "killed").iterdir()) == ["trajectories.npy"]
    assert (tmp_path / "killed/trajectories.npy").read_bytes() == (tmp_path / "whole/trajectories.npy").read_bytes()


def test_an_epoch_visits_every_row_once_whatever_the_buffer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinysieve.filtering.data_parameters.row_stream.RUN_ROWS", 8)
    monkeypatch.setattr("tinysieve.filtering.data_parameters.row_stream.BUFFER_ROWS", 128)
    features = np.random.default_rng(0).normal(size=(1000, 5))
    rows = np.flatnonzero(np.arange(1000) % 3 != 0)
    stream = RowStream(features, rows)
    visited, prepared = zip(*stream.epoch(np.random.default_rng(1), 48), strict=True)
    order = np.concatenate(visited)
    assert sorted(order.tolist()) == list(range(len(rows)))
    np.testing.assert_array_equal(np.concatenate(prepared), stream.take(order))
    # A batch of a file sorted by class must not be of one class: its rows come from all over.
    assert np.std(visited[0]) > len(rows) / 8


def test_rows_have_mean_zero_and_length_one_on_average() -> None:
    stream = RowStream(np.random.default_rng(0).gamma(2.0, size=(500, 30)).astype(np.float16), np.arange(500))
    made = stream.take(np.arange(500))
    np.testing.assert_allclose(made.mean(axis=0), 0, atol=1e-4)
    assert (made**2).sum(axis=1).mean() == pytest.approx(1, abs=1e-3)


def test_the_head_is_softmax_regression() -> None:
    """SGD's decay d on the mean loss of N rows is scikit-learn's C = 1 / (d N): both must come to the same probabilities."""
    from scipy.special import softmax
    from sklearn.linear_model import LogisticRegression

    features, labels, _ = problem(400, noise=0.0)
    stream, everyone, decay = RowStream(features, np.arange(400)), np.arange(400), 0.01
    settings = LinearFitSettings(batch_size=400, learning_rate=5.0, weight_decay=decay, instance=None)
    trainer = LinearTrainer(stream, labels, settings, 0)
    for epoch in range(300):
        trainer.run_epoch(epoch)
    prepared = stream.take(everyone)
    expected = LogisticRegression(C=1 / (decay * 400), tol=1e-8, max_iter=1000).fit(prepared, labels).predict_proba(prepared)
    np.testing.assert_allclose(softmax(trainer.logits_of(everyone), axis=1), expected, atol=2e-3)


def test_memorising_turns_before_the_end() -> None:
    """More features than samples, a third of the labels wrong, no decay: held-out samples get worse long before the end."""
    rng = np.random.default_rng(2)
    true = rng.integers(0, 2, 300)
    features = rng.normal(size=(300, 400))
    features[:, :10] += 0.8 * (2 * true[:, np.newaxis] - 1)
    labels = np.where(rng.random(300) < 0.33, 1 - true, true)
    settings = LinearFitSettings(epochs=40, batch_size=32, learning_rate=5.0, weight_decay=0.0)
    losses = held_out_losses(RowStream(features, np.arange(300)), labels, settings, 0, 0.2, silent)
    assert losses.shape == (40, 60)
    assert turning_point(losses) < 20


def test_the_second_split_forgets_wrong_labels_and_keeps_rare_ones() -> None:
    """Forty rare samples have a sign of their own, forty wrong ones look like the other class: only the wrong are forgotten."""
    rng = np.random.default_rng(0)
    count = 600
    true = rng.integers(0, 2, count)
    features = rng.normal(0, 0.3, (count, 40))
    features[:, 0] += 2.0 * (2 * true - 1)
    labels = true.copy()
    wrong, rare = np.arange(0, 40), np.arange(40, 80)
    labels[wrong] = 1 - true[wrong]
    features[rare, 0] = 0
    features[rare, 1] += 3.0 * (2 * true[rare] - 1)
    kept = second_split_retention(RowStream(features, np.arange(count)), labels, 0, silent)
    assert ((kept >= 0) & (kept <= 1)).all()
    assert kept[wrong].mean() < 0.3
    assert kept[rare].mean() > 0.8
    assert kept[80:].mean() > 0.9


@pytest.mark.parametrize(("labels", "message"), [([0, 1, 0], "3 labels for 4 rows"), ([0, 1, -1, 1], "label -1 at row 2"),
                                                 ([1, 1, 1, 1], "every label is 1")])
def test_labels_that_cannot_be_learnt_are_refused(labels: list[int], message: str, tmp_path: Path) -> None:
    stream = RowStream(np.random.default_rng(0).normal(size=(4, 3)), np.arange(4))
    with pytest.raises(InputError, match=message):
        fit_linear(stream, np.array(labels), SETTINGS, 0, "f", tmp_path, silent)


def test_features_that_say_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="do not vary"):
        RowStream(np.ones((4, 3)), np.arange(4))
    with pytest.raises(InputError, match="0 labelled rows"):
        RowStream(np.ones((4, 3)), np.arange(0))
    with pytest.raises(InputError, match="cannot be held out"):
        held_out_losses(RowStream(np.eye(4), np.arange(4)), np.array([0, 1, 0, 1]), SETTINGS, 0, 1.0, silent)
    with pytest.raises(InputError, match="is out of range"):
        LinearFitSettings(epochs=0)
