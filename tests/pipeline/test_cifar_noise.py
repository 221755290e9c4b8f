"""The CIFAR experiment: its data, its networks, its steps, and the whole of it on made-up pictures."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tinysieve.filtering.data_parameters.indexed_sgd import TableSettings
from tinysieve.filtering.data_parameters.keras_trainer import KerasTrainer
from tinysieve.filtering.data_parameters.least_suspect import keep_least_suspect
from tinysieve.filtering.data_parameters.temperatures import Temperatures
from tinysieve.filtering.data_parameters.trajectories import TrajectoryLog
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.cli import app
from tinysieve.pipeline.experiments.cifar_100 import cifar_100
from tinysieve.pipeline.experiments.cifar_networks import small_network, wide_resnet_28_10
from tinysieve.pipeline.experiments.cifar_noise import CifarNoise, _split, cifar_noise
from tinysieve.pipeline.experiments.cifar_noise_files import check_names, retrain_from, run_cifar_noise
from tinysieve.pipeline.experiments.problem import plant_uniform
from tinysieve.pipeline.experiments.sweep_files import parse_levels
from tinysieve.pipeline.experiments.tempered_training import PAD, Pictures, Training, TrainingPlan, batches, shifted


def test_wide_resnet_has_the_published_size_and_takes_a_step() -> None:
    """Weights by formula: convolutions k*k*in*out, two numbers a channel for each norm, a linear layer with bias."""
    import keras

    def block(inside: int, out: int) -> int:
        shortcut = inside * out if inside != out else 0
        return 2 * inside + 9 * inside * out + 2 * out + 9 * out * out + shortcut

    body = sum(block(inside if first else out, out) for inside, out in ((16, 160), (160, 320), (320, 640))
               for first in (True, False, False, False))
    expected = 9 * 3 * 16 + body + 2 * 640 + 640 * 10 + 10
    # Of small pictures: the weights are as many.
    model = wide_resnet_28_10(10, 0, side=8)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == expected
    assert expected == pytest.approx(36.5e6, rel=2e-3)
    trainer = KerasTrainer(model, keras.optimizers.SGD(0.01), Temperatures.start(2, 10, TableSettings(), None), 2)
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    assert np.isfinite(trainer.step(images, np.array([3, 7]), np.array([0, 1])).loss).all()
    assert trainer.temperatures.instance is not None
    assert (trainer.temperatures.instance.log_sigma != 0).all()


def test_the_small_network_is_small() -> None:
    model = small_network(10, 0)
    assert model.output_shape == (None, 10)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) < 100_000


def test_the_rate_falls_where_the_published_one_does() -> None:
    plan = TrainingPlan("small", 120, 128, 0.1, 0)
    rates = [plan.rate(epoch) for epoch in range(120)]
    np.testing.assert_allclose([rates[79], rates[80], rates[99], rates[100]], [0.1, 0.01, 0.01, 0.001])


def test_shifts_and_mirrors_by_hand() -> None:
    image = np.arange(16, dtype=np.uint8).reshape(1, 4, 4, 1) + 1
    still = shifted(image, np.array([[PAD, PAD]]), np.array([False]))
    np.testing.assert_array_equal(still, image)
    np.testing.assert_array_equal(shifted(image, np.array([[PAD, PAD]]), np.array([True])), image[:, :, ::-1])
    down = shifted(image, np.array([[PAD - 1, PAD]]), np.array([False]))
    assert (down[0, 0] == 0).all()
    np.testing.assert_array_equal(down[0, 1:], image[0, :-1])


def test_an_epoch_shows_every_picture_once() -> None:
    images = np.zeros((50, 32, 32, 3), np.uint8)
    seen = [rows for rows, _ in batches(images, TrainingPlan("small", 1, 16, 0.1, 0), 0)]
    assert sorted(np.concatenate(seen).tolist()) == list(range(50))
    assert [len(rows) for rows in seen] == [16, 16, 16, 2]


def test_no_class_is_left_out_as_a_target() -> None:
    """The public fork's corruption never makes the last class; ours makes each of the others as often, within 5 deviations."""
    labels = np.repeat(np.arange(10), 2000)
    planted = plant_uniform(labels, 0.4, 10, np.random.default_rng(0))
    assert (planted != labels).sum() == round(0.4 * len(labels))
    table = np.zeros((10, 10))
    np.add.at(table, (labels, planted), 1)
    mean = 0.4 * 2000 / 9
    assert (np.abs(table[~np.eye(10, dtype=bool)] - mean) < 5 * np.sqrt(mean)).all()


def test_keeping_per_class_keeps_the_balance() -> None:
    labels = np.repeat([0, 1], 50)
    # Class 1 is more suspect as a whole: the dataset's cut takes nearly all of it, the cut per class the same share of each.
    suspect = np.concatenate([np.linspace(0, 0.4, 50), np.linspace(0.3, 1, 50)])
    assert keep_least_suspect(suspect, labels, 0.6, "class")[labels == 1].sum() == 30
    assert keep_least_suspect(suspect, labels, 0.5, "dataset")[labels == 1].sum() < 15
    assert keep_least_suspect(suspect, labels, 0.5, "dataset").sum() == 50


def write_cifar_100(folder: Path) -> None:
    """Made-up pictures in CIFAR-100's layout: four fine labels, each with a colour of its own, and noise."""
    rng = np.random.default_rng(0)
    for name, count in (("train", 400), ("test", 80)):
        fine = rng.integers(0, 4, count)
        planes = rng.integers(0, 120, (count, 3, 1024), dtype=np.uint8)
        for colour in range(3):
            planes[fine == colour, colour] += 120
        rows = np.concatenate([np.zeros((count, 1)), fine[:, np.newaxis], planes.reshape(count, -1)], axis=1)
        rows.astype(np.uint8).tofile(folder / f"{name}.bin")


def test_binary_cifar_100_is_read_and_checked(tmp_path: Path) -> None:
    with pytest.raises(MissingRequirement, match=r"train\.bin"):
        cifar_100(tmp_path)
    write_cifar_100(tmp_path)
    images = cifar_100(tmp_path)
    assert images.train.shape == (400, 32, 32, 3)
    red = images.train[images.train_labels == 0]
    assert red[..., 0].min() >= 120
    assert red[..., 1].max() < 120
    whole = (tmp_path / "test.bin").read_bytes()
    (tmp_path / "test.bin").write_bytes(whole[:-1])
    with pytest.raises(InputError, match="not a multiple"):
        cifar_100(tmp_path)
    (tmp_path / "test.bin").write_bytes(whole[:1] + b"\xff" + whole[2:])
    with pytest.raises(InputError, match="label 255 at row 0"):
        cifar_100(tmp_path)


@contextmanager
def silent(title: str, unit: str):
    yield lambda done, total: None


def test_the_whole_experiment_on_made_up_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                  capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("tinysieve.pipeline.experiments.cifar_noise_files.progress", silent)
    write_cifar_100(tmp_path)
    plan = TrainingPlan("small", 6, 16, 0.1, 0)
    settings = CifarNoise(0.5, 0.5, "dataset", 0.1, None, TableSettings(learning_rate=4.0), None, plan)
    run_cifar_noise("cifar-100", tmp_path, (0.4,), settings, None, "tsne_plots", tmp_path / "out", True)
    (found,) = json.loads(capsys.readouterr().out)
    assert found["teaching_images"] == 360
    assert found["kept"] == round(0.6 * 360)
    # Four colours are easy: the corrupt ones are found, and what is kept is cleaner than what was given.
    assert found["identification"]["turning_point"]["auroc"] > 0.9
    assert found["clean_share_of_kept"] > 0.85
    assert sum(row["all"] for row in found["triage"].values()) == 360
    names = {path.relative_to(tmp_path / "out/40").as_posix() for path in (tmp_path / "out/40").rglob("*.*")}
    assert {"curves.csv", "curves.png", "cifar-noise.json", "pictures/trajectories.png", "pictures/rows-class-0.png"} <= names


def experiment(**changes: object) -> CifarNoise:
    """A small one; fields of the plan go to the plan."""
    about = {"network": "small", "epochs": 1, "batch_size": 16, "learning_rate": 0.1, "seed": 0}
    plan = TrainingPlan(**{name: changes.pop(name, value) for name, value in about.items()})
    whole = {"corrupt": 0.5, "keep": 0.5, "keep_level": "dataset", "held_out": 0.1, "images": None,
             "instance": TableSettings(learning_rate=4.0), "by_class": None, "plan": plan}
    return CifarNoise(**(whole | changes))


def made_up(teach: Pictures, held_out: Pictures, test: Pictures, plan: TrainingPlan, temperatures: Temperatures,
            log: TrajectoryLog, progress: object) -> Training:
    """What a training gives, without one."""
    trajectories = np.random.default_rng(0).lognormal(size=(len(teach.labels), plan.epochs)).astype(np.float16)
    return Training(np.full(plan.epochs, 0.25), np.ones((plan.epochs, len(held_out.labels)), np.float32), trajectories)


def test_each_share_has_its_own_folder_and_keeping_nobody_is_still_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nine trainings would say no more about folders."""
    monkeypatch.setattr("tinysieve.pipeline.experiments.cifar_noise_files.progress", silent)
    monkeypatch.setattr("tinysieve.pipeline.experiments.cifar_noise.train", made_up)
    write_cifar_100(tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    levels = parse_levels("20,20.4,0.4")
    run_cifar_noise("cifar-100", tmp_path, levels, experiment(), 0.001, "tsne_plots", tmp_path / "out", True)
    made = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"20", "20.4", "0.4"}
    for one, level in zip(made, ("20", "20.4", "0.4"), strict=True):
        stored = json.loads((tmp_path / "out" / level / "cifar-noise.json").read_text(), parse_constant=refuse)
        assert stored == one
        assert stored["corrupt"] == pytest.approx(float(level) / 100)
        assert (stored["kept"], stored["clean_share_of_kept"]) == (0, None)


@pytest.mark.parametrize(("instance", "by_class"), [
    (None, TableSettings(learning_rate=0.1, weight_decay=1e-4)),
    (TableSettings(init=0.05, learning_rate=4.0), TableSettings(learning_rate=0.1)),
], ids=["class", "joint"])
def test_class_and_joint_parameters_move_what_they_should(
    tmp_path: Path, instance: TableSettings | None, by_class: TableSettings
) -> None:
    write_cifar_100(tmp_path)
    settings = experiment(instance=instance, by_class=by_class, epochs=2)
    outcome = cifar_noise(cifar_100(tmp_path), settings, tmp_path / "out", silent)
    moved = np.ptp(np.asarray(outcome.with_temperatures.trajectories[:, -1], float))
    assert (moved > 0) == (instance is not None)
    assert (outcome.retrained is None) == (instance is None)
    assert not np.array_equal(outcome.with_temperatures.held_out_losses, outcome.without.held_out_losses)


@pytest.mark.parametrize(("learn", "instance", "by_class"), [("class", False, True), ("joint", True, True),
                                                             ("instance", True, False)])
def test_the_command_learns_the_parameters_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, learn: str, instance: bool,
                                                           by_class: bool) -> None:
    asked: list[CifarNoise] = []
    monkeypatch.setattr("tinysieve.pipeline.experiments.cifar_noise_files.run_cifar_noise",
                        lambda name, data, levels, settings, *others: asked.append(settings))
    told = CliRunner().invoke(app, ["experiment", "cifar-noise", "--learn", learn, "--instance-rate", "3", "--class-rate", "0.2"],
                              catch_exceptions=False)
    assert told.exit_code == 0
    assert asked[0].instance == (TableSettings(1.0, 3.0, 0.0) if instance else None)
    assert asked[0].by_class == (TableSettings(1.0, 0.2, 0.0001) if by_class else None)


def test_stored_trajectories_are_read_at_a_chosen_epoch_and_the_kept_trained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinysieve.pipeline.experiments.cifar_noise_files.progress", silent)
    write_cifar_100(tmp_path)
    settings = experiment(corrupt=0.4, keep=0.6, epochs=3)
    _, _, corrupt = _split(cifar_100(tmp_path), settings)
    trajectories = np.ones((len(corrupt), 5), np.float16)
    trajectories[corrupt, 2] = 3
    np.save(tmp_path / "t.npy", trajectories)

    def retrained(epoch: int) -> dict[str, Any]:
        retrain_from("cifar-100", tmp_path, (0.4,), settings, None, tmp_path / "t.npy", epoch, tmp_path / "out", True)
        made: dict[str, Any] = json.loads(capsys.readouterr().out)
        return made

    third = retrained(3)
    kept = round(0.6 * len(corrupt))
    assert third["kept"] == kept
    # All clean ones are kept; where a few more are asked for than there are, corrupt ones fill up.
    assert third["clean_share_of_kept"] == pytest.approx(min(1.0, (~corrupt).sum() / kept))
    # On all labels and on the kept ones: before and after.
    assert set(third["test_accuracy"]) == {"without", "retrained"}
    assert retrained(1)["clean_share_of_kept"] < 0.8
    with pytest.raises(InputError, match="epoch 6 of 5"):
        retrained(6)
    np.save(tmp_path / "t.npy", trajectories[1:])
    with pytest.raises(InputError, match="trajectories of"):
        retrained(1)


@pytest.mark.parametrize(("levels", "changes", "message"), [
    ("40,0.1", {}, r"with 0.1 % corrupt 0 of the 360 labels that teach are wrong"),
    ("40,99.9", {}, r"with 99.9 % corrupt 360 of the 360 labels"),
    ("40,20", {"batch_size": 361}, "400 images are too few"),
    ("40,40", {}, "40 % corrupt appears twice"),
    ("40,0", {}, "corrupt = 0.0 is not in"),
])
def test_what_cannot_be_run_is_refused_before_a_network_is_trained(
    tmp_path: Path, levels: str, changes: dict[str, object], message: str
) -> None:
    write_cifar_100(tmp_path)
    with pytest.raises(InputError, match=message):
        run_cifar_noise("cifar-100", tmp_path, parse_levels(levels), experiment(**changes), None, "tsne_plots", tmp_path / "out",
                        True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("option", "message"), [
    ("--epochs -1", "epochs = -1"), ("--epochs 0", "epochs = 0"), ("--batch-size 0", "batch_size = 0"),
    ("--learning-rate -1", "learning_rate = -1"), ("--learning-rate nan", "learning_rate = nan"), ("--images -5", "images = -5"),
])
def test_numbers_that_make_no_training_are_refused(option: str, message: str) -> None:
    told = CliRunner().invoke(app, ["experiment", "cifar-noise", *option.split()])
    assert isinstance(told.exception, InputError)
    assert message in told.exception.what
    assert told.exception.fix


@pytest.mark.parametrize("names", [("mnist", "small", "joint", "tsne_plots"), ("cifar-10", "big", "joint", "tsne_plots"),
                                   ("cifar-10", "small", "all", "tsne_plots"), ("cifar-10", "small", "joint", "mine")])
def test_unknown_names_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="no "):
        check_names(*names)


def test_settings_that_make_no_experiment_are_refused() -> None:
    plan = TrainingPlan("small", 1, 16, 0.1, 0)
    with pytest.raises(InputError, match="corrupt = 1"):
        CifarNoise(1.0, 0.5, "dataset", 0.1, None, TableSettings(), None, plan)
    with pytest.raises(InputError, match="neither instance nor class"):
        CifarNoise(0.4, 0.5, "dataset", 0.1, None, None, None, plan)
