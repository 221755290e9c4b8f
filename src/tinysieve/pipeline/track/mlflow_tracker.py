"""MLflow: an SQLite file and a folder of files, or the server that MLFLOW_TRACKING_URI names."""

from __future__ import annotations

import os
from pathlib import Path

from tinysieve.pipeline.track.tracked_run import TrackedRun

PACKAGE = "mlflow"


def write(run: TrackedRun, project: str, folder: Path) -> str:
    """Write the run and say where it can be seen."""
    import mlflow
    from mlflow.tracking import MlflowClient

    place = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{folder / 'mlflow.db'}"
    folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(place)
    known = client.get_experiment_by_name(project)
    files = None if "MLFLOW_TRACKING_URI" in os.environ else (folder / "mlflow-files").as_uri()
    experiment = known.experiment_id if known else client.create_experiment(project, artifact_location=files)
    made = client.create_run(experiment, run_name=run.name)
    number = made.info.run_id
    for key, value in run.params.items():
        client.log_param(number, key, value)
    for key, figure in run.metrics.items():
        client.log_metric(number, key, figure)
    for key, values in run.curves.items():
        for epoch, figure in enumerate(values, start=1):
            client.log_metric(number, key, figure, step=epoch)
    # The client of a run takes files from the process's own place.
    mlflow.set_tracking_uri(place)
    for path in run.files:
        client.log_artifact(number, str(path))
    client.set_terminated(number)
    return f"mlflow ui --backend-store-uri {place}"
