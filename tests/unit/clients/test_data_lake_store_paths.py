from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.data_lake_store_models import AclEntry, format_acl
from airflow_provider_datalake.clients.data_lake_store_paths import check_path, quote_path
from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.hooks.data_lake_store import fixed_folder, matches


@pytest.mark.parametrize(
    ("given_path", "path"), [("a", "/a"), ("/a/b/", "/a/b"), ("/", "/"), ("", "/"), ("/a b/ü%", "/a b/ü%")]
)
def test_a_path_has_one_form(given_path: str, path: str) -> None:
    assert check_path(given_path) == path


@pytest.mark.parametrize("path", ["..", "/a/../b", "/a/./b", "a//b", "/a\\b", "/a\nb", "/a\0b", None, 7])
def test_tricks_are_refused_before_anything_is_sent(path: object) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        check_path(path)  # type: ignore[arg-type]


def test_signs_of_urls_are_escaped() -> None:
    assert quote_path("/a b/%#?ü") == "/a%20b/%25%23%3F%C3%BC"


@pytest.mark.parametrize("text", ["user::rwx", "default:group:abc:r-x", "mask::---", "other::r--", "user:abc"])
def test_an_entry_of_an_access_control_list_reads_back(text: str) -> None:
    assert str(AclEntry.parse(text)) == text


@given(
    st.sampled_from(["user", "group"]),
    st.uuids().map(str),
    st.lists(st.booleans(), min_size=3, max_size=3),
    st.booleans(),
)
def test_every_entry_reads_back(kind: str, name: str, bits: list[bool], default: bool) -> None:
    text = "".join(letter if bit else "-" for letter, bit in zip("rwx", bits, strict=True))
    entry = AclEntry(kind, name, text, default)
    assert AclEntry.parse(str(entry)) == entry


@pytest.mark.parametrize("text", ["", "user", "user:a:rwz", "mask:x:rwx", "someone::rwx", "user:a b:rwx"])
def test_a_malformed_entry_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        format_acl([text])


@pytest.mark.parametrize(
    ("path", "pattern", "same"),
    [
        ("/a/x.csv", "/a/*.csv", True),
        ("/a/b/x.csv", "/a/*.csv", False),
        ("/a/b/x.csv", "/a/**/*.csv", True),
        ("/a/x.csv", "/a/**/*.csv", True),
        ("/a/2013-01.csv", "/a/2013-[01]?.csv", True),
        ("/b/x", "/a/*", False),
    ],
)
def test_a_pattern_matches_within_one_part(path: str, pattern: str, same: bool) -> None:
    assert matches(path, pattern) is same


@pytest.mark.parametrize(
    ("pattern", "folder"), [("/a/*.csv", "/a"), ("/*/x", "/"), ("/a/b*/c/d", "/a"), ("/x", "/")]
)
def test_the_fixed_part_of_a_pattern(pattern: str, folder: str) -> None:
    assert fixed_folder(pattern) == folder
