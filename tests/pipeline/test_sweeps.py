"""Sweeps on digits: what is planted is counted, pruning wins back accuracy, and files say what the points say."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from tiny_run import make_images, write_config
from typer.testing import CliRunner

from tinysieve.filtering.label_errors.fold_moments import FoldMoments, score
from tinysieve.filtering.label_errors.label_errors import find_label_errors
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.progress import silent
from tinysieve.pipeline.cli import app
from tinysieve.pipeline.experiments.image_sets import cifar_10, fashion_mnist
from tinysieve.pipeline.experiments.learners import learner_called
from tinysieve.pipeline.experiments.patch_features import patch_features
from tinysieve.pipeline.experiments.problem import FoldedRidge, Problem, plant_uniform
from tinysieve.pipeline.experiments.sweep_files import run_noise_sweep, run_prune_sweep
from tinysieve.pipeline.experiments.sweep_plots import band
from tinysieve.pipeline.experiments.sweeps import noise_sweep, prune_and_relabel, prune_sweep


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


@pytest.fixture(scope="module")
def digits() -> Problem:
    images, labels = load_digits(return_X_y=True)
    return Problem("digits", images[:1200].astype(np.float32), labels[:1200].astype(np.int64),
                   images[1200:].astype(np.float32), labels[1200:].astype(np.int64), 10)


@pytest.fixture(scope="module")
def ridge(digits: Problem) -> FoldedRidge:
    return FoldedRidge(digits, 5, rng())


def test_planting_is_exact_and_spares_no_class() -> None:
    labels = np.repeat(np.arange(4), 2500)
    planted = plant_uniform(labels, 0.3, 4, rng())
    assert (planted != labels).sum() == 3000
    # Each of the 12 pairs gets 3,000 / 12 = 250 in the mean, with a deviation of about 15.
    pairs = np.bincount((labels * 4 + planted)[planted != labels], minlength=16).reshape(4, 4)
    assert np.abs(pairs[~np.eye(4, dtype=bool)] - 250).max() < 75


def test_folded_ridge_is_ridge_on_the_rows_it_was_given(digits: Problem, ridge: FoldedRidge) -> None:
    """The models are those of the kept rows alone, however many they are."""
    for kept in (np.arange(1000), np.arange(0, 1200, 3)):
        labels = digits.train_labels[kept]
        made = ridge._moments(kept, labels)
        plain = FoldMoments.gather(digits.train[kept], labels, ridge.fold_of[kept], 5, np.eye(10, dtype=np.float32))
        found, expected = (score(digits.train[kept], one.shift, labels, ridge.fold_of[kept], one.ridge((1.0,))[0])
                           for one in (made, plain))
        np.testing.assert_allclose(found, expected, atol=1e-4)
        np.testing.assert_array_equal(made.squares, plain.squares)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_features_that_vary_among_left_out_rows_only_do_no_harm(value: float) -> None:
    """Few rows of many features, most of them constant over the kept rows: their variance is 0 and not a rounding error."""
    features = np.maximum(rng().normal(size=(24, 300)), 0).astype(np.float32)
    features[:14, 100:] = value
    labels = np.arange(24) % 2
    ridge = FoldedRidge(Problem("few", features, labels, features, labels, 2), 2, rng())
    assert ridge.accuracy(np.arange(14), labels[:14], rng()) >= 0.5


def test_the_noise_sweep_counts_what_it_planted(ridge: FoldedRidge) -> None:
    points = list(noise_sweep(ridge, (0.0, 0.2, 0.4), ridge.accuracy, "prune_by_noise_rate", 0, silent))
    assert [point.planted for point in points] == [0, 240, 480]
    for point in points:
        assert point.pruned == point.pruned_wrong + point.over_pruned
        assert point.pruned_wrong <= point.planted
    assert points[0].pruned_wrong == 0
    assert points[0].over_pruned < 0.1 * 1200
    assert points[2].pruned_wrong > 0.8 * 480
    assert points[0].baseline_accuracy > points[2].baseline_accuracy
    # With nothing planted there is nothing to leave out; with much, no filter does better than who knows what was planted.
    assert points[0].truth_accuracy == points[0].baseline_accuracy
    assert points[2].truth_accuracy is not None
    assert points[2].truth_accuracy >= points[2].cleaned_accuracy


def test_labels_that_nobody_checked_have_no_truth(digits: Problem) -> None:
    unchecked = FoldedRidge(replace(digits, labels_known=False), 5, rng())
    (point,) = noise_sweep(unchecked, (0.2,), unchecked.accuracy, "both", 0, silent)
    assert point.truth_accuracy is None


def test_a_band_holds_all_seeds() -> None:
    assert band([0.0, 5.0, 0.0, 5.0], [1.0, 2.0, 3.0, 4.0]) == ([0.0, 5.0], [2.0, 3.0], [1.0, 2.0], [3.0, 4.0])


def test_the_same_seed_gives_the_same_points(ridge: FoldedRidge) -> None:
    one, two, other = (list(noise_sweep(ridge, (0.3,), ridge.accuracy, "both", seed, silent)) for seed in (0, 0, 1))
    assert one == two != other


def test_a_level_does_not_depend_on_the_others(ridge: FoldedRidge) -> None:
    alone = list(noise_sweep(ridge, (0.3,), ridge.accuracy, "both", 0, silent))
    assert list(noise_sweep(ridge, (0.1, 0.3), ridge.accuracy, "both", 0, silent))[1:] == alone


def test_prune_and_relabel_take_the_worst_first(ridge: FoldedRidge, digits: Problem) -> None:
    given = plant_uniform(digits.train_labels, 0.3, 10, rng())
    found = find_label_errors(ridge.probabilities(given), given)
    everything, labels = prune_and_relabel(given, found, 0.0)
    assert len(everything) == 1200
    np.testing.assert_array_equal(labels[found.issues], found.predicted_labels[found.issues])
    kept, same = prune_and_relabel(given, found, 1.0)
    np.testing.assert_array_equal(kept, np.flatnonzero(~found.is_label_issue))
    np.testing.assert_array_equal(same, given[kept])
    half, _ = prune_and_relabel(given, found, 0.5)
    assert set(range(1200)) - set(half) == set(found.issues[: round(0.5 * len(found.issues))])


def test_the_prune_sweep_leaves_fewer_wrong_labels_the_more_it_prunes(ridge: FoldedRidge) -> None:
    points = list(prune_sweep(ridge, 0.4, (1.0, 0.5, 0.0), ridge.accuracy, "prune_by_noise_rate", 0, silent))
    assert [point.prune_share for point in points] == [1.0, 0.5, 0.0]
    assert points[0].kept < points[1].kept < points[2].kept == 1200
    assert points[0].wrong_left <= points[1].wrong_left <= points[2].wrong_left


def test_files_hold_the_points(digits: Problem, tmp_path: Path) -> None:
    run_noise_sweep(digits, (0.0, 0.2), "ridge", "both", 3, (0, 1), tmp_path, True)
    run_prune_sweep(digits, 0.2, "ridge", "both", 3, (0,), tmp_path, True)
    for name, count in (("noise_sweep", 4), ("prune_sweep", 11)):
        stored = json.loads((tmp_path / f"{name}.json").read_text())
        assert stored["data"] == "digits"
        assert stored["published"] == {}
        with (tmp_path / f"{name}.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == count
        assert [{key: float(value) for key, value in row.items()} for row in rows] == stored["points"]
        assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_of_ours_is_embedded_and_never_shown_to_the_detector(tmp_path: Path) -> None:
    make_images(tmp_path / "images")
    config = write_config(tmp_path / "config.yaml", tmp_path / "images", tmp_path / "run")
    words = ["--config", str(config), "--learner", "ridge", "--levels", "0,25", "--folds", "2", "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(app, ["experiment", "noise-sweep", *words])
    assert told.exit_code == 0, told.output
    stored = json.loads((tmp_path / "out" / "noise_sweep.json").read_text())
    points = stored["points"]
    assert not stored["labels_known"]
    assert [point["planted"] for point in points] == [0, 6]
    assert {path.name for path in (tmp_path / "run").iterdir() if path.is_dir()} >= {"ingest", "embed"}
    assert not (tmp_path / "run" / "detect").exists()


def test_no_axis_calls_labels_right_that_nobody_checked(digits: Problem) -> None:
    assert digits.planted_words == "planted wrong labels, %"
    unchecked = replace(digits, labels_known=False)
    assert "on top of the labels' own errors" in unchecked.planted_words
    assert unchecked.noise_words == "planted"


def test_fewer_samples_than_folds(digits: Problem) -> None:
    with pytest.raises(InputError, match="1300 folds of 1,200 samples"):
        FoldedRidge(digits, 1300, rng())


def test_unknown_names(ridge: FoldedRidge, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no learner 'forest'"):
        learner_called("forest", ridge)
    wrong = {"--set mnist-1d": "no image set", "--levels 5,much": "noise levels", "--levels 100": "0 to 99",
             "--learner forest": "no learner", "--filter sieve": "no filter", f"--data {tmp_path}": "does not exist"}
    for words, message in wrong.items():
        told = CliRunner().invoke(app, ["experiment", "noise-sweep", *words.split()])
        assert isinstance(told.exception, (InputError, MissingRequirement))
        assert message in str(told.exception)


@pytest.mark.parametrize("command", ["noise-sweep", "prune-sweep", "cifar-noise"])
def test_a_folder_that_cannot_be_written_into_is_refused_before_data_is_asked_for(tmp_path: Path, command: str) -> None:
    (tmp_path / "file").touch()
    for name in ("noise_sweep.csv", "prune_sweep.json", "40/curves.csv", "40/with/trajectories.npy"):
        (tmp_path / "taken" / name).mkdir(parents=True)
    for out in (tmp_path / "file", tmp_path / "file/under", tmp_path / "taken", tmp_path / ("x" * 300), "/proc/tinysieve"):
        told = CliRunner().invoke(app, ["experiment", command, "--data", str(tmp_path), "--out", str(out)])
        assert isinstance(told.exception, InputError), (out, told.output)
        assert str(out) in told.exception.where


@pytest.mark.parametrize("words", ["noise-sweep --seed -1", "prune-sweep --seed -1", "cifar-noise --seed -1",
                                   "noise-sweep --folds 1", "cifar-noise --seed 4294967296"])
def test_numbers_out_of_range_are_refused(words: str) -> None:
    told = CliRunner().invoke(app, ["experiment", *words.split()])
    assert told.exit_code == 2
    assert f"Invalid value for '{words.split()[1]}'" in told.output


def write_idx(path: Path, values: np.ndarray) -> None:
    header = bytes([0, 0, 8, values.ndim]) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    path.write_bytes(gzip.compress(header + values.tobytes()) if path.suffix == ".gz" else header + values.tobytes())


def test_fashion_mnist_files_are_read_and_checked(tmp_path: Path) -> None:
    images, labels = rng().integers(0, 256, (30, 28, 28), dtype=np.uint8), (np.arange(30) % 10).astype(np.uint8)
    for prefix, suffix in (("train", ".gz"), ("t10k", "")):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte{suffix}", images)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte{suffix}", labels)
    found = fashion_mnist(tmp_path)
    np.testing.assert_array_equal(found.train[..., 0], images)
    np.testing.assert_array_equal(found.test_labels, labels)
    whole = (tmp_path / "t10k-images-idx3-ubyte").read_bytes()
    packed = (tmp_path / "train-images-idx3-ubyte.gz").read_bytes()
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed[:100] + b"\xff" * 50 + packed[150:])
    with pytest.raises(InputError, match="cannot be read"):
        fashion_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed)
    for broken in (whole[:-1], b"", b"\x00\x00\x0d" + whole[3:]):
        (tmp_path / "t10k-images-idx3-ubyte").write_bytes(broken)
        with pytest.raises(InputError, match="idx"):
            fashion_mnist(tmp_path)


def test_cifar_10_files_are_read_and_checked(tmp_path: Path, shared: Path) -> None:
    row = np.concatenate([[7], np.repeat([10, 20, 30], 1024)]).astype(np.uint8)
    for name in (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin"):
        (tmp_path / name).write_bytes(row.tobytes() * 2)
    found = cifar_10(tmp_path)
    assert found.train.shape == (10, 32, 32, 3)
    assert found.train[0, 5, 6].tolist() == [10, 20, 30]
    assert found.test_labels.tolist() == [7, 7]
    (tmp_path / "test_batch.bin").write_bytes(row.tobytes()[:-1])
    with pytest.raises(InputError, match="3,073"):
        cifar_10(tmp_path)


def jpeg(side: int = 32) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), 90, np.uint8)).save(file, "JPEG")
    return file.getvalue()


def test_cifar_10_as_parquet_is_read_and_checked(tmp_path: Path) -> None:
    for part in ("train", "test"):
        pq.write_table(pa.table({"jpeg": [jpeg()] * 3, "clean_label": [0, 9, 4]}), tmp_path / f"cifar10_{part}.parquet")
    found = cifar_10(tmp_path)
    assert found.train.shape == (3, 32, 32, 3)
    assert np.abs(found.test.astype(int) - 90).max() < 3
    assert found.test_labels.tolist() == [0, 9, 4]


@pytest.mark.parametrize(("columns", "message", "row"), [
    ({"jpeg": [jpeg(), b"garbage"], "clean_label": [0, 1]}, "not a JPEG: not an image", 1),
    ({"jpeg": [jpeg(), jpeg()[:300]], "clean_label": [0, 1]}, "not a JPEG", 1),
    ({"jpeg": [jpeg(), None], "clean_label": [0, 1]}, "not a JPEG: empty", 1),
    ({"jpeg": [jpeg(), jpeg(40)], "clean_label": [0, 1]}, "40 x 40 pixels, not 32 x 32", 1),
    ({"jpeg": [jpeg(40)], "clean_label": [0]}, "40 x 40 pixels", 0),
    ({"jpeg": ["text"], "clean_label": [0]}, "'jpeg' is string", None),
    ({"jpeg": [[1]], "clean_label": [0]}, "'jpeg' is list", None),
    ({"jpeg": [jpeg(), jpeg()], "clean_label": [0, None]}, "1 nulls", None),
    ({"jpeg": [jpeg()], "clean_label": ["cat"]}, "'clean_label' is string", None),
    ({"jpeg": [jpeg()]}, "no columns 'jpeg' and 'clean_label'", None),
    ({"jpeg": [jpeg()], "clean_label": [10]}, "not all in 0..9", None),
])
def test_parquet_that_is_no_cifar(tmp_path: Path, columns: dict[str, list[object]], message: str, row: int | None) -> None:
    for part in ("train", "test"):
        pq.write_table(pa.table(columns), tmp_path / f"cifar10_{part}.parquet")
    with pytest.raises(InputError, match=message) as caught:
        cifar_10(tmp_path)
    assert row is None or caught.value.where == f"{tmp_path / 'cifar10_train.parquet'}, row {row}"


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / f"cifar10_{part}.parquet").write_bytes(b"PAR1 garbage PAR1")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        cifar_10(tmp_path)


def test_patch_features_tell_textures_apart() -> None:
    """Stripes along and across, at any shift: the nearest mean of the features tells them, that of the pixels cannot."""
    random = rng()
    across = random.integers(0, 2, 120)
    wave = 100 * np.sin(2 * np.pi * (np.arange(24) / 6 + random.random((120, 1))))
    stripes = np.where(across[:, None, None], wave[:, :, None], wave[:, None, :]) + 128 + 20 * random.normal(size=(120, 24, 24))
    images = stripes.clip(0, 255).astype(np.uint8)[..., np.newaxis]
    train, test = patch_features(images[:80], images[80:], rng(), silent)
    assert (train >= 0).all()

    def right(learnt: np.ndarray, asked: np.ndarray) -> float:
        means = [learnt[across[:80] == kind].mean(axis=0) for kind in (0, 1)]
        far = [((asked - mean) ** 2).sum(axis=1) for mean in means]
        return float(((far[1] < far[0]) == across[80:]).mean())

    pixels = images.reshape(120, -1).astype(np.float64)
    assert right(train, test) > 0.95 > right(pixels[:80], pixels[80:])
