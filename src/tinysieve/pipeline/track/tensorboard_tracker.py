"""TensorBoard: event files of its own writer, so that no backend is needed."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from tinysieve.pipeline.track.tracked_run import TrackedRun

PACKAGE = "tensorboard"


def write(run: TrackedRun, project: str, folder: Path) -> str:
    """Write the run and say where it can be seen."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.text.summary_v2 import text_pb
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    place = folder / "tensorboard" / project / run.name
    # A run that is tracked again replaces what was written of it.
    shutil.rmtree(place, ignore_errors=True)
    writer = EventFileWriter(str(place))
    points = [(0, name, value) for name, value in run.metrics.items()]
    points += [(epoch, name, value) for name, values in run.curves.items() for epoch, value in enumerate(values, start=1)]
    for step, name, value in points:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
    table = "\n".join(["| setting | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in run.params.items())])
    writer.add_event(Event(wall_time=time.time(), step=0, summary=text_pb("settings", table)))
    writer.close()
    for path in run.files:
        shutil.copyfile(path, place / path.name)
    return f"tensorboard --logdir {folder / 'tensorboard' / project}"
