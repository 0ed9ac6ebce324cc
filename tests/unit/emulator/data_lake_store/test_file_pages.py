"""What the pages show of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.web.file_pages import hex_lines, text_of


@pytest.mark.parametrize(
    ("head", "text"),
    [
        (b"a,b\r\n1,2\n", "a,b\r\n1,2\n"),
        ("\ufeffü".encode(), "ü"),
        ("ü\n".encode("utf-16"), "ü\n"),
        (b"", ""),
        (b"a\x00b", None),
        (b"\xff\xd8\xff\xe0", None),
        (b"PK\x03\x04", None),
    ],
)
def test_what_people_can_read_is_text(head: bytes, text: str | None):
    assert text_of(head, complete=True) == text


def test_a_character_that_is_cut_in_two_is_left_out():
    head = "aü".encode()[:-1]
    assert text_of(head, complete=False) == "a"
    assert text_of(head, complete=True) is None


@given(st.binary(max_size=100))
def test_all_bytes_are_written_as_hexadecimal_digits(data: bytes):
    lines = hex_lines(data)
    assert b"".join(bytes.fromhex(digits) for _, digits, _ in lines) == data
    assert [int(place, 16) for place, _, _ in lines] == list(range(0, len(data), 16))
    assert "".join(letters for _, _, letters in lines).isprintable()
