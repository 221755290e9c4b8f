"""Data parameters with a Keras model: the same steps as by hand, errors found, nothing left of the temperatures at inference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.keras_trainer import KerasTrainer
from tinysieve.filtering.data_parameters.linear_head import LinearHead
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.ground.errors import InputError


def problem(count: int = 320) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(count, 6)).astype(np.float32)
    true = (features[:, 0] + features[:, 1] > 0).astype(np.int64)
    wrong = rng.random(count) < 0.2
    return features, np.where(wrong, 1 - true, true), wrong


def linear_model(classes: int = 2) -> Any:
    import keras

    return keras.Sequential([keras.layers.Input((6,)), keras.layers.Dense(classes, kernel_initializer="zeros")])


def trainer_of(model: Any, settings: TableSettings | None, count: int, rate: float = 0.3) -> KerasTrainer:
    import keras

    optimizer = keras.optimizers.SGD(rate, momentum=0.9)
    return KerasTrainer(model, optimizer, Temperatures.start(count, 2, settings, None), 32)


def run(trainer: KerasTrainer, features: np.ndarray, labels: np.ndarray, epochs: int, first: int = 0) -> None:
    for epoch in range(first, first + epochs):
        order = np.random.default_rng(epoch).permutation(len(labels))
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            trainer.step(features[rows], labels[rows], rows)


def test_a_keras_linear_model_walks_with_the_head_by_hand() -> None:
    """Keras' gradient and ours must be the same: logits and temperatures agree after three epochs, short batches included."""
    features, labels, _ = problem(300)
    settings = TableSettings(learning_rate=2.0, weight_decay=1e-3)
    trainer = trainer_of(linear_model(), settings, 300)
    run(trainer, features, labels, 3)
    head, temperatures = LinearHead.zero(6, 2), Temperatures.start(300, 2, settings, None)
    for epoch in range(3):
        order = np.random.default_rng(epoch).permutation(300)
        for start in range(0, 300, 32):
            rows = order[start : start + 32]
            made = temperatures.learn(head.logits(features[rows]), rows, labels[rows], 32)
            head.step(features[rows], made.logit_gradient / 32, 0.3, 0.9, 0.0)
    np.testing.assert_allclose(trainer.logits(features), head.logits(features), atol=1e-4)
    assert trainer.temperatures.instance is not None
    assert temperatures.instance is not None
    np.testing.assert_allclose(trainer.temperatures.instance.log_sigma, temperatures.instance.log_sigma, atol=1e-4)
    np.testing.assert_allclose(trainer.losses(features, labels).mean(), made_loss(head, features, labels), atol=1e-4)


def made_loss(head: LinearHead, features: np.ndarray, labels: np.ndarray) -> float:
    logits = head.logits(features).astype(np.float64)
    return float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]).mean())


def test_wrong_labels_run_hot_and_a_restored_trainer_goes_on_alike() -> None:
    features, labels, wrong = problem()
    trainer = trainer_of(linear_model(), TableSettings(learning_rate=2.0), 320)
    run(trainer, features, labels, 4)
    assert trainer.temperatures.instance is not None
    assert roc_auc_score(wrong, trainer.temperatures.instance.log_sigma) > 0.9
    again = trainer_of(linear_model(), TableSettings(learning_rate=2.0), 320)
    again.restore(trainer.state())
    run(trainer, features, labels, 2, first=4)
    run(again, features, labels, 2, first=4)
    for name, array in trainer.state().items():
        np.testing.assert_allclose(again.state()[name], array, atol=1e-6, err_msg=name)


def test_without_temperatures_it_trains_as_usual() -> None:
    features, labels, wrong = problem()
    trainer = trainer_of(linear_model(), None, 320)
    run(trainer, features, labels, 4)
    right = trainer.logits(features).argmax(axis=1) == labels
    assert right[~wrong].mean() > 0.9


def test_models_and_steps_that_do_not_fit_are_refused() -> None:
    import keras

    inputs = keras.Input((6,))
    two = keras.Model(inputs, [keras.layers.Dense(2)(inputs), keras.layers.Dense(3)(inputs)])
    with pytest.raises(InputError, match="one input and one output"):
        trainer_of(two, None, 4)
    features, labels, _ = problem(64)
    with pytest.raises(InputError, match="a step of 64 samples with batch size 32"):
        trainer_of(linear_model(), None, 64).step(features, labels, np.arange(64))
