"""What freed memory costs a process that takes it again: faults on pages, which do not depend on how busy the machine is."""

from __future__ import annotations

import subprocess
import sys

import pytest

ROUNDS = 20
# Above what glibc takes from any heap by itself.
BLOCK = 100 * 2**20
CHILD = """
import resource, sys, threading
import numpy as np
from tinysieve.ground.freed_memory import keep_freed_memory

def faults(size, rounds):
    def work():
        for _ in range(rounds):
            np.ones(size, np.uint8)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=work)
    thread.start(), thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

kept = sys.argv[1] == "kept"
works = keep_freed_memory() if kept else True
faults(int(sys.argv[2]), 1)
print(works, faults(int(sys.argv[2]), int(sys.argv[3])))
"""


def faults(how: str) -> tuple[bool, int]:
    """Whether it was kept, and faults of `ROUNDS` blocks in a thread, after a first one."""
    command = [sys.executable, "-c", CHILD, how, str(BLOCK), str(ROUNDS)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    works, count = done.stdout.split()
    return works == "True", int(count)


def test_memory_that_was_freed_is_taken_again_without_a_fault() -> None:
    works, kept = faults("kept")
    if not works:
        pytest.skip("the C library is not glibc")
    _, given_back = faults("given back")
    assert kept < given_back / ROUNDS
