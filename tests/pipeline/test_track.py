"""Trackers: what the real packages read back is what the run measured; nothing is written unless a tracker is named."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from report_run import make_images, make_run, stages

from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.config.sections import Track
from tinysieve.pipeline.engine.stages import Run, plan, run_stages
from tinysieve.pipeline.main_job import stages_of
from tinysieve.pipeline.report.report_stage import report_stage
from tinysieve.pipeline.stages.train import HISTORY, MENDED
from tinysieve.pipeline.stages.verify import VERDICT
from tinysieve.pipeline.track.track_stage import TRACK_FACTS, track_stages
from tinysieve.pipeline.track.tracked_run import TrackedRun, tracked_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tracked")
    made = make_run(folder / "run", make_images(folder))
    run_stages(made, (report_stage(made.config),), lambda status: None)
    return made


@pytest.fixture
def told(run: Run) -> TrackedRun:
    return tracked_run(run)


def with_tracker(run: Run, to: str, folder: Path) -> Run:
    """The same run with a tracker; whatever lies in its folder stays."""
    track = Track(to=to, folder=folder)  # type: ignore[arg-type]
    return Run(run.config.model_copy(update={"track": track}), run.folder)


def test_what_is_told(run: Run, told: TrackedRun) -> None:
    verdict = VERDICT.of(run)
    assert told.name == "run"
    assert told.metrics["int8_accuracy"] == verdict.int8.value
    assert told.metrics["flash_bytes"] == verdict.flash_bytes
    assert told.params["train.recipe"] == "demo"
    assert told.params["recipe.epochs"]
    assert told.curves[f"{MENDED}/validation_accuracy"] == tuple(row.validation_accuracy for row in HISTORY[MENDED].of(run))
    assert {path.name for path in told.files} >= {"report.html", "MODEL_CARD.md", "model.tflite"}
    assert all(path.is_file() for path in told.files)


def test_no_tracker_is_no_stage_and_a_tracker_changes_no_other(run: Run, tmp_path: Path) -> None:
    assert "track" not in [stage.name for stage in stages_of(run.config)]
    tracked = with_tracker(run, "tensorboard", tmp_path)
    assert [stage.name for stage in stages_of(tracked.config)][-1] == "track"
    before = [*stages(), report_stage(run.config)]
    assert [status.runs for status in plan(tracked, before)] == [status.runs for status in plan(run, before)]


def test_a_missing_package_is_named_with_its_extra(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinysieve.pipeline.track.track_stage.find_spec", lambda name: None)
    tracked = with_tracker(run, "mlflow", tmp_path)
    with pytest.raises(MissingRequirement, match=r"tinysieve\[mlflow\]"):
        run_stages(tracked, track_stages(tracked.config), lambda status: None)
    assert not any(tmp_path.iterdir())


def track(run: Run, to: str, folder: Path) -> str:
    tracked = with_tracker(run, to, folder)
    run_stages(tracked, track_stages(tracked.config), lambda status: None)
    facts = TRACK_FACTS.of(tracked)
    assert facts.tracker == to
    return facts.show


@pytest.mark.filterwarnings("ignore")
def test_mlflow_reads_it_back(run: Run, told: TrackedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", exc_type=ImportError)
    pytest.importorskip("sqlalchemy")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert str(tmp_path) in track(run, "mlflow", tmp_path)
    from mlflow.tracking import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (stored,) = client.search_runs([client.get_experiment_by_name("tinysieve").experiment_id])
    assert stored.info.status == "FINISHED"
    assert stored.data.params == dict(told.params)
    assert {name: stored.data.metrics[name] for name in told.metrics} == dict(told.metrics)
    for name, values in told.curves.items():
        assert [point.value for point in client.get_metric_history(stored.info.run_id, name)] == list(values)
    assert {item.path for item in client.list_artifacts(stored.info.run_id)} == {path.name for path in told.files}


@pytest.mark.filterwarnings("ignore")
def test_trackio_reads_it_back(run: Run, told: TrackedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trackio", exc_type=ImportError)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    track(run, "trackio", tmp_path)
    api = importlib.import_module("trackio.sqlite_storage").SQLiteStorage
    assert api.get_runs("tinysieve") == ["run"]
    rows = api.get_logs("tinysieve", "run")
    assert {name: value for row in rows for name, value in row.items() if name in told.metrics} == dict(told.metrics)
    for name, values in told.curves.items():
        assert [row[name] for row in rows if name in row] == list(values)


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_reads_it_back_and_twice_is_once(run: Run, told: TrackedRun, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", exc_type=ImportError)
    track(run, "tensorboard", tmp_path)
    module = importlib.import_module("tinysieve.pipeline.track.tensorboard_tracker")
    module.write(told, "tinysieve", tmp_path)
    place = tmp_path / "tensorboard/tinysieve/run"
    assert len(list(place.glob("events*"))) == 1
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(place)).Reload()
    scalars = {name: [event.value for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
    for name, value in told.metrics.items():
        assert scalars[name] == [pytest.approx(value)]
    for name, values in told.curves.items():
        assert scalars[name] == [pytest.approx(value) for value in values]
    assert {path.name for path in told.files} <= {path.name for path in place.iterdir()}
