"""Paths: which there can be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path, path_text
from airflow_provider_datalake.emulator.data_lake_store.uris import FileName, parse_uri


@pytest.mark.parametrize("text", ["", "/", "//"])
def test_the_root_has_no_names(text: str):
    assert parse_path(text) == ()


@pytest.mark.parametrize("text", ["a/b", "/a/b", "/a/b/", "//a/b"])
def test_slashes_at_the_ends_do_not_count(text: str):
    assert parse_path(text) == ("a", "b")


@pytest.mark.parametrize(
    "name", ["a:b", "a b", "ü", "%2e%2e", "a%2Fb", "...", "-", "con", "a" * 255, "\U0001f600"]
)
def test_unusual_names_are_kept(name: str):
    assert parse_path(f"/x/{name}") == ("x", name)


@pytest.mark.parametrize(
    "text",
    [
        "/a//b",
        "/a/./b",
        "/../a",
        "/a/..",
        ".",
        "a\\b",
        "a\x00b",
        "a\nb",
        "a\x7f",
        "a\x85b",
        "a" * 256,
        "a/" * 3000,
        "\ud800",
    ],
)
def test_what_no_file_can_have_is_refused(text: str):
    with pytest.raises(StoreError) as caught:
        parse_path(text)
    assert (caught.value.status, caught.value.exception) == (400, "IllegalArgumentException")


@given(st.text(max_size=20))
def test_a_path_is_refused_or_written_as_it_was_read(text: str):
    try:
        names = parse_path(text)
    except StoreError:
        return
    assert parse_path(path_text(names)) == names
    assert not {"", ".", ".."} & set(names)


@given(st.lists(st.text(min_size=1, max_size=10), max_size=4).map(tuple))
def test_a_uri_leads_back_to_the_name(names: tuple[str, ...]):
    try:
        valid = parse_path(path_text(names)) == names
    except StoreError:
        return
    if valid:
        name = FileName("store", names)
        assert parse_uri(name.uri, "other") == name
        assert name.uri.isascii()
