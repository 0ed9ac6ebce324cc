"""
The framing of Arrow data on MaxCompute's tunnel.

A stream is a chunk size, then record batch messages cut into chunks of that size, each full chunk followed by
its CRC-32C, and at the end the CRC-32C of everything. PyODPS computes both checksums from the bytes; here the
second one is combined from the first ones, which halves the work that dominates a transfer.
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

CHUNK_SIZE = 65536
_UINT32 = struct.Struct("!I")
_POLYNOMIAL = 0x82F63B78


class CorruptStream(Exception):
    """What arrived is not what was sent: truncated, or a checksum that does not match."""


def encode(batches: Iterable[pa.RecordBatch]) -> bytearray:
    """
    Frame record batches.

    :param batches: batches of one schema, in the tunnel's types
    :return: the body of an upload
    """
    out = bytearray(_UINT32.pack(CHUNK_SIZE))
    checksum = _Checksum()
    pending = bytearray()
    for batch in batches:
        message = memoryview(batch.serialize())
        at = 0
        while at < len(message):
            piece = message[at : at + CHUNK_SIZE - len(pending)]
            pending += piece
            at += len(piece)
            if len(pending) == CHUNK_SIZE:
                out += pending
                out += _UINT32.pack(checksum.full(pending))
                pending = bytearray()
    out += pending
    out += _UINT32.pack(checksum.last(pending))
    return out


def decode(body: bytes | bytearray | memoryview, schema: pa.Schema) -> list[pa.RecordBatch]:
    """
    Take record batches out of their frame.

    :param body: the body of a download
    :param schema: the batches' schema; the stream does not carry it
    :return: the batches
    :raises CorruptStream: when the body is truncated or a checksum does not match
    """
    import pyarrow as pa

    payload = schema.serialize().to_pybytes() + _payload(memoryview(body))
    try:
        with pa.ipc.open_stream(pa.py_buffer(payload)) as reader:
            return list(reader)
    except pa.ArrowInvalid as error:
        raise CorruptStream(f"not a stream of record batches: {error}") from error


def _payload(body: memoryview) -> bytearray:
    if len(body) < 8:
        raise CorruptStream(f"the stream ends after {len(body)} bytes")
    (size,) = _UINT32.unpack(body[:4])
    if not size:
        raise CorruptStream("the stream has a chunk size of 0")
    payload = bytearray()
    checksum = _Checksum(size)
    at = 4
    while len(body) - at - 4 >= size:
        chunk = bytearray(body[at : at + size])
        if _UINT32.unpack(body[at + size : at + size + 4])[0] != checksum.full(chunk):
            raise CorruptStream(f"checksum mismatch in the chunk at byte {at}")
        payload += chunk
        at += size + 4
    rest = bytearray(body[at:-4])
    if len(body) - at < 4 or _UINT32.unpack(body[-4:])[0] != checksum.last(rest):
        raise CorruptStream(f"checksum mismatch at the end, after {len(body)} bytes")
    payload += rest
    return payload


class _Checksum:
    """
    The CRC-32C of each chunk and, combined from those, of everything.

    :param size: length of every chunk but the last
    """

    def __init__(self, size: int = CHUNK_SIZE) -> None:
        self._total = 0
        self._zeros = _zeros(size)

    def full(self, chunk: bytearray) -> int:
        """Add a chunk; returns its checksum."""
        checksum = _crc32c(chunk)
        self._total = _times(self._zeros, self._total) ^ checksum
        return checksum

    def last(self, chunk: bytearray) -> int:
        """Add what is left; returns the checksum of everything."""
        return _times(_zeros(len(chunk)), self._total) ^ _crc32c(chunk) if chunk else self._total


def _crc32c(data: bytearray) -> int:
    from odps.crc import Crc32c

    checksum = Crc32c()
    checksum.update(data)
    return checksum.getvalue()


@functools.lru_cache(maxsize=8)
def _zeros(length: int) -> tuple[int, ...]:
    """Matrix over GF(2) of what ``length`` zero bytes do to a checksum (zlib's method of combining)."""
    power: tuple[int, ...] = (_POLYNOMIAL, *(1 << bit for bit in range(31)))
    matrix = tuple(1 << bit for bit in range(32))
    bits = 8 * length
    while bits:
        if bits & 1:
            matrix = tuple(_times(power, row) for row in matrix)
        power = tuple(_times(power, row) for row in power)
        bits >>= 1
    return matrix


def _times(matrix: tuple[int, ...], vector: int) -> int:
    result = 0
    for row in matrix:
        if not vector:
            break
        if vector & 1:
            result ^= row
        vector >>= 1
    return result
