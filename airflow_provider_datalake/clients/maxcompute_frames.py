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
    from collections.abc import Callable, Sequence

    import pyarrow as pa

CHUNK_SIZE = 65536
_LARGEST_CHUNK = 64 * 1024 * 1024
_UINT32 = struct.Struct("!I")
_POLYNOMIAL = 0x82F63B78


class CorruptStream(Exception):
    """What arrived is not what was sent: truncated, or a checksum that does not match."""


def encode(batches: Sequence[pa.RecordBatch]) -> pa.Buffer:
    """
    Frame record batches.

    :param batches: batches of one schema, in the tunnel's types
    :return: the body of an upload
    """
    import pyarrow as pa

    size = sum(pa.ipc.get_record_batch_size(batch) for batch in batches)
    # Of its exact size and from Arrow's pool: a buffer that grows is copied over and over by every thread.
    body = pa.allocate_buffer(4 + size + 4 * (size // CHUNK_SIZE) + 4)
    out = pa.FixedSizeBufferWriter(body)
    out.write(_UINT32.pack(CHUNK_SIZE))
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
                out.write(pending)
                out.write(_UINT32.pack(checksum.full(pending)))
                pending.clear()
    out.write(pending)
    out.write(_UINT32.pack(checksum.last(pending)))
    out.close()
    return body


def decode(read: Callable[[int], bytes], schema: pa.Schema) -> list[pa.RecordBatch]:
    """
    Take record batches out of their frame.

    :param read: reads a number of bytes of the stream; fewer only at its end
    :param schema: the batches' schema; the stream does not carry it
    :return: the batches
    :raises CorruptStream: when the stream is truncated or a checksum does not match
    """
    import pyarrow as pa

    payload = pa.BufferOutputStream()
    payload.write(schema.serialize())
    _unframe(read, payload)
    try:
        with pa.ipc.open_stream(payload.getvalue()) as reader:
            return list(reader)
    except pa.ArrowInvalid as error:
        raise CorruptStream(f"not a stream of record batches: {error}") from error


def _unframe(read: Callable[[int], bytes], payload: pa.BufferOutputStream) -> None:
    head = read(4)
    if len(head) < 4:
        raise CorruptStream(f"the stream ends after {len(head)} bytes")
    (size,) = _UINT32.unpack(head)
    if not 0 < size <= _LARGEST_CHUNK:
        raise CorruptStream(f"the stream has a chunk size of {size}")
    checksum = _Checksum(size)
    while True:
        piece = read(size + 4)
        if len(piece) < 4:
            raise CorruptStream("the stream ends without its checksum")
        chunk, is_last = bytearray(memoryview(piece)[:-4]), len(piece) < size + 4
        expected = checksum.last(chunk) if is_last else checksum.full(chunk)
        if _UINT32.unpack(piece[-4:])[0] != expected:
            raise CorruptStream(f"a checksum does not match in a piece of {len(piece)} bytes")
        payload.write(chunk)
        if is_last:
            return


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
