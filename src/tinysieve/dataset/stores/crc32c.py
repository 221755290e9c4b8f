"""CRC-32C (Castagnoli), which TFRecord protects its records with, by numpy.

The checksum is linear over XOR: that of a block is the XOR of what each byte at its place contributes, looked up in a table, and
two neighbouring checksums join by shifting the left one over the bytes of the right one. Reflected polynomial 0x82F63B78.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL, _LANE = 0x82F63B78, 64
_Words = NDArray[np.uint32]


def crc32c(data: bytes) -> int:
    """Checksum of some bytes.

    >>> hex(crc32c(b"123456789"))
    '0xe3069283'
    """
    head = len(data) % _LANE
    # A start value of all ones is the same as inverting the first four bytes of what is preceded by zeros.
    crc = 0xFFFFFFFF
    for byte in data[:head]:
        crc = crc >> 8 ^ int(_bytes_table()[(crc ^ byte) & 0xFF])
    if head < len(data):
        lanes = np.frombuffer(data, np.uint8, offset=head).reshape(-1, _LANE)
        crc = _over(crc, len(data) - head) ^ int(_joined(_lane_crcs(lanes)))
    return crc ^ 0xFFFFFFFF


def _lane_crcs(lanes: NDArray[np.uint8]) -> _Words:
    """uint32 [n] of uint8 [n, 64], each begun with zero; some thousand at a time, which stay in the processor's cache."""
    table, offsets = _lane_table().ravel(), np.arange(_LANE, dtype=np.intp) * 256
    return np.concatenate([np.bitwise_xor.reduce(table.take(part + offsets), axis=1)
                           for part in np.array_split(lanes, max(len(lanes) // 4096, 1))])


def _joined(crcs: _Words) -> np.uint32:
    """One checksum of neighbouring lanes, by halves."""
    length = _LANE
    while len(crcs) > 1:
        if len(crcs) % 2:
            # A lane of zeros in front changes nothing in what begins with zero.
            crcs = np.concatenate([np.zeros(1, np.uint32), crcs])
        crcs = _shifted(crcs[::2], length) ^ crcs[1::2]
        length *= 2
    return crcs[0]


def _over(crc: int, length: int) -> int:
    """A checksum carried over so many zero bytes."""
    power, word = 1, np.array([crc], np.uint32)
    while length:
        if length & 1:
            word = _shifted(word, power)
        length, power = length >> 1, power * 2
    return int(word[0])


def _shifted(crcs: _Words, length: int) -> _Words:
    tables = _shift_table(length)
    return tables[0][crcs & 0xFF] ^ tables[1][crcs >> 8 & 0xFF] ^ tables[2][crcs >> 16 & 0xFF] ^ tables[3][crcs >> 24]


@cache
def _bytes_table() -> _Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ _POLYNOMIAL, table >> 1).astype(np.uint32)
    return table


@cache
def _shift_table(length: int) -> _Words:
    """uint32 [4, 256]: each byte of a checksum carried over `length` zero bytes, a power of two."""
    if length == 1:
        words = np.arange(256, dtype=np.uint32) << np.arange(0, 32, 8, dtype=np.uint32)[:, np.newaxis]
        return words >> 8 ^ _bytes_table()[words & 0xFF]
    half = _shift_table(length // 2)
    return _shifted(half.ravel(), length // 2).reshape(4, 256)


@cache
def _lane_table() -> _Words:
    """uint32 [64, 256]: what a byte at each place of a lane contributes."""
    table = np.empty((_LANE, 256), np.uint32)
    table[-1] = _bytes_table()
    for place in range(_LANE - 2, -1, -1):
        table[place] = _shifted(table[place + 1], 1)
    return table
