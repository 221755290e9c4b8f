"""Native libraries announce themselves on standard error while they load; nobody who runs a job needs to read that."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tinysieve.ground.native_messages import captured_messages

_GREETING = re.compile(r"WARNING: All log messages before absl::InitializeLog|I\d{4} \d\d:\d\d:|"
                       r"To enable the following instructions:|INFO: (Created|Initialized) TensorFlow Lite ")


@contextmanager
def quiet_imports() -> Iterator[None]:
    """Leave out what libraries say of themselves while they load inside; all else, warnings too, follows at the end."""
    messages = None
    try:
        with captured_messages() as messages:
            yield
    finally:
        sys.stderr.write("" if messages is None else without_banners(messages.text))
        sys.stderr.flush()


def without_banners(text: str) -> str:
    """The lines that are not a library's greeting.

    >>> without_banners("I0000 00:00:17.6     338 port.cc:153] oneDNN custom operations are on.\\nno such file\\n")
    'no such file\\n'
    """
    return "".join(line for line in text.splitlines(keepends=True) if not _GREETING.match(line))


def load_keras() -> None:
    """Import Keras and its backend without greetings; where it is not installed, whoever needs it says so."""
    if "keras" in sys.modules:
        return
    # Some lines are written before TensorFlow looks at its log level, so both are needed.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_imports():
        try:
            import keras  # noqa: F401
        except ImportError:
            return
