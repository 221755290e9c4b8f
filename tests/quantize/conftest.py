"""A small int8 file made once a session from a Keras network."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from quantize_models import SIZE, small_network


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (60, SIZE, SIZE, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def network():
    return small_network()


@pytest.fixture(scope="session")
def small_int8(network, pixels) -> bytes:
    from tinysieve.quantize.convert import convert_int8

    return convert_int8(network, pixels[:20], "int8")


@pytest.fixture(scope="session")
def small_uint8(network, pixels) -> bytes:
    from tinysieve.quantize.convert import convert_int8

    return convert_int8(network, pixels[:20], "uint8")
