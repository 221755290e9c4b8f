"""Where the real data for development lies, if it is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Processes that tests start import this checkout, whatever is installed.
SOURCE = Path(__file__).parents[1] / "src"
os.environ["PYTHONPATH"] = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])

# No property depends on how busy the machine is.
settings.register_profile("any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any_machine")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data: TINYSIEVE_SHARED, else ../shared; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("TINYSIEVE_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"needs the real data folder ({folder}); set TINYSIEVE_SHARED")
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest test first: beside it a second process gets through most of the others."""
    items.sort(key=lambda item: item.path.name != "test_kill.py")
