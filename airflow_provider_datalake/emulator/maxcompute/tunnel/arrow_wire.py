"""
The Arrow wire of the tunnel.

A stream is a 4-byte chunk size, then the messages of record batches, without schema and end mark, cut into
chunks of that size. Each full chunk is followed by its CRC32C; the rest, which may be empty, by the CRC32C of
everything. All numbers are big-endian.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.maxcompute.tunnel.checksum import ChunkedChecksum
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import CorruptedStream, MalformedStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa
    from _typeshed import WriteableBuffer

    from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import Readable

CHUNK_SIZE = 64 * 1024
_MAX_CHUNK_SIZE = 64 * 1024 * 1024
_ROWS_PER_BATCH = 64 * 1024
_PIECE_SIZE = 512 * 1024
_NUMBER = struct.Struct("!I")


def decode(source: Readable, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """
    Read the record batches of a stream.

    :param source: the plain bytes of the stream
    :param schema: the schema that the batches were written with; the wire does not carry it
    :return: the batches, each checked in full: offsets, UTF-8, decimal precisions
    :raises MalformedStream: when the stream is cut short, damaged or has another schema
    """
    import pyarrow as pa

    payload = _Payload(source, schema.serialize().to_pybytes())
    try:
        reader = pa.ipc.open_stream(pa.PythonFile(payload, mode="r"))
        for batch in reader:
            batch.validate(full=True)
            yield batch
    except (pa.ArrowInvalid, pa.ArrowSerializationError, pa.ArrowNotImplementedError) as error:
        raise MalformedStream(
            f"the stream does not hold record batches of the table's schema: {error}"
        ) from error
    except OSError as error:
        # Arrow's own complaints are plain OSErrors; those of the source (a lost client) are not.
        if type(error) is not OSError:
            raise
        raise MalformedStream(
            f"the stream does not hold record batches of the table's schema: {error}"
        ) from error
    payload.finish()


def encode(batches: Iterable[pa.RecordBatch], chunk_size: int = CHUNK_SIZE) -> Iterator[bytes]:
    """
    Write record batches as a stream.

    :param batches: all of one schema
    :param chunk_size: bytes per chunk
    :return: the stream in pieces, one header however many batches there are
    """
    checksum = ChunkedChecksum(chunk_size)
    out: list[bytes | memoryview] = [_NUMBER.pack(chunk_size)]
    pending = b""
    size = 0
    for message in _messages(batches):
        if len(pending) + len(message) < chunk_size:
            pending += message.to_pybytes()
            continue
        data = memoryview(pending + message.to_pybytes())
        end = len(data) - len(data) % chunk_size
        for start in range(0, end, chunk_size):
            chunk = bytes(data[start : start + chunk_size])
            out += (chunk, _NUMBER.pack(checksum.full(chunk)))
            size += chunk_size
            if size >= _PIECE_SIZE:
                yield b"".join(out)
                out, size = [], 0
        pending = bytes(data[end:])
    out += (pending, _NUMBER.pack(checksum.last(pending)))
    yield b"".join(out)


def _messages(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Buffer]:
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_PER_BATCH):
            yield batch.slice(start, _ROWS_PER_BATCH).serialize()


class _Payload(io.RawIOBase):
    """
    The messages of a stream as a file, behind the schema message that Arrow's reader wants to see first.

    :param source: the plain bytes of the stream
    :param head: the schema message
    """

    def __init__(self, source: Readable, head: bytes) -> None:
        self._source = source
        self._chunk = memoryview(head)
        self._chunk_size: int | None = None
        self._checksum: ChunkedChecksum | None = None
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and (self._chunk or self._next_chunk()):
            part = self._chunk[: len(view) - filled]
            view[filled : filled + len(part)] = part
            self._chunk = self._chunk[len(part) :]
            filled += len(part)
        return filled

    def read(self, size: int = -1, /) -> bytes:
        # Most reads lie within a chunk.
        if 0 <= size <= len(self._chunk):
            part, self._chunk = self._chunk[:size], self._chunk[size:]
            return bytes(part)
        if size < 0:
            return super().readall()
        buffer = bytearray(size)
        return bytes(memoryview(buffer)[: self.readinto(buffer)])

    def finish(self) -> None:
        """Check that the batches were all that the stream holds."""
        if self._chunk or self._next_chunk():
            raise MalformedStream("the stream goes on after its last record batch")

    def _next_chunk(self) -> bool:
        if self._ended:
            return False
        if self._chunk_size is None and not self._begin():
            return False
        if self._chunk_size is None or self._checksum is None:
            raise ValueError("the stream has not begun")
        data = self._source.read(self._chunk_size + 4)
        if len(data) < 4:
            raise MalformedStream("the stream ends before its checksum")
        content, (expected,) = data[:-4], _NUMBER.unpack(data[-4:])
        self._ended = len(content) < self._chunk_size
        found = self._checksum.last(content) if self._ended else self._checksum.full(content)
        if found != expected:
            raise CorruptedStream(
                f"the checksum of the stream is {expected:#010x}, its data gives {found:#010x}"
            )
        self._chunk = memoryview(content)
        return bool(content)

    def _begin(self) -> bool:
        header = self._source.read(4)
        if len(header) < 4:
            raise MalformedStream("the stream ends before its chunk size")
        (chunk_size,) = _NUMBER.unpack(header)
        if chunk_size == 0 and not self._source.read(1):
            # A writer that was closed without a batch sends the checksum of nothing, and no chunk size.
            self._ended = True
            return False
        if not 0 < chunk_size <= _MAX_CHUNK_SIZE:
            raise MalformedStream(
                f"the chunk size must be from 1 to {_MAX_CHUNK_SIZE} bytes, found {chunk_size}"
            )
        self._chunk_size = chunk_size
        self._checksum = ChunkedChecksum(chunk_size)
        return True
