"""Stage `track`: a finished run in the tracker that the configuration names. Off unless it names one."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tinysieve.ground.errors import MissingRequirement
from tinysieve.pipeline.config.sections import Config
from tinysieve.pipeline.engine.artifacts import Facts, facts
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.track.tracked_run import tracked_run


@dataclass(frozen=True)
class TrackFacts:
    """Where a run was written.

    Args:
        tracker: its name.
        project: in which the run stands.
        show: the command that shows it.
    """

    tracker: str
    project: str
    show: str


TRACK_FACTS: Facts[TrackFacts] = facts("track", "track.json", TrackFacts)


def _track(run: Run, folder: Path) -> str:
    settings = run.config.track
    tracker = import_module(f"tinysieve.pipeline.track.{settings.to}_tracker")
    if find_spec(tracker.PACKAGE) is None:
        raise MissingRequirement(f"{tracker.PACKAGE} is not installed", why=f"track.to is {settings.to!r}",
                                 fix=f"pip install 'tinysieve[{settings.to}]', or leave track.to out")
    with progress("track"):
        shown_by = tracker.write(tracked_run(run), settings.project, Path(settings.folder).resolve())
    TRACK_FACTS.write(TrackFacts(str(settings.to), settings.project, shown_by), folder)
    return ""


def _settings(config: Config) -> object:
    return config.track.model_dump(mode="json")


def track_stages(config: Config) -> tuple[Stage, ...]:
    """The stage, where a tracker is named."""
    needs = (f"train-{MENDED}", f"quantize-{MENDED}", "verify", "report")
    return (Stage("track", 1, needs, _settings, _track),) if config.track.to else ()
