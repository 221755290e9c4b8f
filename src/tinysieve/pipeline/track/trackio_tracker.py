"""Trackio: its own local database; nothing is sent unless its environment names a Space."""

from __future__ import annotations

import os
import shutil
from itertools import zip_longest
from pathlib import Path

from tinysieve.pipeline.track.tracked_run import TrackedRun

PACKAGE = "trackio"


def write(run: TrackedRun, project: str, folder: Path) -> str:
    """Write the run and say where it can be seen."""
    place = Path(os.environ.setdefault("TRACKIO_DIR", str(folder / "trackio")))
    import trackio

    trackio.init(project=project, name=run.name, config=dict(run.params), embed=False)
    for epoch, values in enumerate(zip_longest(*run.curves.values()), start=1):
        trackio.log({name: value for name, value in zip(run.curves, values, strict=True) if value is not None}, step=epoch)
    trackio.log(dict(run.metrics))
    trackio.finish()
    files = place / "files" / project / run.name
    files.mkdir(parents=True, exist_ok=True)
    for path in run.files:
        shutil.copyfile(path, files / path.name)
    return f"TRACKIO_DIR={place} trackio show --project {project}"
