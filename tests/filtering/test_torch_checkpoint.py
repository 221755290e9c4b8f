"""The restricted reader gives what torch gives, and executes nothing."""

from __future__ import annotations

import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinysieve.filtering.evidence.backbones.torch_checkpoint import LEGACY_MAGIC, read_tensors
from tinysieve.ground.errors import InputError


@pytest.mark.parametrize("zipped", [True, False])
def test_reads_what_torch_writes_in_both_formats(tmp_path: Path, zipped: bool) -> None:
    torch = pytest.importorskip("torch")
    whole = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    state = OrderedDict(
        plain=whole, strided=whole.permute(2, 0, 1), part_of_storage=whole[1], half=whole.half(),
        scalar=torch.tensor(7), empty=torch.zeros(0, 3), bytes=torch.tensor([0, 255], dtype=torch.uint8),
    )  # fmt: skip
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    read = read_tensors(tmp_path / "w.pth")
    assert list(read) == list(state)
    for name, expected in state.items():
        assert read[name].dtype == expected.numpy().dtype
        np.testing.assert_array_equal(read[name], expected.numpy())


class Hostile:
    """Runs a command when a plain unpickler meets it."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


def legacy(path: Path, state: bytes, keys: list[str], storages: bytes) -> Path:
    head = b"".join(pickle.dumps(one, protocol=2) for one in (LEGACY_MAGIC, 1001, {}))
    path.write_bytes(head + state + pickle.dumps(keys, protocol=2) + storages)
    return path


def handwritten(shape: str, stride: str) -> bytes:
    """A pickle in its text form: {'w': _rebuild_tensor_v2(storage of 4 floats, 0, shape, stride)}."""
    storage = "(S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\nNtQ"
    return f"(S'w'\nctorch._utils\n_rebuild_tensor_v2\n({storage}I0\n{shape}{stride}tRd.".encode()


FOUR = struct.pack("<q4f", 4, 1, 2, 3, 4)


def test_a_handwritten_file_is_read(tmp_path: Path) -> None:
    path = legacy(tmp_path / "w.pth", handwritten("(I2\nI2\nt", "(I1\nI2\nt"), ["0"], FOUR)
    np.testing.assert_array_equal(read_tensors(path)["w"], [[1, 3], [2, 4]])


@pytest.mark.parametrize(
    ("shape", "stride"),
    [("(I5\nt", "(I1\nt"), ("(I1000000\nt", "(I0\nt"), ("(I2\nt", "(I-1\nt"), ("(I-2\nt", "(I1\nt"), ("(I2\nt", "(t")],
    ids=["too long", "zero stride", "negative stride", "negative size", "no stride"],
)
def test_a_tensor_outside_of_its_storage_is_refused(tmp_path: Path, shape: str, stride: str) -> None:
    path = legacy(tmp_path / "w.pth", handwritten(shape, stride), ["0"], FOUR)
    with pytest.raises(InputError, match="not a plain state dict"):
        read_tensors(path)


def test_hostile_files_execute_nothing(tmp_path: Path) -> None:
    command = f"touch {tmp_path / 'executed'}"
    first = tmp_path / "first.pth"
    first.write_bytes(pickle.dumps(Hostile(command)))
    later = legacy(tmp_path / "later.pth", pickle.dumps({"w": Hostile(command)}, protocol=2), [], b"")
    for path in (first, later):
        with pytest.raises(InputError, match="system has no place in a state dict"):
            read_tensors(path)
    assert not (tmp_path / "executed").exists()


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    whole = legacy(tmp_path / "w.pth", handwritten("(I4\nt", "(I1\nt"), ["0"], FOUR).read_bytes()
    not_tensors = b"".join(pickle.dumps(one, protocol=2) for one in (LEGACY_MAGIC, 1001, {}, {"w": 1}, []))
    broken = [b"", b"PK\x03\x04", b"text", not_tensors, *(whole[:n] for n in range(1, len(whole), 7))]
    for number, data in enumerate(broken):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(data)
        with pytest.raises(InputError):
            read_tensors(path)
    with pytest.raises(InputError, match="no such checkpoint"):
        read_tensors(tmp_path / "absent.pth")
