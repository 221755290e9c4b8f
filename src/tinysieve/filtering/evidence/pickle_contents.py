"""What a pickle would call, learnt by unpickling it into objects that do nothing.

Every name that the pickle asks for is compared with a list before anything is looked up, and what it then builds are empty
shells. Nothing of the file runs, and no trick of its opcodes can hide a name, because the names come from the unpickler itself.
"""

from __future__ import annotations

import pickle
import re
from typing import IO, Any

# A checkpoint before 2020 is five pickles one after the other.
_MOST_PICKLES = 5
_CLASSES = re.compile(r"(torch\.nn\.(modules\.\w+|parameter)"
                      r"|ultralytics\.(nn\.(tasks|modules\.\w+|modules)|utils|utils\.loss|utils\.tal)"
                      r"|torchvision\.transforms\.(transforms|functional))\.[A-Z]\w*")
_BUILT_IN = ("set", "frozenset", "list", "dict", "tuple", "int", "float", "bool", "complex", "slice", "bytes", "bytearray", "str",
             "range")
_NAMES = frozenset({
    "collections.OrderedDict", "collections.defaultdict", "argparse.Namespace", "types.SimpleNamespace",
    "datetime.datetime", "datetime.date", "datetime.timedelta", "datetime.timezone",
    "pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib.PurePosixPath",
    "torch.Size", "torch.device", "torch.dtype", "torch.Tensor", "torch.serialization._get_layout", "_codecs.encode",
    *(f"{module}.{name}" for module in ("builtins", "__builtin__") for name in _BUILT_IN),
    *(f"numpy.{part}{name}" for part in ("core.multiarray.", "_core.multiarray.") for name in ("scalar", "_reconstruct")),
    "numpy.ndarray", "numpy.dtype",
    *(f"torch._utils._rebuild_{name}" for name in
      ("tensor", "tensor_v2", "parameter", "parameter_with_state", "qtensor",
       "device_tensor_from_numpy")),
})
_STORAGE = re.compile(r"torch\.(\w+Storage|(storage\.)?(Typed|Untyped)Storage|(float|int|uint|bfloat|complex)\d+|bool|half|double"
                      r"|long)")


class _Shell:
    """Takes whatever a pickle does to an object, and does nothing."""

    def __new__(cls, *arguments: Any, **named: Any) -> _Shell:
        return super().__new__(cls)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        pass

    def __call__(self, *arguments: Any, **named: Any) -> _Shell:
        return self

    def __setstate__(self, state: Any) -> None:
        pass

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """As a list would."""

    def extend(self, values: Any) -> None:
        """As a list would."""

    def add(self, value: Any) -> None:
        """As a set would."""

    def __hash__(self) -> int:
        return id(self)


class _Unlisted(Exception):
    """A name that is on no list."""


class _DryUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """An empty shell for a listed name."""
        full = f"{module}.{name}"
        if full in _NAMES or _CLASSES.fullmatch(full) or _STORAGE.fullmatch(full):
            return type("Shell", (_Shell,), {})
        raise _Unlisted(full)

    def persistent_load(self, pid: Any) -> Any:
        """Storages are bytes beside the pickle; an old checkpoint puts its classes there too, already as shells."""
        is_class = isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "module"
        return pid[1] if is_class else _Shell()


def pickle_objection(stream: IO[bytes]) -> str:
    """Why a pickle, or a checkpoint of several, could run code; "" where it asks for listed classes only."""
    for number in range(_MOST_PICKLES):
        try:
            _DryUnpickler(stream).load()
        except _Unlisted as unlisted:
            return f"it asks for '{unlisted}'"[:120]
        except EOFError:
            return "" if number else "it is empty"
        # A malformed pickle can raise nearly anything.
        except Exception as error:
            return f"it is no pickle that can be looked at: {error}"[:200]
    return ""
