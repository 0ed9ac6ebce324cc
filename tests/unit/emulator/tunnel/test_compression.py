from __future__ import annotations

import io
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import (
    UnsupportedEncoding,
    accepted_coding,
    compress,
    content_coding,
    decompress,
)
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import MalformedStream

CODINGS = ["identity", "deflate", "zstd"]


def _all(readable) -> bytes:
    return b"".join(iter(lambda: readable.read(1000), b""))


@pytest.mark.parametrize("coding", CODINGS)
@given(pieces=st.lists(st.binary(max_size=5000), max_size=4))
@settings(deadline=None, max_examples=30)
def test_what_is_compressed_can_be_read(coding, pieces):
    data = b"".join(compress(iter(pieces), coding))
    assert _all(decompress(io.BytesIO(data), coding)) == b"".join(pieces)


def test_deflate_is_zlib():
    assert zlib.decompress(b"".join(compress(iter([b"abc", b"def"]), "deflate"))) == b"abcdef"


def test_a_zstd_stream_is_one_frame():
    import pyarrow as pa

    data = b"".join(compress(iter([b"abc" * 1000, b"def" * 1000]), "zstd"))
    assert data.count(b"\x28\xb5\x2f\xfd") == 1
    assert pa.CompressedInputStream(pa.BufferReader(data), "zstd").read() == b"abc" * 1000 + b"def" * 1000


@pytest.mark.parametrize("coding", ["deflate", "zstd"])
def test_a_stream_cut_short_is_refused(coding):
    data = b"".join(compress(iter([bytes(range(256)) * 50]), coding))
    with pytest.raises(MalformedStream):
        _all(decompress(io.BytesIO(data[: len(data) // 2]), coding))


@pytest.mark.parametrize("coding", ["deflate", "zstd"])
def test_another_format_is_refused(coding):
    with pytest.raises(MalformedStream):
        _all(decompress(io.BytesIO(b"neither of them, that is plain"), coding))


@pytest.mark.parametrize("coding", ["deflate", "zstd"])
def test_an_error_of_the_source_stays_what_it_is(coding):
    class Lost(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, _):
            raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        _all(decompress(Lost(), coding))


def test_memory_does_not_follow_the_compression_ratio():
    bomb = zlib.compress(bytes(50_000_000), 9)
    readable = decompress(io.BytesIO(bomb), "deflate")
    assert readable.read(10) == bytes(10)


@pytest.mark.parametrize("header", [None, "", "identity", "gzip, deflate", "gzip, deflate, br, zstd", "*"])
def test_nothing_is_compressed_unless_the_client_names_one_coding(header):
    assert accepted_coding(header) == "identity"


@pytest.mark.parametrize(
    ("header", "coding"), [("deflate", "deflate"), ("zstd", "zstd"), ("ZSTD;q=1", "zstd")]
)
def test_one_named_coding_is_used(header, coding):
    assert accepted_coding(header) == coding


@pytest.mark.parametrize("header", ["x-snappy-framed", "x-lz4-frame", "x-odps-lz4-frame"])
def test_a_compression_of_the_service_that_we_lack_is_refused(header):
    with pytest.raises(UnsupportedEncoding, match=header):
        accepted_coding(header)
    with pytest.raises(UnsupportedEncoding, match=header):
        content_coding(header)
