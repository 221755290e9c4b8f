"""Which photo a task of Label Studio shows: by the id that our own export writes, or by the name of the file.

Projects that were not made by us know paths, addresses and uploads: Label Studio puts eight hex digits before an upload's name.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from tinysieve.dataset.samples import SampleTable
from tinysieve.ground.errors import InputError

_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
_FIX = "take the task out, or give the tasks data.sample_id, as 'tinysieve review export --label-studio' writes it"


def sample_ids_of(tasks: Sequence[Mapping[str, Any]], samples: SampleTable, where: str) -> list[str]:
    """The sample id of each task's photo.

    Args:
        tasks: with `data`, a mapping.
        samples: of which the ids and paths are known.
        where: the file, for errors.

    Raises:
        InputError: a task names no photo of the sample table, or its name could be that of several; with the task.
    """
    given = [[text for text in _strings(task.get("data")) if text] for task in tasks]
    flat = pa.array([text for texts in given for text in texts], pa.string())
    known = dict(zip(flat.to_pylist(), samples.rows_of(flat).tolist(), strict=True)) if len(flat) else {}
    by_name: dict[str, list[list[str]]] | None = None
    ids = []
    for number, (task, texts) in enumerate(zip(tasks, given, strict=True)):
        place = f"{where}: task {task.get('id', number)}"
        own = _own_id(task)
        mine = [own] if own else [text for text in texts if known[text] >= 0][:1]
        if not mine:
            by_name = _paths_by_name(samples) if by_name is None else by_name
            mine = _named([*texts, *_strings({"file": task.get("file_upload")})], by_name, place)
        ids += mine
    return ids


def file_names(text: str) -> tuple[str, ...]:
    """The paths that a text may mean: as it stands, and without what an upload puts before the name.

    >>> file_names("/data/local-files/?d=photos/a%20b.jpg"), file_names("/data/upload/3/1a2b3c4d-x.jpg")
    (('photos/a b.jpg',), ('data/upload/3/1a2b3c4d-x.jpg', 'data/upload/3/x.jpg'))
    """
    parts = urlsplit(text.replace("\\", "/")) if "://" in text or "?d=" in text else None
    asked = parse_qs(parts.query).get("d") if parts else None
    path = asked[0] if asked else unquote(parts.path) if parts else unquote(text.replace("\\", "/"))
    path = unicodedata.normalize("NFC", path).strip("/ ")
    folder, slash, name = path.rpartition("/")
    bare = _UPLOADED.sub("", name)
    return (path,) if bare == name else (path, f"{folder}{slash}{bare}")


def _own_id(task: Mapping[str, Any]) -> str:
    data = task.get("data")
    sample_id = data.get("sample_id") if isinstance(data, dict) else None
    return sample_id if isinstance(sample_id, str) else ""


def _strings(data: Any) -> list[str]:
    return [value for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []


def _paths_by_name(samples: SampleTable) -> dict[str, list[list[str]]]:
    """Last part of a path in lower case -> [id, path] of each sample whose file is called so."""
    table = samples.table
    by_name: dict[str, list[list[str]]] = {}
    for sample_id, path in zip(table["sample_id"].to_pylist(), pc.utf8_normalize(table["filepath"], form="NFC").to_pylist(),
                               strict=True):
        by_name.setdefault(path.rpartition("/")[2].lower(), []).append([sample_id, path])
    return by_name


def _named(texts: Sequence[str], by_name: Mapping[str, list[list[str]]], place: str) -> list[str]:
    for way in (0, -1):
        names = [file_names(text)[way] for text in texts]
        ids = {sample_id for name in names for sample_id in _closest(name, by_name.get(name.rpartition("/")[2].lower(), []))}
        if len(ids) > 1:
            raise InputError(f"the task could show {len(ids)} photos: {', '.join(map(repr, names))[:200]}", where=place,
                             why="nothing was applied", fix=_FIX)
        if ids:
            return list(ids)
    shown = f": {texts[0][:200]!r}" if texts else ""
    raise InputError(f"the task shows no photo of this run{shown}", where=place, why="nothing was applied", fix=_FIX)


def _closest(name: str, candidates: Sequence[Sequence[str]]) -> list[str]:
    """Ids of those that share most parts of the path, from its end; in another case only where no file fits as written."""
    written = [pair for pair in candidates if pair[1].rpartition("/")[2] == name.rpartition("/")[2]] or candidates
    shared = [_shared_parts(name, path) for _, path in written]
    return [sample_id for (sample_id, _), parts in zip(written, shared, strict=True) if parts == max(shared)]


def _shared_parts(first: str, second: str) -> int:
    count = 0
    for left, right in zip(reversed(first.split("/")), reversed(second.split("/")), strict=False):
        if left.lower() != right.lower():
            break
        count += 1
    return count
