"""An address grants what it was made for, and nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.ml_studio.errors import StorageError
from airflow_provider_datalake.emulator.ml_studio.signatures import Signatures

SIGNATURES = Signatures(b"key")
NOW = 1_700_000_000.0


def query(location: str, expires: float = NOW + 60) -> dict[str, str]:
    return dict(parse_qsl(SIGNATURES.sign(location, expires).removeprefix("?"), strict_parsing=True))


@given(st.text(min_size=1))
def test_an_address_grants_its_own_file_until_it_is_over(location: str):
    SIGNATURES.check(location, query(location), NOW + 59)
    with pytest.raises(StorageError, match="was good until 2023-11-14T22:14:20Z") as raised:
        SIGNATURES.check(location, query(location), NOW + 60)
    assert (raised.value.status, raised.value.code) == (403, "AuthenticationFailed")


@pytest.mark.parametrize(
    "change",
    [
        {"se": "2099-01-01T00:00:00Z"},
        {"sp": "rw"},
        {"sr": "c"},
        {"sv": "2020-01-01"},
        {"sig": ""},
        {"sig": "é"},
    ],
    ids=str,
)
def test_a_changed_address_grants_nothing(change: dict[str, str]):
    with pytest.raises(StorageError, match="was not made for this address"):
        SIGNATURES.check("contents/a", {**query("contents/a"), **change}, NOW)


def test_an_address_grants_no_other_file():
    with pytest.raises(StorageError, match="was not made for this address"):
        SIGNATURES.check("contents/b", query("contents/a"), NOW)


def test_another_key_signs_otherwise():
    with pytest.raises(StorageError, match="was not made for this address"):
        Signatures(b"other").check("contents/a", query("contents/a"), NOW)


def test_no_query_grants_nothing():
    with pytest.raises(StorageError, match="The signature is missing"):
        SIGNATURES.check("contents/a", {}, NOW)
