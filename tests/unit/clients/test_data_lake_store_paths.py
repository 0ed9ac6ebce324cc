from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.clients.data_lake_store_models import AclEntry, format_acl
from airflow_provider_datalake.clients.data_lake_store_paths import (
    check_path,
    is_temporary,
    quote_path,
    temporary_path,
)
from airflow_provider_datalake.clients.data_lake_store_patterns import fixed_folder, matches
from airflow_provider_datalake.exceptions import ConfigurationError


@pytest.mark.parametrize(
    ("given_path", "path"), [("/a", "/a"), ("/a/b/", "/a/b"), ("/", "/"), ("/a b/ü%", "/a b/ü%")]
)
def test_a_path_has_one_form(given_path: str, path: str) -> None:
    assert check_path(given_path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a",
        "..",
        "/a/../b",
        "/a/./b",
        "/a//b",
        "//",
        "/a//",
        "/a\\b",
        "/a\nb",
        "/a\0b",
        "/\x85",
        "/\udc80",
        None,
        7,
    ],
)
def test_tricks_are_refused_before_anything_is_sent(path: object) -> None:
    with pytest.raises(ConfigurationError, match="path"):
        check_path(path)  # type: ignore[arg-type]


def test_signs_of_urls_are_escaped() -> None:
    assert quote_path("/a b/%#?+ü") == "/a%20b/%25%23%3F%2B%C3%BC"


@given(st.text(min_size=1))
def test_every_path_is_refused_or_reads_back_from_its_url(name: str) -> None:
    try:
        path = check_path(f"/{name}")
    except ConfigurationError:
        return
    assert check_path(path) == path
    assert check_path(unquote(quote_path(path))) == path
    assert quote_path(path).isascii()


def test_what_is_being_written_can_be_told_from_what_is_there() -> None:
    for kind in ("tmp", "parts", "whole"):
        path = temporary_path("/a/b.csv", "0123456789abcdef", kind)
        assert path == f"/a/.b.csv.0123456789abcdef.{kind}"
        assert is_temporary(path.rpartition("/")[2])
    for name in ("b.csv", ".b.csv", ".b.tmp", "b.csv.0123456789abcdef.tmp", ".b.0123456789abcdef.csv", ""):
        assert not is_temporary(name)


@pytest.mark.parametrize(
    "text", ["user::rwx", "default:group:abc:r-x", "mask::---", "other::r--", "user:abc"]
)
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
        ("/a/.x.csv", "/a/*.csv", False),
        ("/a/.x.csv", "/a/.*.csv", True),
        ("/a/.d/x.csv", "/a/**/*.csv", False),
        ("/a/b/c/d", "/**/b/**/d", True),
        ("/a/b/c/d", "/**/d/**/b", False),
        ("/a", "/a/**", True),
        ("/a/b/c", "/**", True),
    ],
)
def test_a_pattern_matches_within_one_part(path: str, pattern: str, same: bool) -> None:
    assert matches(path, pattern) is same


def test_many_wildcards_are_matched_in_no_time() -> None:
    assert not matches("/" + "/".join("a" * 60), "/" + "/".join(["**", "a"] * 20) + "/b")


@pytest.mark.parametrize(
    ("pattern", "folder"), [("/a/*.csv", "/a"), ("/*/x", "/"), ("/a/b*/c/d", "/a"), ("/x", "/")]
)
def test_the_fixed_part_of_a_pattern(pattern: str, folder: str) -> None:
    assert fixed_folder(pattern) == folder
