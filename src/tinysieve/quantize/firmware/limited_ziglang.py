"""``python -m ziglang`` in a bounded amount of memory; the compiler takes this process's place, so that a kill reaches it."""

from __future__ import annotations

import resource
import runpy

MEMORY_BYTES = 8 * 2**30

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    runpy.run_module("ziglang", run_name="__main__")
