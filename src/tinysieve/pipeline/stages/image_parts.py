"""What stages make of every image: parts by chunk, on the configured executor, in one reading pass for stages that follow.

Parts lie in the run folder under a name that holds everything that they depend on but the images, so that whichever stage reads
the images can make them; parts of other images are noticed by their keys.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinysieve.dataset.chunks import PLAN, Chunk, Plan
from tinysieve.dataset.examined_parts import AcceptedByIngest
from tinysieve.dataset.reading import KeyedParts, ReadingPass
from tinysieve.pipeline.engine.progress_display import progress
from tinysieve.pipeline.engine.stage_folders import sweep
from tinysieve.pipeline.engine.stage_keys import key_of, library_versions
from tinysieve.pipeline.engine.stages import Run, ahead_of
from tinysieve.pipeline.stages.executors import executor_of
from tinysieve.pipeline.stages.ingest import store_of
from tinysieve.pipeline.stages.libraries import DECODING

_FOLDER = ".parts"


@dataclass(frozen=True)
class _IsCurrent:
    parts: KeyedParts
    accepted: AcceptedByIngest

    def __call__(self, chunk: Chunk) -> bool:
        return self.parts.is_of(chunk, [f"{content}@{row}" for row, _, content in self.accepted.of(chunk)])


def parts_folder(run: Run, stage: str, version: int, settings: object, outside: Mapping[str, str]) -> Path:
    """Where the parts of a stage lie until it has brought them together.

    Args:
        run: whose stage it is.
        stage: its name.
        version: of its code.
        settings: the part of the configuration that it depends on.
        outside: digests of what it reads besides.
    """
    key = key_of({"code": version, "settings": settings, "outside": dict(outside), "libraries": library_versions(DECODING)})
    return run.folder / _FOLDER / f"{stage}-{key}"


def make_parts(run: Run, parts: KeyedParts, title: str) -> tuple[Chunk, ...]:
    """Make what is missing of the parts; returns the chunks.

    Raises:
        ChangedImage: an image is no longer the one that ingest saw.
    """
    for folder in parts.folder.parent.glob(f"{parts.folder.name.rpartition('-')[0]}-*"):
        if folder != parts.folder:
            shutil.rmtree(folder)
    if parts.folder.is_dir():
        sweep(parts.folder)
    accepted = AcceptedByIngest(run.at("ingest"))
    chunks = Plan(run.at("ingest") / PLAN).chunks
    work = ReadingPass(store_of(run.config), accepted, (*ahead_of(run), parts))
    with progress(title) as report:
        executor_of(run.config).run(work, chunks, _IsCurrent(parts, accepted), report)
    return chunks


def remove_parts(parts: KeyedParts) -> None:
    """Throw away the parts of a stage that has brought them together."""
    shutil.rmtree(parts.folder, ignore_errors=True)
    if parts.folder.parent.is_dir() and not any(parts.folder.parent.iterdir()):
        parts.folder.parent.rmdir()
