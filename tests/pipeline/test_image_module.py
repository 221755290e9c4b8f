"""Networks on pixels as out-of-fold classifiers: trusted by name, a fold at a time, resumed; and `tinysieve.clean_labels`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from test_query import settings

import tinysieve as ts
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.config.sections import config_of
from tinysieve.pipeline.engine.stages import Run, run_stages
from tinysieve.pipeline.stages.ingest import INGEST, samples_of
from tinysieve.pipeline.stages.out_of_fold import P_POSITIVE, positive_probabilities, trusted_labels

CALLS = """\
import numpy as np

class Network:
    made = fits = 0
    stop_at = 99

    def __init__(self, gain=1.0):
        self.gain = gain
        type(self).made += 1

    def fit(self, images, labels):
        assert images.dtype == np.uint8 and images.shape[1:] == (144, 144, 3)
        type(self).fits += 1
        if self.fits > self.stop_at:
            raise KeyboardInterrupt
        means = images.reshape(len(images), -1).mean(axis=1)
        self.middle = means.mean()
        self.direction = np.sign(means[labels == 1].mean() - means[labels == 0].mean())
        return self

    def predict_proba(self, images):
        away = (images.reshape(len(images), -1).mean(axis=1) - self.middle) * self.direction * self.gain / 10
        positive = 1 / (1 + np.exp(-away))
        return np.stack([1 - positive, positive], axis=1)
"""


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "my_network.py").write_text(CALLS)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("my_network", None)
    import my_network  # type: ignore[import-not-found]

    return my_network.Network


def ingested(folder: Path, **classifier: object) -> Run:
    given = settings(folder)
    given["filter"]["classifier"] = {"kind": "image_module", "make": "my_network:Network", **classifier}
    config = config_of(given)
    run = Run(config, config.run)
    run_stages(run, (INGEST,), lambda status: None)
    return run


def judged(run: Run, folder: Path | None) -> NDArray[np.float32]:
    samples = samples_of(run)
    return positive_probabilities(run, samples, trusted_labels(samples), None, folder)


def test_a_network_gets_the_packed_pictures_and_its_arguments(tmp_path: Path, network: Any) -> None:
    run = ingested(tmp_path, trusted=True, arguments={"gain": 2.0})
    p_positive = judged(run, None)
    assert p_positive.shape == (len(samples_of(run)),)
    assert ((p_positive >= 0) & (p_positive <= 1)).all()
    assert network.fits == run.config.filter.folds


def test_code_is_not_run_unless_somebody_vouches_for_it(tmp_path: Path, network: Any) -> None:
    with pytest.raises(InputError, match="names code") as refused:
        judged(ingested(tmp_path), None)
    assert "filter.classifier.trusted: true" in refused.value.fix
    assert network.made == 0


def test_finished_folds_are_not_taught_again(tmp_path: Path, network: Any) -> None:
    run = ingested(tmp_path, trusted=True)
    whole = judged(run, None)
    network.fits, network.stop_at = 0, 3
    (tmp_path / "partial").mkdir()
    with pytest.raises(KeyboardInterrupt):
        judged(run, tmp_path / "partial")
    network.fits, network.stop_at = 0, 99
    assert np.array_equal(judged(run, tmp_path / "partial"), whole)
    assert network.fits == 2
    assert P_POSITIVE.file not in {path.name for path in (tmp_path / "partial").iterdir()}


def pictures() -> tuple[NDArray[np.uint8], NDArray[np.int64], list[int]]:
    """Dark pictures of class 0 and bright ones of class 1; two labels of each are swapped."""
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 2
    images = (40 + 150 * truth[:, None, None, None] + rng.integers(0, 40, (60, 144, 144, 3))).astype(np.uint8)
    wrong = [4, 11, 20, 31]
    labels = truth.copy()
    labels[wrong] = 1 - labels[wrong]
    return images, labels, wrong


@pytest.mark.parametrize("second_pass", [False, True])
def test_the_three_columns_of_a_model_on_pictures(network: Any, second_pass: bool) -> None:
    images, labels, wrong = pictures()
    done: list[tuple[int, int]] = []
    issues = ts.clean_labels(images, labels, network(), folds=4, second_pass=second_pass,
                             progress=lambda number, total: done.append((number, total)))
    assert np.flatnonzero(issues.is_label_issue).tolist() == wrong
    assert sorted(np.argsort(issues.label_quality)[:4].tolist()) == wrong
    assert (issues.predicted_labels[wrong] == 1 - labels[wrong]).all()
    assert done == [(number, 4) for number in range(1, 5)] * (1 + second_pass)
    assert "data:image" in issues._repr_html_()


def test_a_scikit_learn_model_a_function_and_names_do_as_well() -> None:
    from sklearn.linear_model import LogisticRegression

    images, labels, wrong = pictures()
    features = images.reshape(60, -1)[:, ::4001] / 255
    words = np.array(["dark", "bright"])[labels].tolist()
    for model in (LogisticRegression(), lambda: LogisticRegression()):
        issues = ts.clean_labels(features, words, model, class_names=["dark", "bright"])
        assert np.flatnonzero(issues.is_label_issue).tolist() == wrong


@pytest.mark.parametrize(("images", "labels", "model", "what"), [
    (np.zeros((4, 2)), [0, 1, 0], object, "rows disagree"), (np.zeros((4, 2)), [0, 1, 0, 1], 3, "without fit"),
    (["a.jpg", "b.jpg"], [0, 1], object, "rows disagree"),
])
def test_what_cannot_be_judged_is_refused(images: Any, labels: list[int], model: Any, what: str) -> None:
    with pytest.raises(InputError, match=what):
        ts.clean_labels(images, labels, model)
