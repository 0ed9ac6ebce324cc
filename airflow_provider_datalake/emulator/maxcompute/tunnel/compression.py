"""The compressions of the tunnel: none, ``deflate`` (zlib) and ``zstd``, by HTTP content coding."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING, Protocol

from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import MalformedStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import ReadableBuffer, WriteableBuffer

DEFLATE = "deflate"
ZSTD = "zstd"
IDENTITY = "identity"
_KNOWN_ELSEWHERE = ("x-snappy-framed", "x-lz4-frame", "x-odps-lz4-frame", "lz4_frame")
_READ_SIZE = 256 * 1024
_DEFLATE_LEVEL = 1


class UnsupportedEncoding(ValueError):
    """A content coding that the emulator does not have."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"the emulator does not support the compression {encoding!r}; use none, zlib (deflate) or zstd"
        )


class Readable(Protocol):
    """A blocking source of bytes: fewer than asked for only at the end."""

    def read(self, size: int, /) -> bytes: ...


def content_coding(header: str | None) -> str:
    """
    Find out how a request body is compressed.

    :param header: the ``Content-Encoding`` header, None when absent
    :return: ``identity``, ``deflate`` or ``zstd``
    :raises UnsupportedEncoding: for any other coding
    """
    coding = (header or IDENTITY).strip().lower()
    if coding not in (IDENTITY, DEFLATE, ZSTD):
        raise UnsupportedEncoding(coding)
    return coding


def accepted_coding(header: str | None) -> str:
    """
    Choose the compression of an answer.

    A tunnel client that wants compression names exactly one coding. A list is what HTTP libraries send on
    their own account (``gzip, deflate``): on such a request nothing is compressed.

    :param header: the ``Accept-Encoding`` header, None when absent
    :return: ``identity``, ``deflate`` or ``zstd``
    :raises UnsupportedEncoding: when the client asks for a compression of the service that the emulator lacks
    """
    codings = [item.partition(";")[0].strip().lower() for item in (header or "").split(",")]
    if codings in ([DEFLATE], [ZSTD]):
        return codings[0]
    for coding in codings:
        if coding in _KNOWN_ELSEWHERE:
            raise UnsupportedEncoding(coding)
    return IDENTITY


def decompress(source: io.RawIOBase, coding: str) -> Readable:
    """
    Read a compressed stream.

    :param source: the raw bytes
    :param coding: ``identity``, ``deflate`` or ``zstd``
    :return: the plain bytes; reading raises :class:`MalformedStream` when the compressed stream is damaged
    """
    if coding == DEFLATE:
        return io.BufferedReader(_Inflating(source), _READ_SIZE)
    if coding == ZSTD:
        return _ZstdSource(source)
    return io.BufferedReader(source, _READ_SIZE)


def compress(pieces: Iterator[bytes], coding: str) -> Iterator[bytes]:
    """
    Compress a stream.

    :param pieces: the plain bytes
    :param coding: ``identity``, ``deflate`` or ``zstd``
    :return: the compressed bytes
    """
    if coding == DEFLATE:
        return _deflated(pieces)
    if coding == ZSTD:
        return _zstd_compressed(pieces)
    return pieces


class _Inflating(io.RawIOBase):
    """The plain bytes of a zlib stream."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self._inflater = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        plain = b""
        while not plain and not self._inflater.eof:
            data = self._inflater.unconsumed_tail or self._source.read(_READ_SIZE)
            if not data:
                raise MalformedStream("the deflate stream ends before its end mark")
            try:
                plain = self._inflater.decompress(data, len(view))
            except zlib.error as error:
                raise MalformedStream(f"the body is not a deflate stream: {error}") from error
        view[: len(plain)] = plain
        return len(plain)


class _ZstdSource:
    """The plain bytes of a zstd stream."""

    def __init__(self, source: io.RawIOBase) -> None:
        import pyarrow as pa

        self._stream = pa.CompressedInputStream(pa.PythonFile(source, mode="r"), ZSTD)

    def read(self, size: int, /) -> bytes:
        # Arrow answers a damaged stream with OSError and its own message; a lost client raises its own error.
        import pyarrow as pa

        try:
            return self._stream.read(size)
        except (OSError, pa.ArrowInvalid) as error:
            if type(error) not in (OSError, pa.ArrowInvalid):
                raise
            raise MalformedStream(f"the body is not a zstd stream: {error}") from error


def _deflated(pieces: Iterator[bytes]) -> Iterator[bytes]:
    compressor = zlib.compressobj(_DEFLATE_LEVEL)
    for piece in pieces:
        if data := compressor.compress(piece):
            yield data
    yield compressor.flush()


def _zstd_compressed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    import pyarrow as pa

    # One frame for the whole stream: the client's decompressor stops after the first.
    sink = _Sink()
    stream = pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), ZSTD)
    for piece in pieces:
        stream.write(piece)
        if data := sink.take():
            yield data
    stream.close()
    yield sink.take()


class _Sink(io.RawIOBase):
    """Collects what is written until somebody takes it."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self._written.append(bytes(data))
        return len(self._written[-1])

    def take(self) -> bytes:
        data = b"".join(self._written)
        self._written.clear()
        return data
