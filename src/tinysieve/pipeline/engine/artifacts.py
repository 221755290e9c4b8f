"""Artifacts: what stages leave in the run folder. One declaration says which stage makes it and how it is opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.records import require_recorded, require_recorded_folder
from tinysieve.pipeline.engine.stages import Run

T = TypeVar("T")


@dataclass(frozen=True)
class Artifact(Generic[T]):
    """One file of a finished stage.

    Args:
        stage: that makes it; `Run.at` gives its folder.
        file: its name in that folder.
        read: opens it and checks what it holds.
        folders: folders of that stage's whose files are read with it, a part a chunk.
    """

    stage: str
    file: str
    read: Callable[[Path], T]
    folders: tuple[str, ...] = ()

    def path(self, run: Run) -> Path:
        """Where it lies once its stage has finished."""
        return run.at(self.stage) / self.file

    def exists(self, run: Run) -> bool:
        """Whether its stage has left it."""
        return self.path(run).is_file()

    def of(self, run: Run) -> T:
        """Open it.

        Raises:
            InputError: it is not there (names the stage that makes it), or is not as that stage left it.
        """
        return self.of_folder(run.folder)

    def of_folder(self, folder: Path) -> T:
        """Open it in a run folder whose configuration is not known; raises as `of`."""
        path = require_recorded(folder / self.stage, self.file)
        if not path.is_file():
            raise InputError(f"no {self.file} in this run", where=str(path), why=f"stage '{self.stage}' makes it",
                             fix="run that stage first: 'tinysieve run'")
        for parts in self.folders:
            require_recorded_folder(folder / self.stage, parts)
        return self.read(path)


@dataclass(frozen=True)
class Facts(Artifact[T]):
    """An artifact that is a frozen dataclass, stored as JSON."""

    write_to: Callable[[T, Path], None] = field(kw_only=True)

    def write(self, facts: T, folder: Path) -> None:
        """Store it in the folder of a stage at work."""
        self.write_to(facts, folder / self.file)


def facts(stage: str, file: str, kind: type[T]) -> Facts[T]:
    """Declare an artifact of type `kind`, a frozen dataclass.

    A missing field or one of another type is an error that names the file. Other keys of the file are not read: they may hold
    figures that follow from the fields.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(path: Path) -> T:
        try:
            made: T = adapter.validate_json(path.read_bytes(), strict=False)
        except ValidationError as error:
            first = error.errors()[0]
            raise InputError(f"{file} cannot be read: {'.'.join(map(str, first['loc']))}: {first['msg']}", where=str(path),
                             why="it was changed, or made by another version of tinysieve",
                             fix=f"remove the folder {path.parent.name} of the run and run the stage again") from error
        return made

    def write(made: T, path: Path) -> None:
        write_text(path, adapter.dump_json(made, indent=1).decode() + "\n")

    return Facts(stage, file, read, write_to=write)
