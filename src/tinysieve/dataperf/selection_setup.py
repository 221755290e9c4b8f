"""The setup file of the selection benchmark, `task_setup.yaml`, with the keys that the original reads."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.ground.yaml_text import read_yaml

DEFAULT_SETUP = Path("task_setup.yaml")
_CLASSES = ["Cupcake", "Hawk", "Sushi"]
_PUBLISHED = {
    "emb_file": "embeddings/train_emb_256_dataperf.parquet", "results_dir": "results", "dim": 256, "eval_tasks": _CLASSES,
    **{name: ["train_sets/random_500.csv", f"test_sets/alpha_test_set_{name}_256.parquet"] for name in _CLASSES},
}
_KEYS = ("data_dir", "docker_data_dir", "emb_file", "results_dir", "dim", "eval_tasks")


@dataclass(frozen=True)
class SelectionTask:
    """One class to find: a train CSV to be scored and the Parquet test set that scores it."""

    name: str
    train: Path
    test: Path


@dataclass(frozen=True)
class SelectionSetup:
    """What to evaluate, every path resolved against the data folder.

    Args:
        embeddings: Parquet file or Spark directory with the columns ImageID and embedding.
        results: folder for result files.
        dim: numbers in an embedding.
        tasks: in the order of `eval_tasks`.
    """

    embeddings: Path
    results: Path
    dim: int
    tasks: tuple[SelectionTask, ...]


def read_setup(path: Path, docker: bool = False) -> SelectionSetup:
    """Read a setup file as the original does; keys that it does not know are left alone.

    Args:
        path: YAML with data_dir, docker_data_dir, emb_file, results_dir, dim, eval_tasks, and one key per task that
            holds [train csv, test parquet].
        docker: take `docker_data_dir` in place of `data_dir`.

    The data folder is looked for in the working folder, as in the original, and then beside the setup file.

    Raises:
        InputError: no YAML mapping, a key missing, or a value of another kind.
    """
    settings = _mapping(path)
    data = _data_dir(path, _text(settings, "docker_data_dir" if docker else "data_dir", path))
    return _setup(settings, data, path)


def read_setup_for(path: Path, data: Path) -> SelectionSetup:
    """Read a setup file for a data folder other than the one it names; raises InputError as `read_setup` does."""
    return _setup(_mapping(path), data, path)


def published_setup(data: Path) -> SelectionSetup:
    """The setup that the benchmark was published with: three classes, one train set of 500 random images for all."""
    return _setup(_PUBLISHED, data, DEFAULT_SETUP)


def _setup(settings: dict[str, Any], data: Path, path: Path) -> SelectionSetup:
    names = _value(settings, "eval_tasks", path)
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"eval_tasks is {names!r}", where=str(path), fix="write a list of task names")
    if len(set(names)) < len(names):
        raise InputError(f"eval_tasks names a task twice: {', '.join(names)}", where=str(path),
                         why="the result has one entry per task", fix="name each task once")
    return SelectionSetup(
        data / _text(settings, "emb_file", path), data / _text(settings, "results_dir", path), _dim(settings, path),
        tuple(_task(settings, name, data, path) for name in names),
    )


def _mapping(path: Path) -> dict[str, Any]:
    try:
        settings = read_yaml(path).data
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", fix="use --setup_yaml_path FILE") from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} is not a mapping of keys to values", fix="its keys: " + ", ".join(_KEYS))
    return settings


def _value(settings: dict[str, Any], key: str, path: Path) -> Any:
    if key not in settings:
        near = difflib.get_close_matches(key, [str(name) for name in settings], 1)
        raise InputError(f"no key '{key}'" + (f" (did you mean '{near[0]}'?)" if near else ""), where=str(path),
                         fix="the setup needs " + ", ".join(_KEYS) + " and one key per task")
    return settings[key]


def _text(settings: dict[str, Any], key: str, path: Path) -> str:
    value = _value(settings, key, path)
    if not isinstance(value, str) or not value or "\0" in value:
        raise InputError(f"{key} is {value!r}", where=str(path), fix="write a path")
    return value


def _dim(settings: dict[str, Any], path: Path) -> int:
    value = _value(settings, "dim", path)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"dim is {value!r}", where=str(path), fix="write how many numbers an embedding has, 256 for instance")
    return value


def _task(settings: dict[str, Any], name: str, data: Path, path: Path) -> SelectionTask:
    pair = _value(settings, name, path)
    if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(path, str) and path for path in pair):
        raise InputError(f"task {name} is {pair!r}", where=str(path), fix="write [train csv, test parquet]")
    return SelectionTask(name, data / pair[0], data / pair[1])


def _data_dir(setup: Path, written: str) -> Path:
    folder = Path(written)
    return folder if folder.is_dir() else setup.parent / folder
