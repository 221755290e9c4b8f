"""Croissant metadata (MLCommons, version 1.0) of an exported folder: what loaders and dataset search engines read.

`photos.csv` lists the photos with split, label and SHA-256; `croissant.json` describes that table and the photos themselves.
"""

from __future__ import annotations

import hashlib
import json
import mimetypes
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysieve.ground.atomic_files import write_text
from tinysieve.ground.csv_text import csv_lines

METADATA, TABLE = "croissant.json", "photos.csv"
COLUMNS = {"file": "path in this folder", "split": "train, val or test", "label": "class", "sha256": "of the file"}
# As the reference implementation writes it.
_CROISSANT_WORDS = (
    "column", "extract", "field", "fileProperty", "fileObject", "fileSet", "format", "includes", "isLiveDataset", "jsonPath",
    "key", "md5", "parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform", "citeAs", "equivalentProperty")
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/", "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo", "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{word: f"cr:{word}" for word in _CROISSANT_WORDS}}


@dataclass(frozen=True)
class About:
    """What only a person knows of a data set, and which labels it holds.

    Args:
        name: of the data set.
        licence: an identifier such as cc-by-4.0, or "unknown".
        terms: under which the photos stand, in words.
        version: id of the labels.
    """

    name: str
    licence: str
    terms: str
    version: str


def write_croissant(folder: Path, about: About) -> Path:
    """Write `photos.csv` and `croissant.json` into an exported folder; the same tree gives the same bytes.

    Returns:
        the metadata file.
    """
    table = csv_lines([tuple(COLUMNS), *_photos(folder)])
    write_text(folder / TABLE, table)
    metadata = metadata_of(about, hashlib.sha256(table.encode()).hexdigest(), folder)
    write_text(folder / METADATA, json.dumps(metadata, indent=1, ensure_ascii=False) + "\n")
    return folder / METADATA


def metadata_of(about: About, table_sha256: str, folder: Path) -> dict[str, Any]:
    """The JSON-LD of a folder whose table has this hash."""
    licence = {} if about.licence == "unknown" else {"license": about.licence}
    description = f"Photos and labels, version {about.version} of the labels. {about.terms}".strip()
    table = {"@type": "cr:FileObject", "@id": TABLE, "name": TABLE, "contentUrl": TABLE, "encodingFormat": "text/csv",
             "sha256": table_sha256}
    splits = sorted(place.name for place in folder.iterdir() if place.is_dir())
    photos = {"@type": "cr:FileSet", "@id": "photo-files", "name": "photo-files", "encodingFormat": _formats(folder),
              "includes": [f"{split}/*/*" for split in splits]}
    return {"@context": CONTEXT, "@type": "sc:Dataset", "name": about.name, "description": description,
            "conformsTo": "http://mlcommons.org/croissant/1.0", "version": "1.0.0", **licence,
            "distribution": [table, photos], "recordSet": [_labels(), _images()]}


def _photos(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    for path in sorted(folder.glob("*/*/*")):
        name = path.relative_to(folder)
        yield name.as_posix(), name.parts[0], name.parts[1], hashlib.sha256(path.read_bytes()).hexdigest()


def _formats(folder: Path) -> list[str]:
    """Media types of the photos, by their names' ends."""
    kinds = (mimetypes.guess_type(f"photo{path.suffix.lower()}")[0] for path in folder.glob("*/*/*"))
    return sorted({kind for kind in kinds if kind is not None}) or ["image/jpeg"]


def _labels() -> dict[str, Any]:
    fields = [_field("labels", name, words, "sc:Text", {"fileObject": {"@id": TABLE}, "extract": {"column": name}})
              for name, words in COLUMNS.items()]
    return {"@type": "cr:RecordSet", "@id": "labels", "name": "labels", "description": "a row a photo", "field": fields}


def _images() -> dict[str, Any]:
    source = {"fileSet": {"@id": "photo-files"}}
    fields = [_field("images", "image", "the photo", "sc:ImageObject", {**source, "extract": {"fileProperty": "content"}}),
              _field("images", "file", "its path", "sc:Text", {**source, "extract": {"fileProperty": "fullpath"}})]
    return {"@type": "cr:RecordSet", "@id": "images", "name": "images", "description": "the photos", "field": fields}


def _field(record: str, name: str, words: str, kind: str, source: dict[str, Any]) -> dict[str, Any]:
    return {"@type": "cr:Field", "@id": f"{record}/{name}", "name": name, "description": words, "dataType": kind,
            "source": source}
