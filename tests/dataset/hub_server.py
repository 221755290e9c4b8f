"""A small server that answers as the Hugging Face hub does for one public data set: information, trees, and files by range."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from tests.loopback import Answering, serving_as

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class _Hub(Answering):
    protocol_version = "HTTP/1.1"
    root: ClassVar[Path]
    name: ClassVar[str]

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fields = json.loads(body) if body.startswith("{") else {"paths": re.findall(r"paths=([^&]*)", body)}
        named = [self.root / unquote(path.replace("+", " ")) for path in fields["paths"]]
        self._json([self._entry(path) for path in named if path.exists()])

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        api, files = f"/api/datasets/{self.name}", f"/datasets/{self.name}/resolve/"
        if path.startswith(f"{api}/tree/"):
            folder = self.root / path.removeprefix(f"{api}/tree/").partition("/")[2]
            inside = folder.rglob("*") if "recursive=true" in self.path.lower() else folder.glob("*")
            entries = sorted(inside) if folder.is_dir() else None
            self._missing("EntryNotFound") if entries is None else self._json([self._entry(entry) for entry in entries])
        elif path == api or path.startswith(f"{api}/revision/"):
            self._json({"id": self.name, "sha": COMMIT, "private": False, "siblings": [], "tags": [], "downloads": 0, "likes": 0})
        elif path.startswith(files):
            self._file(self.root / path.removeprefix(files).partition("/")[2])
        else:
            self._missing("RepoNotFound")

    def _entry(self, path: Path) -> dict[str, Any]:
        name = path.relative_to(self.root).as_posix()
        if path.is_dir():
            return {"type": "directory", "oid": COMMIT, "size": 0, "path": name}
        return {"type": "file", "oid": hashlib.sha1(path.read_bytes()).hexdigest(), "size": path.stat().st_size, "path": name}

    def _file(self, path: Path) -> None:
        if not path.is_file():
            self._missing("EntryNotFound")
            return
        data, part = path.read_bytes(), re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        start, end = (int(part[1]), int(part[2] or len(data) - 1) + 1) if part else (0, len(data))
        self.send(206 if part else 200, data[start:end], {
            "Content-Range": f"bytes {start}-{min(end, len(data)) - 1}/{len(data)}",
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
            "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"})

    def _json(self, value: object) -> None:
        self.send(200, json.dumps(value).encode(), {"Content-Type": "application/json", "X-Repo-Commit": COMMIT})

    def _missing(self, code: str) -> None:
        self.send(404, b"{}", {"X-Error-Code": code, "X-Error-Message": "not here"})


@contextmanager
def serving_hub(root: Path, name: str) -> Iterator[str]:
    """Answers for `hf://datasets/NAME`, whose files lie below `root`; gives its address."""
    with serving_as(_Hub, root=root, name=name) as address:
        yield address
