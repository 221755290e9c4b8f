"""Fused batch normalisation is Keras' own: outputs, gradients and moving moments."""

from __future__ import annotations

import numpy as np
import pytest

from tests.training.small_run import small_network

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def models():
    """Keras' layers and the fused copy, both after three steps on the same images."""
    import keras

    from tinysieve.training.fused_norm import with_fused_norm

    if keras.backend.backend() != "tensorflow":
        pytest.skip("fused batch normalisation is TensorFlow's")
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (24, 16, 16, 3)).astype(np.uint8), np.arange(24) % 2
    plain = small_network(1)
    fused = with_fused_norm(plain)
    for model in (plain, fused):
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1e-4), loss, jit_compile=False)
        for part in np.split(np.arange(24), 3):
            model.train_on_batch(images[part], labels[part])
    return plain, fused


def test_three_steps_give_the_same_weights_and_moments(models):
    plain, fused = models
    for one, other in zip(plain.variables, fused.variables, strict=True):
        np.testing.assert_allclose(np.asarray(one.value), np.asarray(other.value), rtol=2e-4, atol=2e-4)


def test_names_are_the_same_so_that_weights_can_be_exchanged(models):
    plain, fused = models
    assert [variable.path for variable in plain.variables] == [variable.path for variable in fused.variables]


def test_only_training_is_fused(models):
    _, fused = models
    plain_again = small_network(5)
    plain_again.set_weights(fused.get_weights())
    image = np.full((1, 16, 16, 3), 40.0, np.float32)
    np.testing.assert_array_equal(np.asarray(plain_again(image)), np.asarray(fused(image)))
