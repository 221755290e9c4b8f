"""The FiftyOne App on loopback, until Ctrl-C."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tinysieve.ground.errors import InputError
from tinysieve.pipeline.explore.patience import patiently

ADDRESS = "127.0.0.1"


def show_app(fiftyone: Any, dataset: Any, port: int, ready: Callable[[str], None]) -> None:
    """Serve the App on this machine only.

    Args:
        ready: called with the App's address once it answers.

    Raises:
        InputError: the port is taken.
        MissingRequirement: the App does not start, however often it is tried.
    """
    refuse_taken(port)
    session = patiently(lambda: fiftyone.launch_app(dataset, remote=True, address=ADDRESS, port=port), "the App",
                        f"http://{ADDRESS}:{port}", "try again when the machine is less busy; without it: tinysieve review")
    ready(f"http://{ADDRESS}:{port}/datasets/{dataset.slug}")
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    session.close()


def refuse_taken(port: int) -> None:
    """FiftyOne would join whatever App answers there, with another dataset.

    Raises:
        InputError: something listens on the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise InputError(f"port {port} is taken", fix="give another: --port 5152") from error
