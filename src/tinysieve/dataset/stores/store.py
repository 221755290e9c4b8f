"""The image store: what every stage reads images from, wherever they lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from tinysieve.dataset.sources.stored_images import StoredImages
from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.ground.settings import Bytes, FilePath


class DamagedFile(InputError):
    """An archive or shard that ends early, or is not what its format demands."""


class Unreachable(MissingRequirement):
    """An address that does not answer, however often it is asked; nothing is said of the images behind it."""


@dataclass(frozen=True)
class StoreSettings:
    """How archives, shards and addresses are read.

    Args:
        cache: folder for indexes and for blocks of remote files; None is `store` in the run folder.
        cache_size: bytes of remote files kept there.
        retries: how often a request that failed is sent again.
        image_column: column of the images where a file does not say it.
        name_column: column of their names; None is `filename`, `file_name` or `filepath`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    cache: FilePath | None = None
    cache_size: Bytes = 2 * 1024**3
    retries: Annotated[int, Field(ge=0, le=100)] = 4
    image_column: str | None = None
    name_column: str | None = None


AS_A_RULE = StoreSettings()


class ImageStore(ABC):
    """Bytes of images by name."""

    where: str
    """For errors."""
    opened_by: Callable[[], ImageStore] | None = None
    """Opens it anew: what travels to another process, in the place of open files."""

    def __reduce__(self) -> str | tuple[Any, ...]:
        return super().__reduce__() if self.opened_by is None else (self.opened_by, ())

    @abstractmethod
    def scan(self) -> StoredImages:
        """What it holds.

        Raises:
            InputError: it is not there, or is not what its format demands.
            MissingRequirement: a package is missing, or an address does not answer.
        """

    @abstractmethod
    def read(self, name: str) -> bytes:
        """The bytes of one image; may be called from several threads.

        Raises:
            UndecodableImage: there is no such image, or it is too large, or damaged where it lies.
            OSError: it cannot be read.
            DamagedFile, Unreachable: it is no matter of this image alone.
        """

    @abstractmethod
    def fingerprint(self) -> bytes:
        """Changes whenever the images may have changed; costs no look into them."""

    def place(self, name: str) -> str:
        """Where an image lies, for errors."""
        return f"{self.where}: {name}"

    def reading_order(self, names: pa.Array) -> NDArray[np.int64]:
        """int64 [N]: the order in which these images are read at the least cost."""
        return np.arange(len(names))

    def shards(self, names: pa.Array) -> NDArray[np.int32]:
        """int32 [N]: number of the file that holds each image; a folder counts as one file."""
        return np.zeros(len(names), np.int32)

    def shard(self, number: int) -> ImageStore:
        """What one of these files holds, without a look at the others."""
        return self

    def local_path(self, name: str) -> Path | None:
        """The image's own file on this machine; None where it has none."""
        return None
