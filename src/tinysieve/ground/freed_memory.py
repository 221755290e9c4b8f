"""Freed memory that stays with the process, where the C library is glibc; elsewhere nothing changes.

glibc gives large blocks back to the kernel as soon as they are free, and keeps a heap a thread, which it gives back too. A
network takes the same blocks again in every step: each page is then made anew and filled with zeros. Settings: `mallopt(3)`.
"""

from __future__ import annotations

import ctypes
from functools import cache

# Numbers and meanings: glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
LARGEST_INT = 2**31 - 1
SETTINGS = ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST_INT))


@cache
def keep_freed_memory() -> bool:
    """From now on what is freed is kept for what comes next, in one heap; threads that have a heap of their own keep it.

    For processes that run networks: what they hold stays at its peak. Computes nothing otherwise.

    Returns:
        whether the C library does it.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    return set_option is not None and all(set_option(option, value) == 1 for option, value in SETTINGS)
