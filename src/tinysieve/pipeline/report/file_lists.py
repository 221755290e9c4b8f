"""Files that became no sample, with the reason of each: what ingest set aside."""

from __future__ import annotations

from dataclasses import dataclass

from tinysieve.pipeline.engine.stages import Run
from tinysieve.pipeline.stages.ingest import LEAKS, QUARANTINE, SKIPPED

LISTED = 20
_TITLES = ((QUARANTINE, "In quarantine: could not be decoded"), (SKIPPED, "Rows skipped: no such file, or unusable"),
           (LEAKS, "Removed: same bytes as a held-out image"))


@dataclass(frozen=True)
class FileList:
    """Files with what is to be said of them; `total` counts those that are not shown too."""

    title: str
    total: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def file_lists(run: Run) -> tuple[FileList, ...]:
    """The lists of a run, the first LISTED files of each."""
    lists = []
    for artifact, title in _TITLES:
        table = artifact.of(run)
        rows = (tuple(str(value or "") for value in row.values()) for row in table.slice(0, LISTED).to_pylist())
        columns = tuple(name.replace("_", " ") for name in table.column_names)
        lists.append(FileList(title, table.num_rows, columns, tuple(rows)))
    return tuple(lists)
