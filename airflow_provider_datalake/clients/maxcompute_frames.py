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
    pending = bytearray()
    total = 0
    for batch in batches:
        message = memoryview(batch.serialize())
        at = 0
        while at < len(message):
            piece = message[at : at + CHUNK_SIZE - len(pending)]
            pending += piece
            at += len(piece)
            if len(pending) == CHUNK_SIZE:
                checksum = crc32c(pending)
                total = _combine(total, checksum, CHUNK_SIZE)
                out += pending
                out += _UINT32.pack(checksum)
                pending.clear()
    total = _combine(total, crc32c(pending), len(pending)) if pending else total
    out += pending
    out += _UINT32.pack(total)
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
    total = 0
    at = 4
    while len(body) - at - 4 >= size:
        chunk = bytearray(body[at : at + size])
        checksum = crc32c(chunk)
        if _UINT32.unpack(body[at + size : at + size + 4])[0] != checksum:
            raise CorruptStream(f"checksum mismatch in the chunk at byte {at}")
        total = _combine(total, checksum, size)
        payload += chunk
        at += size + 4
    rest = bytearray(body[at:-4])
    total = _combine(total, crc32c(rest), len(rest)) if rest else total
    if len(body) - at < 4 or _UINT32.unpack(body[-4:])[0] != total:
        raise CorruptStream(f"checksum mismatch at the end, after {len(body)} bytes")
    payload += rest
    return payload


def crc32c(data: bytearray) -> int:
    """
    Compute a CRC-32C.

    :param data: any bytes
    :return: the checksum
    """
    from odps.crc import Crc32c

    checksum = Crc32c()
    checksum.update(data)
    return checksum.getvalue()


def _combine(first: int, second: int, length: int) -> int:
    """Checksum of two pieces in a row, from their checksums and the second one's length (zlib's method)."""
    bit = 0
    while length:
        if length & 1:
            first = _times(_zero_bytes(bit), first)
        length >>= 1
        bit += 1
    return first ^ second


@functools.cache
def _zero_bytes(power: int) -> tuple[int, ...]:
    """Matrix over GF(2) of what 2**power zero bytes do to a checksum."""
    if power:
        matrix = _zero_bytes(power - 1)
        return tuple(_times(matrix, row) for row in matrix)
    matrix = (_POLYNOMIAL, *(1 << bit for bit in range(31)))
    for _ in range(3):
        matrix = tuple(_times(matrix, row) for row in matrix)
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
