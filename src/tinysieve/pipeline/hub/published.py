"""What of a run is published: a folder whose README is the card, with the hashes of everything else beside it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.errors import InputError
from tinysieve.pipeline.engine.stages import Run, Stage, plan
from tinysieve.pipeline.hub.repository import Repository
from tinysieve.pipeline.report.report_stage import DATASET_CARD_TEXT, MODEL_CARD_TEXT
from tinysieve.pipeline.stages.label_file import write_labels
from tinysieve.pipeline.stages.quantize import INT8_MODEL
from tinysieve.pipeline.stages.train import MENDED
from tinysieve.pipeline.stages.verify import VERDICT

README, SUMS, MODEL, LABELS = "README.md", "SHA256SUMS", "model.tflite", "labels.csv"
Publish = Callable[[Run, Sequence[Stage], Path], None]
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def publish_model(run: Run, stages: Sequence[Stage], folder: Path) -> None:
    """The int8 model of the corrected labels, its card and what was measured of it, into an empty folder.

    Args:
        run: what is published.
        stages: of the run, up to the report.
        folder: empty.

    Raises:
        InputError: a stage up to the report is not up to date: card and model may speak of different files.
    """
    _require_report(run, stages)
    write_text(folder / README, MODEL_CARD_TEXT.of(run))
    (folder / MODEL).write_bytes(INT8_MODEL[MENDED].of(run))
    VERDICT.of(run)
    (folder / VERDICT.file).write_bytes(VERDICT.path(run).read_bytes())
    _write_sums(folder)


def publish_labels(run: Run, stages: Sequence[Stage], folder: Path) -> None:
    """The corrected labels and their card, without the photos, into an empty folder; raises as `publish_model`."""
    _require_report(run, stages)
    write_text(folder / README, DATASET_CARD_TEXT.of(run))
    write_labels(run, "HEAD", folder / LABELS)
    _write_sums(folder)


PUBLISH: dict[str, Publish] = {"model": publish_model, "dataset": publish_labels}


@dataclass(frozen=True)
class Brought:
    """What came from a repository.

    Args:
        commit: its hash.
        files: how many came; `compared` of them were held against the repository's SHA256SUMS.
    """

    commit: str
    files: int
    compared: int


def bring(repository: Repository, folder: Path, revision: str | None) -> Brought:
    """Bring a repository into a new folder, which is there once every file has come and been compared.

    Raises:
        InputError: the folder is there, the hub refuses, or a file is not the published one.
        MissingRequirement: huggingface_hub is not installed, or the hub does not answer.
    """
    if folder.exists():
        raise InputError("the folder is there already", where=str(folder), why="nothing is overwritten", fix="name a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        arriving = Path(scratch, folder.name)
        commit = repository.pull(arriving, revision)
        shutil.rmtree(arriving / ".cache", ignore_errors=True)
        files, compared = sum(path.is_file() for path in arriving.rglob("*")), check_sums(arriving)
        arriving.rename(folder)
    return Brought(commit, files, compared)


def check_sums(folder: Path) -> int:
    """Compare the files of a folder with its SHA256SUMS, as `sha256sum -c` does.

    Returns:
        How many files were compared; 0 where the folder holds no sums.

    Raises:
        InputError: a file is missing, is another one, or is named outside the folder.
    """
    path = folder / SUMS
    if not path.exists():
        return 0
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines:
        match = _LINE.fullmatch(line)
        name = match[2] if match else ""
        file = folder / name
        if not match or not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            raise InputError(f"{line[:100]!r} names no file of the folder", where=str(path), fix="do not use these files")
        if _sha256(file) != match[1]:
            raise InputError(f"{name} is not the file that was published", where=str(path),
                             why="its SHA-256 is another one", fix="do not use it; ask who changed the repository")
    return len(lines)


def _require_report(run: Run, stages: Sequence[Stage]) -> None:
    for status in plan(run, stages):
        if status.runs:
            raise InputError(f"stage '{status.stage}' is not up to date", where=str(run.folder),
                             why=f"the card would speak of other files ({'; '.join(status.reasons)})",
                             fix="run 'tinysieve report' with the same configuration first")


def _write_sums(folder: Path) -> None:
    names = sorted(path.name for path in folder.iterdir())
    write_text(folder / SUMS, "".join(f"{_sha256(folder / name)}  {name}\n" for name in names))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
