"""The two checksums of the Arrow wire."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.tunnel.codec import new_checksum

if TYPE_CHECKING:
    from collections.abc import Callable

_POLYNOMIAL = 0x82F63B78


class ChunkedChecksum:
    """
    The CRC32C of each chunk and of everything, for the price of one.

    The checksum of a concatenation follows from those of its parts, which halves the work.

    :param chunk_size: length in bytes of every chunk but the last
    """

    def __init__(self, chunk_size: int) -> None:
        self.total = 0
        self._crc = new_checksum()
        self._shift = _shift_by(chunk_size) if chunk_size else None

    def full(self, chunk: bytes) -> int:
        """
        Add a chunk of the full length.

        :param chunk: exactly as many bytes as the chunk size
        :return: the chunk's own checksum
        """
        if self._shift is None:
            raise ValueError("chunks of zero bytes have no checksum")
        self._crc.setvalue(0)
        self._crc.update(chunk)
        checksum = self._crc.getvalue()
        self.total = self._shift(self.total) ^ checksum
        return checksum

    def last(self, chunk: bytes) -> int:
        """
        Add the last chunk, of any length.

        :param chunk: what is left, may be empty
        :return: the checksum of the whole stream
        """
        self._crc.setvalue(self.total)
        self._crc.update(chunk)
        self.total = self._crc.getvalue()
        return self.total


@lru_cache(maxsize=16)
def _shift_by(length: int) -> Callable[[int], int]:
    # What appending `length` zero bytes does to a checksum is linear over GF(2): a matrix of 32 columns,
    # found by repeated squaring of the matrix of one zero bit, and applied byte by byte through four tables.
    power = [_POLYNOMIAL] + [1 << bit for bit in range(31)]
    matrix = [1 << bit for bit in range(32)]
    bits = length * 8
    while bits:
        if bits & 1:
            matrix = [_multiply(power, column) for column in matrix]
        power = [_multiply(power, column) for column in power]
        bits >>= 1
    low, second, third, high = (
        [_multiply(matrix, value << shift) for value in range(256)] for shift in (0, 8, 16, 24)
    )

    def shift(crc: int) -> int:
        return low[crc & 255] ^ second[crc >> 8 & 255] ^ third[crc >> 16 & 255] ^ high[crc >> 24]

    return shift


def _multiply(matrix: list[int], vector: int) -> int:
    result = 0
    for column in matrix:
        if vector & 1:
            result ^= column
        vector >>= 1
        if not vector:
            break
    return result
