"""The page of the files that a run leaves, out of the declarations of its artifacts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from typing import Any

import tinysieve.pipeline.stages as stages
from tinysieve.pipeline.engine.artifacts import Artifact, Facts
from tinysieve.pipeline.engine.records import RECORD
from tinysieve.pipeline.engine.stage_words import does
from tinysieve.pipeline.report import report_stage
from tinysieve.pipeline.track import track_stage

INTRO = f"""# Files of a run

Made from the code by `python -m docsite`. A run folder has a folder a stage, made when that stage runs. `{RECORD}` in each holds
what the stage was made from, and size and hash of every file. JSON files list their keys here.

| stage | what it does | file | JSON keys |
|---|---|---|---|
"""


def run_files_page() -> str:
    """A row for each declared file, by stage."""
    rows = sorted({(artifact.stage, artifact.file, _keys(artifact)) for artifact in _declared()})
    return INTRO + "".join(f"| `{stage}` | {does(stage)} | `{file}` | {keys} |\n" for stage, file, keys in rows)


def _declared() -> Iterator[Artifact[Any]]:
    modules = [importlib.import_module(f"{stages.__name__}.{module.name}") for module in pkgutil.iter_modules(stages.__path__)]
    for module in (*modules, report_stage, track_stage):
        for value in vars(module).values():
            for declared in value.values() if isinstance(value, dict) else (value,):
                if isinstance(declared, Artifact):
                    yield declared


def _keys(artifact: Artifact[Any]) -> str:
    if not isinstance(artifact, Facts):
        return ""
    adapter = inspect.getclosurevars(artifact.read).nonlocals["adapter"]
    return ", ".join(f"`{key}`" for key in adapter.json_schema()["properties"])
