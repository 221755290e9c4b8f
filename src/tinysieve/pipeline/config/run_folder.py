"""Which folders can be no run folder: those that hold what is not the run's."""

from __future__ import annotations

import os
from pathlib import Path

from tinysieve.dataset.sources.image_places import folders_of_files, image_folder
from tinysieve.pipeline.config.sections import Config

# What marks the root of a project, of ours or of anybody's.
_PROJECT = (".git", "pyproject.toml", "setup.py", "package.json")


def run_folder_objection(config: Config) -> str:
    """Why the folder that `run` resolves to must not be one; "" where it may."""
    folder, place = _real(config.run), image_folder(config.dataset.source.images)
    images = None if place is None else _real(place)
    home = Path.home().resolve()
    if folder == Path(folder.anchor):
        return f"{folder} is the root of the file system"
    if home == folder or folder in home.parents:
        return f"{folder} is a home folder, or holds it"
    if images is not None and (folder == images or images in folder.parents):
        return f"{folder} is the data set's folder of images, or lies in it"
    if images is None and any(folder == _real(path) for path in folders_of_files(config.dataset.source.images)):
        return f"{folder} holds the data set's archives"
    if _holds_tables(config, folder):
        return f"{folder} holds the data set's tables"
    marks = [name for name in _PROJECT if (folder / name).exists()]
    if marks or folder in Path(__file__).resolve().parents:
        return f"{folder} is a project's folder" + (f": it holds {marks[0]}" if marks else "")
    return ""


def _holds_tables(config: Config, folder: Path) -> bool:
    return any(_real(table).parent == folder for table in config.dataset.source.tables)


def _real(path: Path) -> Path:
    """Where links lead, without an error at a circle of them, which `Path.resolve` makes one of in some versions of Python."""
    return Path(os.path.realpath(path))
