"""Setup files of the debugging benchmark, read unchanged: where the files lie, which tasks and which baselines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tinysieve.ground.errors import InputError
from tinysieve.ground.yaml_text import read_yaml

_Count = Annotated[int, Field(gt=0)]
_NAMES = ("task_setup.yml", "task_setup.yaml")
_DOCKER_NAMES = ("task_setup_docker.yml", "task_setup_docker.yaml")


class Paths(BaseModel):
    """Folders, relative to the folder of the setup file."""

    model_config = ConfigDict(frozen=True)
    embedding_folder: Path
    groundtruth_folder: Path
    submission_folder: Path
    results_folder: Path


class TaskSetup(BaseModel):
    """One task: its name and the sizes that stand in its file names; `train_size` is also the budget of inspections."""

    model_config = ConfigDict(frozen=True)
    data_id: Annotated[str, Field(pattern=r"^[^/\\.][^/\\]*$")]
    train_size: _Count
    noise_level: int | float
    test_size: _Count
    val_size: _Count


class BaselineSetup(BaseModel):
    """One baseline, by the name that its submission will have."""

    model_config = ConfigDict(frozen=True)
    name: str


class DebuggingSetup(BaseModel):
    """A setup file; keys that it has beside these are passed over."""

    model_config = ConfigDict(frozen=True)
    paths: Paths
    tasks: Annotated[tuple[TaskSetup, ...], Field(min_length=1)]
    baselines: tuple[BaselineSetup, ...] = ()
    folder: Path

    @property
    def results_folder(self) -> Path:
        """Where results and plots go."""
        return self.folder / self.paths.results_folder

    @property
    def submission_folder(self) -> Path:
        """Where submissions and time files lie."""
        return self.folder / self.paths.submission_folder

    def embeddings_of(self, task: TaskSetup, split: str) -> Path:
        """Parquet file of a task's "train", "val" or "test" rows."""
        sizes = {"train": f"{task.noise_level}_{task.train_size}", "val": task.val_size, "test": task.test_size}
        return self.folder / self.paths.embedding_folder / f"{task.data_id}_{split}_{sizes[split]}.parquet"

    def groundtruth_of(self, task: TaskSetup) -> Path:
        """CSV with the true labels of a task's train rows."""
        return self.folder / self.paths.groundtruth_folder / f"dataset_{task.data_id}_train.csv"

    def chosen(self, data_ids: tuple[str, ...]) -> tuple[TaskSetup, ...]:
        """The named tasks in the order of the file; all where none is named.

        Raises:
            InputError: a name that no task has.
        """
        known = [task.data_id for task in self.tasks]
        for name in data_ids:
            if name not in known:
                raise InputError(f"no task '{name}' in the setup", fix=f"one of {', '.join(known)}")
        return tuple(task for task in self.tasks if not data_ids or task.data_id in data_ids)


def find_setup(folder: Path, docker: bool) -> Path:
    """The setup file that the original would take in `folder`; both spellings of its ending are accepted.

    Raises:
        InputError: there is none.
    """
    names = _DOCKER_NAMES if docker else _NAMES
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(f"no {names[0]} or {names[1]}", where=str(folder), fix="use --setup FILE")


def load_setup(path: Path) -> DebuggingSetup:
    """Read a setup file.

    Raises:
        InputError: not there, not YAML, or a key is missing or wrong; names the key.
    """
    try:
        data = read_yaml(path).data
    except OSError as error:
        raise InputError(f"the setup file cannot be read: {error.strerror}", where=str(path), fix="use --setup FILE") from error
    if not isinstance(data, dict):
        raise InputError("the setup file has no settings", where=str(path), fix="it needs the keys 'paths' and 'tasks'")
    try:
        setup = DebuggingSetup.model_validate(data | {"folder": path.parent})
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting '{key}': {first['msg']}", where=str(path)) from error
    _refuse_twins(setup, path)
    return setup


def _refuse_twins(setup: DebuggingSetup, path: Path) -> None:
    names = [task.data_id for task in setup.tasks]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"task '{twice[0]}' appears twice", where=str(path), why="both would write the same result file",
                         fix="remove one of them")
