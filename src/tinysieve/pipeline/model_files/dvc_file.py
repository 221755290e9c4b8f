"""`dvc.yaml` for those who keep data with DVC: one DVC stage for each command of the main job, made from our own stages."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tinysieve.dataset.sources.image_places import local_paths
from tinysieve.ground.atomic_files import check_file, write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run, Stage
from tinysieve.pipeline.main_job import stages_of, stages_until
from tinysieve.pipeline.stages.ingest import FROZEN_TEST

# Each command with the last stage that it runs; `report` takes a tracker along, which is no file of the run.
COMMANDS = {"ingest": "ingest", "filter": "policy", "train": "train-mended", "quantize": "quantize-mended", "verify": "verify",
            "report": "report"}
# Made by the command beside the folders of its stages.
BESIDE = {"filter": "versions", "train": FROZEN_TEST}
MARK = "# Made by 'tinysieve dvc'"
HEADER = MARK + """ from the stages of {config}; make it again when the filters that it names change.
# 'dvc repro' runs what changed. The folders persist, so that an interrupted stage goes on where it stopped.
"""


def write_dvc(run: Run, config: Path, out: Path) -> None:
    """Write the file; one that somebody else made stays.

    Raises:
        InputError: the file exists and was not made here, or cannot be written.
    """
    check_file(out, reads=(config,))
    if out.exists() and not out.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise InputError("a DVC file that tinysieve did not make", where=str(out), why="its stages would be lost",
                         fix="write another file with --out, and take over its stages by hand")
    write_text(out, dvc_text(run, config))


def dvc_text(run: Run, config: Path) -> str:
    """The file, for paths as seen from the folder that it lies in.

    Args:
        run: whose stages it lists.
        config: the configuration as the commands are to name it.
    """
    stages = {name: _stage(run, config, name, mine) for name, mine in _shares(run)}
    return HEADER.format(config=config) + yaml.safe_dump({"stages": stages}, sort_keys=False, allow_unicode=True, width=1_000)


def _shares(run: Run) -> Iterator[tuple[str, tuple[Stage, ...]]]:
    """Each command with the stages that the one before it did not run."""
    known: set[str] = set()
    for name, last in COMMANDS.items():
        mine = tuple(stage for stage in stages_until(run.config, last) if stage.name not in known)
        known |= {stage.name for stage in mine}
        yield name, mine


def _stage(run: Run, config: Path, name: str, mine: tuple[Stage, ...]) -> dict[str, Any]:
    own = {stage.name for stage in mine}
    known = {stage.name for stage in stages_of(run.config)}
    needed = sorted({need for stage in mine for need in stage.needs if need not in own and need in known})
    outside = [str(path) for path in local_paths(run.config.dataset.source.images)] if name == "ingest" else []
    table = getattr(run.config.dataset.source, "table", None) if name == "ingest" else None
    depends = [*outside, *([str(table)] if table else []), *(str(run.folder / need) for need in needed)]
    depends += [str(run.folder / BESIDE["filter"])] if name == "train" else []
    outputs = [str(run.folder / stage.name) for stage in mine] + ([str(run.folder / BESIDE[name])] if name in BESIDE else [])
    made: dict[str, Any] = {"cmd": f"tinysieve {name} -c {shlex.quote(str(config))}", "deps": [str(config), *depends],
                            "outs": [{path: {"persist": True}} for path in outputs]}
    return made
