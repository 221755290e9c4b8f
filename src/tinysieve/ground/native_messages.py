"""What C code writes on standard error, as a string: TFLM gives its sizes and its reasons only there."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Messages:
    """Text written so far; complete once the ``with`` block has ended."""

    text: str = ""


@contextmanager
def captured_messages() -> Iterator[Messages]:
    """File descriptor 2 of the whole process goes into ``Messages.text``; not for use from two threads at once."""
    messages = Messages()
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        try:
            os.dup2(sink.fileno(), 2)
            yield messages
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            sink.seek(0)
            messages.text = sink.read().decode(errors="replace")
