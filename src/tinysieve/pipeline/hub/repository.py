"""Send a folder to a repository of the Hugging Face hub, or bring one from there.

The address of the hub and the token come from the environment (HF_ENDPOINT, HF_TOKEN), never from a configuration.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement

KINDS = ("model", "dataset")


@dataclass(frozen=True)
class Repository:
    """One repository.

    Args:
        name: owner/name.
        kind: "model" or "dataset".
    """

    name: str
    kind: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"a repository of kind {self.kind!r}", fix=f"use one of: {', '.join(KINDS)}")

    def push(self, folder: Path, message: str, public: bool) -> str:
        """Send every file of a folder as one commit; make the repository where it is not there.

        Args:
            folder: without folders in it.
            message: of the commit.
            public: whether a new repository is one that everybody sees.

        Returns:
            Address of the commit.

        Raises:
            MissingRequirement: the package is not installed, or the hub does not answer.
            InputError: the hub refuses.
        """
        api = _api()
        with _errors_of(self):
            api.create_repo(self.name, repo_type=self.kind, private=not public, exist_ok=True)
            commit = api.upload_folder(repo_id=self.name, repo_type=self.kind, folder_path=folder, commit_message=message)
        return str(commit.commit_url)

    def pull(self, folder: Path, revision: str | None) -> str:
        """Bring all files of a commit into a folder; raises as `push`.

        Args:
            folder: a new one.
            revision: branch, tag or commit; None is the repository's own branch.

        Returns:
            The commit's hash.
        """
        api = _api()
        with _errors_of(self):
            commit = api.repo_info(self.name, repo_type=self.kind, revision=revision).sha
            # By the commit: a push in between must not mix two states.
            api.snapshot_download(self.name, repo_type=self.kind, revision=commit, local_dir=folder)
        return str(commit)


def _api() -> Any:
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise MissingRequirement("package huggingface_hub is not installed", why="the hub is reached through it",
                                 fix="pip install 'tinysieve[remote]'") from error
    # Given by name: huggingface_hub itself reads the variable once, when it is imported.
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="tinysieve")


@contextmanager
def _errors_of(repository: Repository) -> Iterator[None]:
    """Errors of the hub in our words."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    where = f"{repository.kind} {repository.name}"
    try:
        yield
    except HFValidationError as error:
        raise InputError(f"{repository.name!r} is no name of a repository", why=_first_line(error),
                         fix="write owner/name") from error
    except HfHubHTTPError as error:
        raise InputError(f"the hub refuses: {error.server_message or _first_line(error)}", where=where,
                         fix="check the name, and that HF_TOKEN holds a token that may do this") from error
    except Exception as error:
        if not _is_of_network(error):
            raise
        raise MissingRequirement(f"the hub does not answer: {_first_line(error)}", where=where,
                                 fix="check the network, or HF_ENDPOINT if you use another hub") from error


def _is_of_network(error: Exception) -> bool:
    """Of the connection, not of this machine's disk. Which package speaks HTTP differs with huggingface_hub's version."""
    packages = {base.__module__.split(".")[0] for base in type(error).__mro__}
    return isinstance(error, ConnectionError | TimeoutError) or bool(packages & {"requests", "httpx", "httpx2"})


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
