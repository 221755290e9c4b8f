"""Read the tensors of a torch checkpoint without torch, and without trusting the file.

A checkpoint is a pickle, and a pickle is a program. Only what a plain state dict is made of is allowed here (an ordered
dict, tensors over typed storages); anything else is refused before it runs. So the core install needs no torch, and a file
from a stranger cannot execute code.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tinysieve.ground.errors import InputError

# Values are strings, not types: a pickle could call a type or change its state, but can do nothing to a string.
STORAGE_DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "|i1", "ByteStorage": "|u1",
}  # fmt: skip
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
Storages = Callable[["_Storage"], bytes]


@dataclass(frozen=True)
class _Storage:
    """A run of numbers of one type, named by the pickle, stored outside of it."""

    dtype: str
    key: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """A strided view of a storage (all in values); becomes an array once the storage's bytes are at hand."""

    storage: _Storage
    start: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def read(self, data: bytes) -> NDArray[Any]:
        """A copy of the view, from the bytes of its storage."""
        values = np.frombuffer(data, self.storage.dtype, count=self.storage.count)[self.start :]
        strides = [step * values.itemsize for step in self.stride]
        return np.array(np.lib.stride_tricks.as_strided(values, self.shape, strides), order="C")


class _StateDictUnpickler(pickle.Unpickler):
    """An unpickler that knows three names and refuses all others."""

    def find_class(self, module: str, name: str) -> Any:
        """What a name in the pickle stands for; refuses all but a state dict's own."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            # A new function each time: whatever a hostile pickle does to it stays in this one load.
            return lambda *arguments: _tensor(*arguments)
        if module == "torch" and name in STORAGE_DTYPES:
            return STORAGE_DTYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} has no place in a state dict")

    def persistent_load(self, pid: Any) -> _Storage:
        """A storage, still without its bytes."""
        kind, dtype, key, _location, count = pid[:5]
        if kind != "storage" or dtype not in STORAGE_DTYPES.values() or count < 0 or any(pid[5:]):
            raise pickle.UnpicklingError(f"{pid!r} is not a plain storage")
        return _Storage(dtype, str(key), int(count))


def _tensor(storage: _Storage, start: int, shape: tuple[int, ...], stride: tuple[int, ...], *_rest: Any) -> _Tensor:
    if start < 0 or any(size < 0 for size in shape) or any(step < 0 for step in stride):
        raise pickle.UnpicklingError(f"tensor of shape {shape} with strides {stride} from {start} is not a view")
    last = start + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
    # The second test refuses zero strides that would blow a small storage up to any size.
    if math.prod(shape) and (last >= storage.count or math.prod(shape) > storage.count):
        raise pickle.UnpicklingError(f"tensor of shape {shape} does not fit its storage of {storage.count} values")
    return _Tensor(storage, start, tuple(shape), tuple(stride))


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """Read a state dict saved by `torch.save`, in the zip format or the one before 2020.

    Args:
        path: the checkpoint.

    Returns:
        name -> array, in the file's order.

    Raises:
        InputError: no such file, not a checkpoint, cut short, or anything but tensors in it.
    """
    if not path.is_file():
        raise InputError("no such checkpoint", where=str(path), fix="give the path of a file saved by torch.save")
    try:
        return _read_zip(path) if zipfile.is_zipfile(path) else _read_legacy(path)
    # A malformed pickle can raise nearly anything; to the caller each means the same.
    except Exception as error:
        raise InputError(
            f"not a plain state dict: {error or type(error).__name__}",
            where=str(path),
            why="a checkpoint is a program; only tensors by name are read, nothing in it is executed",
            fix="save model.state_dict() with torch.save, or download the file again if it was cut short",
        ) from error


def _read_zip(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = names[0].removesuffix("data.pkl")
        state = _StateDictUnpickler(io.BytesIO(archive.read(names[0]))).load()
        return _resolve(state, lambda storage: archive.read(f"{root}data/{storage.key}"))


def _read_legacy(path: Path) -> dict[str, NDArray[Any]]:
    size = path.stat().st_size
    with path.open("rb") as stream:
        if _StateDictUnpickler(stream).load() != LEGACY_MAGIC:
            raise pickle.UnpicklingError("wrong magic number")
        _protocol, _system = (_StateDictUnpickler(stream).load() for _ in range(2))
        state = _StateDictUnpickler(stream).load()
        keys = _StateDictUnpickler(stream).load()
        storages = {tensor.storage.key: tensor.storage for tensor in _tensors(state).values()}
        stored = {key: _legacy_storage(stream, storages[key], size) for key in keys}
        return _resolve(state, lambda storage: stored[storage.key])


def _legacy_storage(stream: BinaryIO, storage: _Storage, limit: int) -> bytes:
    count = int.from_bytes(stream.read(8), "little")
    byte_count = count * np.dtype(storage.dtype).itemsize
    if count != storage.count or byte_count > limit:
        raise pickle.UnpicklingError(f"storage {storage.key} has {count} values, {storage.count} expected")
    return stream.read(byte_count)


def _tensors(state: Any) -> dict[str, _Tensor]:
    if not isinstance(state, dict) or not all(isinstance(value, _Tensor) for value in state.values()):
        raise pickle.UnpicklingError("the file holds something other than tensors by name")
    return state


def _resolve(state: Any, bytes_of: Storages) -> dict[str, NDArray[Any]]:
    return {str(name): tensor.read(bytes_of(tensor.storage)) for name, tensor in _tensors(state).items()}
