"""What MLCube's tasks do: write a setup file for the given folders and run the commands of `tinysieve dataperf`."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import typer
import yaml

from tinysieve.ground.errors import InputError, TinysieveError
from tinysieve.ground.yaml_text import read_yaml
from tinysieve.pipeline.commands import dataperf_debugging

_ORDER = ("01g317-flipped", "04hgtk-flipped", "04rky-flipped", "09j2d-flipped", "01g317", "04hgtk", "04rky", "09j2d")
_BASELINES = ("neighbor_shapley (datascope)", "random", "influence_function")
_TRAIN_FILE = r"(?P<id>[^_]+)_train_(?P<noise>[\d.]+)_(?P<size>\d+)\.parquet"
_RESULT_FILE = r"(?P<id>[^_]+)_evaluation\.json"


def read_parameters(path: Path, needed: tuple[str, ...]) -> dict[str, str]:
    """A task's parameters file: a flat YAML mapping, every value as text.

    Raises:
        InputError: no such mapping, or a needed key is missing.
    """
    try:
        settings = read_yaml(path).data
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}", where="--parameters_file") from error
    if not isinstance(settings, dict):
        raise InputError(f"{path} is not a mapping of keys to values", where="--parameters_file")
    for key in needed:
        if settings.get(key) is None:
            raise InputError(f"no key '{key}'", where=str(path), why="a download needs an address and a checksum",
                             fix=f"add {key}: ...")
    return {str(key): str(value) for key, value in settings.items() if value is not None}


def debugging_setup(embeddings: Path | None, truth: Path | None, submissions: Path, results: Path) -> dict[str, Any]:
    """A setup for the debugging tasks whose train embeddings (or, without that folder, whose results) are there.

    Raises:
        InputError: there are none.
    """
    where, pattern = (results, _RESULT_FILE) if embeddings is None else (embeddings, _TRAIN_FILE)
    matches = [match for path in where.glob("*") if (match := re.fullmatch(pattern, path.name))]
    tasks = {match["id"]: match.groupdict() for match in matches}
    if not tasks:
        raise InputError(f"{where} has no file of a debugging task", fix="put the benchmark's files there")
    order = sorted(tasks, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))
    return {
        "paths": {"embedding_folder": str(where), "groundtruth_folder": str(truth or results),
                  "submission_folder": str(submissions), "results_folder": str(results)},
        "tasks": [{"data_id": name, "train_size": int(tasks[name].get("size", 300)),
                   "noise_level": float(tasks[name].get("noise", 0.3)),
                   "test_size": _rows(where, name, "test", 500), "val_size": _rows(where, name, "val", 100)} for name in order],
        "baselines": [{"name": name} for name in _BASELINES],
    }


def _rows(folder: Path, data_id: str, split: str, published: int) -> int:
    matches = (re.fullmatch(rf"{re.escape(data_id)}_{split}_(\d+)\.parquet", path.name) for path in sorted(folder.glob("*")))
    return next((int(match[1]) for match in matches if match), published)


def run_debugging(verbs: tuple[str, ...], embeddings: Path | None, truth: Path | None, submissions: Path, results: Path) -> None:
    """Run `tinysieve dataperf debugging VERBS` with a setup made from folders."""
    inputs = [None if folder is None else folder.absolute() for folder in (embeddings, truth)]
    setup = debugging_setup(inputs[0], inputs[1], submissions.absolute(), results.absolute())
    with TemporaryDirectory() as folder:
        path = Path(folder) / "task_setup.yml"
        path.write_text(yaml.safe_dump(setup, sort_keys=False), encoding="utf-8")
        run_verb(dataperf_debugging.commands, *verbs, "--setup", str(path))


def run_verb(group: typer.Typer, *words: str) -> None:
    """Run a verb of a group in this process; its exit code is this one's."""
    code = typer.main.get_command(group).main(list(words), standalone_mode=False)
    if code:
        raise typer.Exit(code)


def has_selection(data: Path) -> bool:
    """Whether the selection benchmark's resources are in the folder."""
    return (data / "embeddings").exists() or _setup_in(data) is not None


@contextmanager
def logged(log_path: Path) -> Iterator[None]:
    """Write what is said meanwhile, errors too, to a log: line by line, so that it is there when the task is killed.

    Raises:
        InputError: the log cannot be written.
    """
    from tinysieve.ground.atomic_files import check_file

    check_file(log_path)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("w", encoding="utf-8", buffering=1) as said:
        try:
            with redirect_stdout(_Both(sys.stdout, said)):
                yield
        except TinysieveError as error:
            said.write(f"error: {error}\n")
            raise
        except Exception as error:
            said.write(f"internal error: {error!r}\n")
            raise


class _Both(io.TextIOBase):
    """Text that goes to two places."""

    def __init__(self, first: TextIO, second: TextIO) -> None:
        self._places = (first, second)

    def write(self, text: str) -> int:
        for place in self._places:
            place.write(text)
        return len(text)

    def flush(self) -> None:
        for place in self._places:
            place.flush()


def run_selection(data: Path) -> None:
    """Score the train sets in the data folder."""
    _score(data, typer.echo)


def _score(data: Path, say: Any) -> None:
    from tinysieve.dataperf.embedding_store import open_parquet
    from tinysieve.dataperf.selection import evaluate, result_text, write_results
    from tinysieve.dataperf.selection_setup import published_setup, read_setup_for

    written = _setup_in(data)
    setup = read_setup_for(written, data) if written else published_setup(data)
    results = evaluate(setup, open_parquet(setup.embeddings), say, lambda line: say(f"warning: {line}"))
    say(result_text(results))
    say(f"Results saved in {write_results(results, setup.results, datetime.now(UTC))}")


def _setup_in(data: Path) -> Path | None:
    return next((data / name for name in ("task_setup.yaml", "task_setup.yml") if (data / name).is_file()), None)
