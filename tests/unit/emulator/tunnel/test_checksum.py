from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.maxcompute.tunnel.checksum import ChunkedChecksum
from airflow_provider_datalake.emulator.maxcompute.tunnel.codec import new_checksum


def _crc(data: bytes) -> int:
    checksum = new_checksum()
    checksum.update(data)
    return checksum.getvalue()


def test_the_checksum_is_crc32c():
    assert _crc(b"123456789") == 0xE3069283


@given(st.binary(max_size=500), st.integers(1, 64))
def test_both_checksums_are_those_of_the_plain_data(data, size):
    checksum = ChunkedChecksum(size)
    whole = len(data) - len(data) % size
    for start in range(0, whole, size):
        assert checksum.full(data[start : start + size]) == _crc(data[start : start + size])
    assert checksum.last(data[whole:]) == _crc(data)


def test_there_are_no_chunks_of_nothing():
    with pytest.raises(ValueError, match="zero bytes"):
        ChunkedChecksum(0).full(b"")
