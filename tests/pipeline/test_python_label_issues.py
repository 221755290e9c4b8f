"""`tinysieve.find_label_issues`: whatever holds the numbers, the answer is that of the core."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

import tinysieve as ts
from tinysieve.filtering.label_errors.label_errors import find_label_errors

CLASSES = ["cat", "dog", "<b>owl</b>"]


@pytest.fixture(scope="module")
def noisy() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Probabilities float [60, 3] that follow a true class, and labels of which rows 0, 20 and 40 are moved on by one."""
    true = np.repeat(np.arange(3), 20)
    pred_probs = np.random.default_rng(0).dirichlet([1, 1, 1], 60) * 0.2
    pred_probs[np.arange(60), true] += 0.8
    labels = true.copy()
    labels[[0, 20, 40]] = (true[[0, 20, 40]] + 1) % 3
    return pred_probs, labels


@pytest.mark.parametrize("wrap", [
    lambda probs, labels: (probs, labels),
    lambda probs, labels: (probs.tolist(), labels.tolist()),
    lambda probs, labels: (pd.DataFrame(probs), pd.Series(labels)),
    lambda probs, labels: (pd.DataFrame(probs).astype("Float64"), pd.Series(labels, dtype="Int64")),
    lambda probs, labels: (pd.DataFrame(probs), pd.Series(labels).astype("category")),
    lambda probs, labels: (pl.DataFrame(probs), pl.Series(labels)),
], ids=["numpy", "lists", "pandas", "pandas nullable", "pandas categories", "polars"])
def test_every_container_gives_what_the_core_finds(noisy, wrap) -> None:
    core = find_label_errors(*noisy)
    found = ts.find_label_issues(*wrap(*noisy))
    assert set(found.issues) == {0, 20, 40}
    assert found.issues.tolist() == core.issues.tolist()
    assert found.label_quality.tolist() == core.label_quality.tolist()


@pytest.mark.parametrize("wrap", [list, np.array, pd.Series, pl.Series, lambda words: pd.Series(words).astype("category")])
def test_names_are_numbered_by_their_column(noisy, wrap) -> None:
    pred_probs, labels = noisy
    found = ts.find_label_issues(pred_probs, wrap([CLASSES[code] for code in labels]), class_names=CLASSES)
    assert found.labels.tolist() == labels.tolist()
    assert set(found.table["given_label"].to_pylist()) == set(CLASSES)


@pytest.mark.parametrize(("labels", "names", "what"), [
    (["cat", "dog"], None, "label 'cat' is a name"),
    (["cat", "dgo"], ["cat", "dog"], "label 'dgo' is not in class_names"),
    (["cat", 1], ["cat", "dog"], "label '1' is not in class_names"),
    ([0, None], None, "label None is no class"),
    (pd.Series([0, None], dtype="Int64"), None, "is no"),
    (pl.Series([None, 1]), None, "is no"),
    ([0, 1], ["cat"], "class_names are"),
    ([0, 1], ["cat", "cat"], "class_names are"),
    ([0, 2], None, "label 2 is outside"),
    ([True, False], None, "labels are bool"),
    ([], None, "labels are float64"),
])
def test_labels_that_do_not_fit_are_named(labels, names, what: str) -> None:
    with pytest.raises(ts.InputError) as error:
        ts.find_label_issues([[.9, .1], [.2, .8]], labels, class_names=names)
    assert what in str(error.value)


@pytest.mark.parametrize("pred_probs", [[[.9, .1], [.2]], [["a", "b"], ["c", "d"]], [.9, .2], [[.9, None], [.2, .8]],
                                        np.zeros((0, 2)), 3.0])
def test_no_probabilities_are_refused(pred_probs) -> None:
    with pytest.raises(ts.InputError):
        ts.find_label_issues(pred_probs, [0, 1])


def test_rows_of_pandas_are_the_same_samples() -> None:
    probs = pd.DataFrame([[.9, .1], [.2, .8]], index=["a", "b"])
    with pytest.raises(ts.InputError, match="indexes"):
        ts.find_label_issues(probs, pd.Series([1, 0], index=["b", "a"]))
    assert len(ts.find_label_issues(probs, pd.Series([0, 1], index=["a", "b"]))) == 2


def test_a_shuffled_index_beside_an_array_is_refused_and_any_other_is_no_order(noisy) -> None:
    """A filtered or named index says nothing of the rows of an array; one with all their numbers, in another order, does."""
    pred_probs, labels = noisy
    shuffled = pd.Series(labels).sample(frac=1, random_state=0)
    with pytest.raises(ts.InputError, match="the same numbers in another order"):
        ts.find_label_issues(pred_probs, shuffled)
    frame = pd.DataFrame(pred_probs).loc[shuffled.index]
    assert len(ts.find_label_issues(frame, shuffled)) == 60
    assert len(ts.find_label_issues(pred_probs[10:], pd.Series(labels)[10:])) == 50


def test_issues_show_themselves_and_escape_every_text(noisy, tmp_path: Path) -> None:
    pred_probs, labels = noisy
    photo = tmp_path / "photo.png"
    Image.new("RGB", (300, 200), (200, 30, 30)).save(photo)
    images = [photo] * 59 + [tmp_path / "gone.png"]
    shown = ts.find_label_issues(pred_probs, labels, class_names=CLASSES, images=images)._repr_html_()
    assert shown.count("data:image/jpeg;base64,") == 3
    assert "<b>owl" not in shown
    assert "&lt;b&gt;owl" in shown
    with pytest.raises(ts.InputError, match="59 images for 60 rows"):
        ts.find_label_issues(pred_probs, labels, images=images[:59])


def test_a_thumbnail_is_of_its_own_row(noisy) -> None:
    pred_probs, labels = noisy
    # Image i has brightness 4 i: the first thumbnail must be as bright as the worst issue says.
    images = [np.full((8, 8, 3), 4 * row, np.uint8) for row in range(60)]
    found = ts.find_label_issues(pred_probs, labels, images=images)
    pictures = re.findall(r"base64,([^\"]+)", found._repr_html_())
    seen = [float(np.asarray(Image.open(io.BytesIO(base64.b64decode(one)))).mean()) for one in pictures]
    assert seen == pytest.approx([4 * row for row in found.issues], abs=2)


def test_the_frame_has_every_row_worst_first(noisy) -> None:
    found = ts.find_label_issues(*noisy)
    frame = found.to_pandas()
    assert frame["row"].tolist()[:3] == found.issues.tolist()
    assert frame["label_quality"].is_monotonic_increasing
    assert len(frame) == len(found) == 60


def test_without_pandas_the_error_says_what_to_install(noisy, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ts.find_label_issues(*noisy)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ts.MissingRequirement, match="pip install pandas"):
        found.to_pandas()


def test_the_import_loads_nothing() -> None:
    code = ("import sys; before = set(sys.modules); import tinysieve as ts; dir(ts)\n"
            "print(sorted(name for name in set(sys.modules) - before if not name.startswith('_')))")
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "['tinysieve']"


def test_every_public_name_is_there_and_no_other() -> None:
    assert {name for name in ts.__all__ if getattr(ts, name) is None} == set()
    assert set(ts.__all__) <= set(dir(ts))
    with pytest.raises(AttributeError, match="no attribute 'find_issues'"):
        ts.find_issues  # noqa: B018
