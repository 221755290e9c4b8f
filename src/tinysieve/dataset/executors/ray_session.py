"""One connection to a Ray cluster: the package, joining, leaving, starting anew. Needs the extra `scale`."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement

LOCAL = "local"
_COLLECTOR_ENDS_S = 30.0


def ray_package() -> Any:
    """Ray, with Ray Data, silent to its makers.

    Raises:
        MissingRequirement: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A thread that is left over must not start a cluster of its own.
    os.environ.setdefault("RAY_ENABLE_AUTO_CONNECT", "0")
    # On busy cores a node takes longer to start than Ray waits.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "240")
    try:
        # Ray asks fsspec for an HTTP file system from several threads; without this package they trip over each other.
        import aiohttp  # noqa: F401
        import ray
        import ray.data
    except ImportError as error:
        raise MissingRequirement(f"Ray Data is not installed: {error}", fix="pip install 'tinysieve[scale]'") from error
    return ray


def start_again(collector: threading.Thread) -> None:
    """Leave the cluster, which ends all workers of ours, and join it again; `collector` still reads from the old one."""
    ray = ray_package()
    address = ray.get_runtime_context().gcs_address
    ray.shutdown()
    # Whatever it asks of Ray next may connect by itself, and two connections at once are an error.
    collector.join(_COLLECTOR_ENDS_S)
    if ray.is_initialized():
        ray.shutdown()
    # A cluster of this process alone went with it, and Ray would look for it for minutes.
    join(address if _answers_at(address) else LOCAL)


def _answers_at(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError:
        return False
    return True


def join(address: str) -> None:
    """Connect this process; LOCAL starts a cluster of its own."""
    ray_package().init(address=address, log_to_driver=False, logging_level="error",
                       include_dashboard=False if address == LOCAL else None)


@contextmanager
def cluster(address: str) -> Iterator[None]:
    """Connected; a cluster that is there already is used and left as it is."""
    ray = ray_package()
    ours = not ray.is_initialized()
    if ours:
        try:
            join(address)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise InputError(f"no Ray cluster answers at {address}: {error}", where="executor.address",
                             fix="start one with 'ray start --head', or leave the address out for one on this machine") from error
    # Our own progress says how far the work is.
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        yield
    finally:
        if ours:
            ray.shutdown()
