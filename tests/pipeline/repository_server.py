"""A hub on loopback that keeps repositories in memory: the calls that huggingface_hub makes to create, commit and fetch.

It asks for every file within the commit; the real hub takes large ones by its own transport, which huggingface_hub brings.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.loopback import Answering, serving_as

TOKEN = "hf_only_for_the_server_on_loopback"
Files = dict[str, bytes]


class Hub:
    """Repositories by kind and name ("models/owner/name") and whether they are private."""

    def __init__(self) -> None:
        self.files: dict[str, Files] = {}
        self.private: dict[str, bool] = {}
        self.calls: list[str] = []

    def commit_of(self, repository: str) -> str:
        """A hash of 40 digits of what a repository holds."""
        digest = hashlib.sha1(repository.encode())
        for name, data in sorted(self.files[repository].items()):
            digest.update(name.encode() + b"\0" + data)
        return digest.hexdigest()

    def take(self, repository: str, lines: list[dict[str, Any]]) -> None:
        """Carry out a commit."""
        for line in lines:
            if line["key"] == "file":
                self.files[repository][line["value"]["path"]] = base64.b64decode(line["value"]["content"])


class Answers(Answering):
    """One request."""

    hub: Hub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._json({"error": "Invalid username or password."}, 401)
        if self.path == "/api/validate-yaml":
            return self._json({"errors": [], "warnings": []})
        if self.path == "/api/repos/create":
            return self._create(json.loads(body))
        if match := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)/preupload/main", self.path):
            return self._sort(json.loads(body)["files"])
        if match := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)/commit/main", self.path):
            self.hub.take(match[1], [json.loads(line) for line in body.splitlines()])
            commit = self.hub.commit_of(match[1])
            return self._json({"success": True, "commitOid": commit, "commitUrl": f"{self._root()}/{match[1]}/commit/{commit}",
                               "hookOutput": ""})
        return self._json({"error": f"no {self.path}"}, 404)

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if match := re.fullmatch(r"/api/((?:models|datasets)/[^/]+/[^/]+)(?:/revision/([^/]+))?(/tree/.*)?", path):
            return self._about(match[1], match[3])
        if match := re.fullmatch(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self._file(f"{match[1] or 'models'}/{match[2]}", match[4])
        return self._json({"error": f"no {path}"}, 404)

    do_HEAD = do_GET

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked.get('type', 'model')}s/{asked.get('organization') or 'somebody'}/{asked['name']}"
        if name in self.hub.files:
            return self._json({"error": "You already created this repo", "url": f"{self._root()}/{name}"}, 409)
        self.hub.files[name] = {}
        self.hub.private[name] = asked.get("private", False) or asked.get("visibility") == "private"
        return self._json({"url": f"{self._root()}/{name.removeprefix('models/')}", "name": name, "id": "1"})

    def _sort(self, files: list[dict[str, Any]]) -> None:
        self._json({"files": [{"path": file["path"], "shouldIgnore": False, "uploadMode": "regular"} for file in files]})

    def _about(self, repository: str, tree: str | None) -> None:
        if repository not in self.hub.files:
            return self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        files = self.hub.files[repository]
        if tree:
            return self._json([{"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                               for name, data in files.items()])
        return self._json({"id": repository.split("/", 1)[1], "sha": self.hub.commit_of(repository), "private": True,
                           "siblings": [{"rfilename": name} for name in files], "tags": [], "downloads": 0, "likes": 0})

    def _file(self, repository: str, name: str) -> None:
        data = self.hub.files.get(repository, {}).get(name)
        if data is None:
            return self._json({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
        etag = f'"{hashlib.sha1(data).hexdigest()}"'
        return self._send(data, 200, {"X-Repo-Commit": self.hub.commit_of(repository), "ETag": etag})

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, data: bytes, status: int, headers: dict[str, str]) -> None:
        self.hub.calls.append(f"{self.command} {self.path} {status}")
        self.send(status, data, headers)

    def _root(self) -> str:
        return f"http://{self.headers['Host']}"


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """Address of the hub while it serves."""
    with serving_as(Answers, hub=hub) as address:
        yield address
