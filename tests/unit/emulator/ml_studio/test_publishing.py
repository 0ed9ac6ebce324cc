"""Datasets come to be at once or not at all, and their names are their own."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError
from airflow_provider_datalake.emulator.ml_studio.examples import example_datasets
from airflow_provider_datalake.emulator.ml_studio.models import DATA_TYPES, EXAMPLES, NewDataset
from airflow_provider_datalake.emulator.ml_studio.publishing import check_data_type
from tests.unit.emulator.ml_studio.studios import WORKSPACE, Studio, open_studio

if TYPE_CHECKING:
    from pathlib import Path


def test_a_dataset_survives_a_restart(tmp_path: Path):
    studio = open_studio(tmp_path)
    made = studio.create("d", b"a,b\n", b"1,2\n", description="words", owner="Python SDK", file_name="f.csv")
    studio.service.close()
    studio = open_studio(tmp_path)
    assert studio.service.dataset(WORKSPACE, made.id) == made
    assert studio.contents() == {"d": b"a,b\n1,2\n"}
    assert studio.pending() == []
    studio.service.close()


def test_a_new_version_takes_the_place_of_the_old_one(studio: Studio):
    first = studio.create("a", b"1")
    studio.create("b", b"2")
    second = studio.create("a", b"3", family=first.family, data_type="PlainText")
    assert studio.names() == ["a", "b"]
    assert second.id != first.id
    assert studio.contents() == {"a": b"3", "b": b"2"}
    assert studio.service.versions(WORKSPACE, first.family) == [
        second,
        studio.service.dataset(WORKSPACE, first.id),
    ]
    old = studio.service.dataset(WORKSPACE, first.id)
    assert (old.is_latest, old.version, old.path.read_bytes()) == (False, 0, b"1")
    assert (second.is_latest, second.version) == (True, 1)


def test_a_renamed_dataset_gives_its_name_free(studio: Studio):
    first = studio.create("old", b"1")
    studio.create("new", b"2", family=first.family)
    studio.create("old", b"3")
    assert studio.contents() == {"new": b"2", "old": b"3"}


@pytest.mark.parametrize("name", ["taken", example_datasets()[0].name])
def test_a_name_in_use_is_a_conflict_and_leaves_the_upload(studio: Studio, name: str):
    studio.create("taken", b"1")
    upload_id = studio.upload(b"2")
    with pytest.raises(StudioError, match="already exists") as raised:
        studio.service.publishing.create(WORKSPACE, upload_id, NewDataset(name, "GenericCSV"))
    assert raised.value.status == 409
    studio.service.publishing.create(WORKSPACE, upload_id, NewDataset("free", "GenericCSV"))
    assert studio.contents() == {"taken": b"1", "free": b"2"}


def test_names_differ_by_case(studio: Studio):
    studio.create("Name", b"1")
    studio.create("name", b"2")
    assert studio.contents() == {"Name": b"1", "name": b"2"}


def test_an_upload_becomes_one_dataset(studio: Studio):
    upload_id = studio.upload(b"1")

    def create(number: int) -> str:
        wanted = NewDataset(f"d{number}", "GenericCSV")
        try:
            return studio.service.publishing.create(WORKSPACE, upload_id, wanted).name
        except StudioError as error:
            return f"{error.status} {error.message}"

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(create, range(16)))
    (made,) = studio.service.datasets(WORKSPACE)[: -len(example_datasets())]
    refused = f"409 Upload {upload_id} has become dataset {made.id} already."
    assert sorted(results) == sorted([made.name, *[refused] * 15])


def test_updates_side_by_side_are_all_versions(studio: Studio):
    first = studio.create("d", b"0")
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda n: studio.create("d", b"%d" % n, family=first.family), range(16)))
    versions = studio.service.versions(WORKSPACE, first.family)
    assert [one.version for one in versions] == list(range(16, -1, -1))
    assert {one.path.read_bytes() for one in made} == {b"%d" % number for number in range(16)}
    assert studio.names() == ["d"]


def test_datasets_of_one_name_side_by_side_are_one(studio: Studio):
    def create(number: int) -> int:
        try:
            studio.create("d", b"%d" % number)
        except StudioError as error:
            return error.status
        return 200

    with ThreadPoolExecutor(8) as threads:
        assert sorted(threads.map(create, range(16))) == [200, *[409] * 15]
    assert len(studio.files()) == 1


@pytest.mark.parametrize(
    ("wanted", "status", "words"),
    [
        (NewDataset("", "GenericCSV"), 400, "Name of the DataSource is empty"),
        (NewDataset("a\nb", "GenericCSV"), 400, "none of which control anything"),
        (NewDataset("x" * 256, "GenericCSV"), 400, "up to 255 characters"),
        (NewDataset("d", "Parquet"), 400, "DataTypeId is one of .*; got 'Parquet'"),
        (NewDataset("d", "GenericCSV", family="emulator.unknown"), 404, "no dataset family"),
        (NewDataset("d", "GenericCSV", family=example_datasets()[0].family), 400, "cannot be changed"),
    ],
    ids=lambda value: value.name[:5] if isinstance(value, NewDataset) else None,
)
def test_what_cannot_be_made_is_refused_in_words(studio: Studio, wanted: NewDataset, status: int, words: str):
    upload_id = studio.upload(b"1")
    with pytest.raises(StudioError, match=words) as raised:
        studio.service.publishing.create(WORKSPACE, upload_id, wanted)
    assert raised.value.status == status
    assert studio.files() == set()


@settings(max_examples=30, deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_a_name_is_kept_as_it_is_or_refused(tmp_path_factory: pytest.TempPathFactory, name: str):
    studio = open_studio(tmp_path_factory.mktemp("names"))
    try:
        if name.strip() and not any(unicodedata.category(one) == "Cc" for one in name):
            studio.create(name, b"1")
            assert studio.names() == [name]
        else:
            with pytest.raises(StudioError, match="Name"):
                studio.create(name, b"1")
    finally:
        studio.service.close()


@given(st.text(max_size=20))
def test_only_the_service_s_formats_are_formats(data_type: str):
    if data_type in DATA_TYPES:
        check_data_type(data_type)
    else:
        with pytest.raises(StudioError, match="DataTypeId is one of"):
            check_data_type(data_type)


def test_a_deleted_dataset_leaves_nothing(studio: Studio):
    first = studio.create("d", b"1")
    studio.create("d", b"2", family=first.family)
    other = studio.create("e", b"3")
    studio.service.publishing.delete(WORKSPACE, first.family)
    assert studio.names() == ["e"]
    assert studio.files() == {other.id}
    for family in (first.family, example_datasets()[0].family):
        with pytest.raises(StudioError):
            studio.service.publishing.delete(WORKSPACE, family)


def test_contents_that_nobody_knows_are_removed_at_the_start(tmp_path: Path):
    studio = open_studio(tmp_path)
    made = studio.create("d", b"1")
    (made.path.parent / f"{WORKSPACE}.unknown").write_bytes(b"left by a crash")
    studio.service.close()
    studio = open_studio(tmp_path)
    assert studio.files() == {made.id}
    studio.service.close()


def test_examples_are_listed_in_every_workspace(studio: Studio):
    studio.service.create_workspace("other")
    for workspace in (WORKSPACE, "other"):
        found = studio.service.datasets(workspace)
        assert found == list(example_datasets())
        for one in found:
            assert one.id.startswith(EXAMPLES)
            assert studio.service.dataset(workspace, one.id) == one
            assert one.path.stat().st_size == one.size > 0


def test_a_workspace_does_not_see_another_one_s_datasets(studio: Studio):
    made = studio.create("d", b"1")
    studio.service.create_workspace("other")
    with pytest.raises(StudioError, match="There is no dataset"):
        studio.service.dataset("other", made.id)
    assert studio.service.versions("other", made.family) == []
