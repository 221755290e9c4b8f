"""Curves of a run: `history.jsonl`, the same bytes for the same run; durations apart; TensorBoard where it is."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tinysieve.ground.atomic_files import write_text
from tinysieve.training.checkpoint import EpochRecord

HISTORY_NAME = "history.jsonl"
TIMING_NAME = "timing.log.jsonl"
TENSORBOARD_NAME = "tensorboard"


def write_history(folder: Path, history: Sequence[EpochRecord]) -> None:
    """Write one JSON object a finished epoch, without durations or dates."""
    write_text(folder / HISTORY_NAME, "".join(json.dumps(asdict(record)) + "\n" for record in history))


def read_history(folder: Path) -> tuple[EpochRecord, ...]:
    """What `write_history` wrote."""
    lines = (folder / HISTORY_NAME).read_text(encoding="utf-8").splitlines()
    return tuple(EpochRecord(**json.loads(line)) for line in lines)


def log_time(folder: Path, epoch: int, seconds: float, images: int) -> None:
    """Append how long an epoch took, training and validation together, to the log."""
    line = {"epoch": epoch, "seconds": round(seconds, 3), "images_per_second": round(images / max(seconds, 1e-9), 2)}
    with (folder / TIMING_NAME).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")


def log_tensorboard(folder: Path, record: EpochRecord) -> bool:
    """Append an epoch's curves for TensorBoard; False, and nothing written, where the package is not installed.

    Written with the package's own event writer, so that no backend is needed for it.
    """
    if importlib.util.find_spec("tensorboard") is None:
        return False
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    values = {name: value for name, value in asdict(record).items() if name != "epoch"}
    summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
    writer = EventFileWriter(str(folder / TENSORBOARD_NAME), filename_suffix=f".{record.epoch}")
    writer.add_event(Event(wall_time=time.time(), step=record.epoch, summary=summary))
    writer.close()
    return True
