from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.usql.diagnostics import CompileError, Span
from airflow_provider_datalake.usql.filesets import parse_file_set
from airflow_provider_datalake.usql.workspace import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "adl://store.azuredatalakestore.net"


class ListedFiles:
    """Files that only have names."""

    def __init__(self, *uris: str) -> None:
        self.stored = [StoredFile(uri, Path("/none"), 0, 0.0) for uri in sorted(uris)]

    def resolve(self, uri: str) -> str:
        return uri

    def find(self, uri: str) -> StoredFile | None:
        return next((file for file in self.stored if file.uri == uri), None)

    def walk(self, folder: str) -> Iterator[StoredFile]:
        return (file for file in self.stored if file.uri.startswith(folder + "/"))


def names(pattern: str, *paths: str) -> list[str]:
    files = ListedFiles(*(f"{ROOT}{path}" for path in paths))
    return [item.file.uri.removeprefix(ROOT) for item in parse_file_set(ROOT + pattern).expand(files)]


def values(pattern: str, path: str) -> dict[str, str | datetime] | None:
    return parse_file_set(ROOT + pattern).match(ROOT + path)


def test_a_plain_uri_is_one_file_without_values() -> None:
    plain = parse_file_set(f"{ROOT}/a/b.csv")
    assert (plain.parts, plain.virtual) == ((), ())
    assert [item.values for item in plain.expand(ListedFiles(f"{ROOT}/a/b.csv"))] == [{}]


def test_a_plain_uri_of_no_file_is_an_empty_list() -> None:
    assert names("/a/b.csv", "/a/c.csv") == []


def test_a_star_matches_within_one_step_of_the_path_only() -> None:
    assert names("/in/{*}.csv", "/in/a.csv", "/in/.csv", "/in/deep/b.csv", "/in/c.tsv") == [
        "/in/.csv",
        "/in/a.csv",
    ]


def test_a_named_part_gives_its_text() -> None:
    assert values("/in/{name}.csv", "/in/a.b.csv") == {"name": "a.b"}


def test_a_named_part_matches_at_least_one_character() -> None:
    assert values("/in/{name}.csv", "/in/.csv") is None


def test_folders_can_have_parts() -> None:
    assert values("/{store}/x{*}y/{name}", "/north/x1y/f.csv") == {"store": "north", "name": "f.csv"}


def test_the_walk_begins_at_the_deepest_folder_before_the_first_part() -> None:
    assert parse_file_set(f"{ROOT}/a/b/c{{name}}/d.csv").folder == f"{ROOT}/a/b"


def test_date_parts_of_one_column_make_one_instant() -> None:
    got = values("/{date:yyyy}/{date:MM}/{date:dd}/{date:HH}{date:mm}{date:ss}.csv", "/2014/08/31/235958.csv")
    assert got == {"date": datetime(2014, 8, 31, 23, 59, 58)}


def test_missing_date_parts_are_the_first_instant() -> None:
    assert values("/{d:MM}.csv", "/02.csv") == {"d": datetime(1, 2, 1)}


def test_short_date_parts_take_one_or_two_digits() -> None:
    assert values("/{d:yyyy}-{d:M}-{d:d}_{d:H}.{d:m}.{d:s}", "/2020-2-13_1.5.59") == {
        "d": datetime(2020, 2, 13, 1, 5, 59)
    }


@pytest.mark.parametrize(
    "path", ["/2020-13.csv", "/2020-00.csv", "/20-01.csv", "/2020-1.csv", "/abcd-01.csv"]
)
def test_what_is_no_date_does_not_match(path: str) -> None:
    assert values("/{d:yyyy}-{d:MM}.csv", path) is None


def test_conflicting_date_parts_do_not_match() -> None:
    pattern = "/{d:yyyy}/{d:MM}/{d:yyyy}-{d:M}.csv"
    assert values(pattern, "/2020/02/2020-2.csv") == {"d": datetime(2020, 2, 1)}
    assert values(pattern, "/2020/02/2021-2.csv") is None


def test_a_name_used_twice_must_match_the_same_text() -> None:
    assert values("/{n}/{n}.csv", "/a/a.csv") == {"n": "a"}
    assert values("/{n}/{n}.csv", "/a/b.csv") is None


def test_virtual_columns_come_once_in_order_and_say_whether_they_are_dates() -> None:
    file_set = parse_file_set(f"{ROOT}/{{b}}/{{d:yyyy}}{{*}}{{d:MM}}/{{a}}")
    assert file_set.virtual == (("b", False), ("d", True), ("a", False))


def test_names_are_case_sensitive() -> None:
    assert values("/{n}/{N}.csv", "/a/b.csv") == {"n": "a", "N": "b"}


def test_a_bracketed_name_may_hold_anything() -> None:
    assert values("/{[my col]:yyyy}{[a]]b]}", "/2020x") == {"my col": datetime(2020, 1, 1), "a]b": "x"}


def test_percent_encoding_is_undone_for_values_and_literals() -> None:
    assert values("/my%20files/{n}.csv", "/my%20files/a%20b.csv") == {"n": "a b"}


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        ("/{c:*}.csv", "E_CSC_USER_STARFORMATSPECIFIERISDEPRECATED"),
        ("/{d:hh}.csv", "E_CSC_USER_LOWERCASEHOURFORMATSPECIFIERSAREDEPRECATED"),
        ("/{d:h}.csv", "E_CSC_USER_LOWERCASEHOURFORMATSPECIFIERSAREDEPRECATED"),
        ("/{d:yy}.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/{}.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/{a b}.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/{a.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/a}.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/{a{b}}.csv", "E_CSC_USER_INVALIDFILENAME"),
        ("/{d}{d:yyyy}.csv", "E_CSC_USER_INVALIDFILENAME"),
    ],
)
def test_a_malformed_pattern_does_not_compile(pattern: str, code: str) -> None:
    span = Span(3, 9, 1, 4)
    with pytest.raises(CompileError) as caught:
        parse_file_set(ROOT + pattern, span)
    assert [(item.code, item.span) for item in caught.value.diagnostics] == [(code, span)]


def test_an_account_cannot_be_a_pattern() -> None:
    with pytest.raises(CompileError, match="folder and file names"):
        parse_file_set("adl://{name}.azuredatalakestore.net/a.csv")


@given(when=st.datetimes(min_value=datetime(1000, 1, 1)), name=st.text(alphabet="abc .[(*+", min_size=1))
def test_what_a_pattern_wrote_it_reads(when: datetime, name: str) -> None:
    when = when.replace(microsecond=0)
    path = f"/{when:%Y}/{when:%m%d}/{when.hour}-{when:%M%S}/{name}.csv"
    pattern = "/{d:yyyy}/{d:MM}{d:dd}/{d:H}-{d:mm}{d:ss}/{name}.csv"
    assert values(pattern, path) == {"d": when, "name": name}
