from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from airflow_provider_datalake.clients import ml_studio_download, ml_studio_upload
from airflow_provider_datalake.clients.ml_studio import Workspace
from airflow_provider_datalake.clients.ml_studio_calls import read_settings, studio_error
from airflow_provider_datalake.clients.ml_studio_formats import BadContents
from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo, Location, dataset_uri, read_date
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
    ServiceError,
    TransferError,
)
from tests.unit.clients.azure_fakes import answer
from tests.unit.clients.studio_fakes import BROKEN, CUT, EXAMPLE, LOST, FakeStudio, refusal


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    monkeypatch.setattr(ml_studio_upload, "BLOCK", 4)
    monkeypatch.setattr(ml_studio_download, "RANGE", 5)
    return FakeStudio()


# What there is


def test_datasets_are_listed_by_whose_they_are(studio: FakeStudio) -> None:
    studio.add("mine")
    studio.add("adult", Id=EXAMPLE)
    workspace = studio.workspace()
    assert [one.name for one in workspace.datasets] == ["mine", "adult"]
    assert [one.name for one in workspace.user_datasets] == ["mine"]
    assert [one.name for one in workspace.example_datasets] == ["adult"]
    assert len(workspace.datasets) == 2


def test_a_dataset_is_found_by_name_and_by_index(studio: FakeStudio) -> None:
    studio.add("one")
    studio.add("two")
    datasets = studio.workspace().datasets
    assert (datasets["two"].name, datasets[0].name, datasets[-1].name) == ("two", "one", "two")


@pytest.mark.parametrize("key", ["Two", 2, ""])
def test_what_there_is_not_is_not_found(studio: FakeStudio, key: Any) -> None:
    studio.add("two")
    with pytest.raises(NotFoundError, match="Connection 'studio': there is no dataset"):
        studio.workspace().datasets[key]


def test_metadata_has_every_field_of_the_wire() -> None:
    place = {"BaseUri": "https://b/", "Location": "x", "AccessCredential": "?sig=s", "Size": 3, "Name": "n"}
    info = DatasetInfo.from_json(
        {
            "Id": "w.1",
            "Name": "n",
            "DataTypeId": "ARFF",
            "Description": None,
            "FamilyId": "f",
            "Size": 12,
            "SourceOrigin": "FromResourceUpload",
            "CreatedDate": "/Date(1418444668177)/",
            "Owner": "o",
            "ExperimentId": "e",
            "ClientVersion": "c",
            "PromotedFrom": "p",
            "UploadedFromFilename": "u",
            "ServiceVersion": 4,
            "IsLatest": False,
            "Category": "g",
            "IsDeprecated": True,
            "Culture": "k",
            "Batch": 2,
            "CreatedDateTicks": 63,
            "ResourceUploadId": "r",
            "SchemaStatus": "s",
            "VisualizeEndPoint": None,
            "SchemaEndPoint": place,
            "DownloadLocation": place,
        }
    )
    location = Location("https://b/", "x", "?sig=s", "n", 3)
    assert info == DatasetInfo(
        id="w.1",
        name="n",
        data_type_id="ARFF",
        family_id="f",
        size=12,
        created_date=datetime(2014, 12, 13, 4, 24, 28, 177000, UTC),
        created_date_ticks=63,
        owner="o",
        source_origin="FromResourceUpload",
        resource_upload_id="r",
        experiment_id="e",
        client_version="c",
        promoted_from="p",
        uploaded_from_filename="u",
        service_version=4,
        is_latest=False,
        category="g",
        is_deprecated=True,
        culture="k",
        batch=2,
        schema_status="s",
        download_location=location,
        schema_end_point=location,
    )
    assert location.url == "https://b/x?sig=s"


def test_what_grants_access_is_not_shown() -> None:
    info = DatasetInfo("w.1", "n", "ARFF", download_location=Location("https://b/", "x", "?sig=s3cret"))
    assert "s3cret" not in repr(info)


@pytest.mark.parametrize(
    "found", [None, {}, {"Id": "1", "Name": "n", "DataTypeId": "x", "CreatedDate": "no"}]
)
def test_an_answer_that_is_no_dataset_is_an_error(found: Any) -> None:
    with pytest.raises(ServiceError, match="cannot be read"):
        DatasetInfo.from_json(found)


def test_dates_before_the_epoch_and_without_one() -> None:
    assert read_date("/Date(-1)/") == datetime(1969, 12, 31, 23, 59, 59, 999000, UTC)
    assert read_date(None) == datetime(1970, 1, 1, tzinfo=UTC)


def test_a_dataset_has_an_uri() -> None:
    assert dataset_uri("w", "flights 2013/Ü") == "azureml-studio://w/flights%202013%2F%C3%9C"


# Reading


def test_contents_are_read_as_bytes_text_stream_and_frame(studio: FakeStudio) -> None:
    studio.add("d", b"\xef\xbb\xbfa, b\n1, 2\n")
    found = studio.workspace().datasets["d"]
    assert found.read_binary() == b"\xef\xbb\xbfa, b\n1, 2\n"
    assert found.read_text() == "a, b\n1, 2\n"
    assert found.to_dataframe().to_dict("list") == {"a": [1], "b": [2]}
    with found.open() as file:
        assert (file.read(4), file.read()) == (b"\xef\xbb\xbfa", b", b\n1, 2\n")


def test_an_answer_that_breaks_off_is_gone_on_with(studio: FakeStudio) -> None:
    studio.add("d", b"0123456789")
    studio.fates["blob"] = [CUT, CUT]
    assert studio.workspace().datasets["d"].read_binary() == b"0123456789"
    ranges = [request.headers["Range"] for request in studio.requests if request.op == "blob"]
    assert ranges == ["bytes=0-9", "bytes=5-9", "bytes=7-9"]


def test_an_answer_that_always_breaks_off_at_once_is_an_error(studio: FakeStudio) -> None:
    studio.add("d", b"0")
    studio.fates["blob"] = [CUT] * 4
    with pytest.raises(TransferError, match="Connection 'studio': dataset 'd': the answer ended too early"):
        studio.workspace().datasets["d"].read_binary()


def test_contents_with_fewer_bytes_than_the_service_says_are_an_error(studio: FakeStudio) -> None:
    studio.add("d", b"0123", Size=5)
    with pytest.raises(TransferError, match="gave 4 bytes from 0 on, not 5"):
        studio.workspace().datasets["d"].read_binary()


def test_an_address_that_has_expired_is_asked_for_again(studio: FakeStudio) -> None:
    studio.add("d", b"0123")
    found = studio.workspace().datasets["d"]
    studio.signature = "?sig=2"
    assert found.read_binary() == b"0123"
    assert studio.ops() == ["list", "blob", "get", "blob"]


def test_the_token_does_not_go_to_the_storage() -> None:
    workspace = Workspace("w", "t0ken", "http://studio")
    assert workspace.calls._storage("http://blobs/x")._authorize() == {}


def test_empty_contents_need_no_request(studio: FakeStudio) -> None:
    studio.add("d", b"")
    assert studio.workspace().datasets["d"].read_binary() == b""
    assert studio.ops() == ["list"]


def test_text_that_is_no_utf_8_is_refused(studio: FakeStudio) -> None:
    studio.add("d", b"\xff")
    with pytest.raises(BadContents, match="no UTF-8: byte 0 is invalid"):
        studio.workspace().datasets["d"].read_text()


def test_arff_cannot_become_a_frame(studio: FakeStudio) -> None:
    studio.add("d", DataTypeId="ARFF")
    with pytest.raises(ConfigurationError, match="ARFF"):
        studio.workspace().datasets["d"].to_dataframe()


def test_a_download_comes_in_ranges(studio: FakeStudio, tmp_path: Any) -> None:
    studio.add("d", bytes(range(12)))
    with (tmp_path / "f").open("wb") as file:
        assert studio.workspace().datasets["d"].download(file) == 12
    assert (tmp_path / "f").read_bytes() == bytes(range(12))
    ranges = {request.headers["Range"] for request in studio.requests if request.op == "blob"}
    assert ranges == {"bytes=0-4", "bytes=5-9", "bytes=10-11"}


def test_a_download_to_a_file_that_is_none_of_the_system_comes_in_order(studio: FakeStudio) -> None:
    studio.add("d", bytes(range(12)))
    file = io.BytesIO()
    assert studio.workspace().datasets["d"].download(file) == 12
    assert file.getvalue() == bytes(range(12))


def test_what_a_module_has_given_is_read(studio: FakeStudio) -> None:
    studio.outputs[("e", "n", "Results dataset")] = b"a\n1\n"
    found = studio.workspace().intermediate_dataset("e", "n", "Results dataset", "GenericCSV")
    studio.fates["output"] = [CUT]
    assert found.to_dataframe().to_dict("list") == {"a": [1]}


def test_what_no_module_has_given_is_not_found(studio: FakeStudio) -> None:
    found = studio.workspace().intermediate_dataset("e", "n", "p", "GenericCSV")
    with pytest.raises(NotFoundError, match="read output 'p' of node n of experiment e"):
        found.read_binary()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("", "n", "p", "ARFF"), "experiment_id"), (("e", "n", "p", "Dataset"), "one of ARFF")],
    ids=["no experiment", "unknown format"],
)
def test_an_output_must_be_named_whole(studio: FakeStudio, arguments: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        studio.workspace().intermediate_dataset(*arguments)


def test_experiments_are_listed(studio: FakeStudio) -> None:
    studio.experiments = [
        {
            "ExperimentId": "w.f-id.1",
            "Description": "words",
            "Creator": "me",
            "IsArchived": False,
            "Status": {"StatusCode": "Finished", "CreationTime": "/Date(0)/"},
        }
    ]
    found = studio.workspace().experiments[0]
    assert (found.id, found.status, found.is_example) == ("w.f-id.1", "Finished", False)


# Writing


def test_bytes_go_up_in_blocks(studio: FakeStudio) -> None:
    made = studio.workspace().create("d", b"0123456789", data_type_id="PlainText", description="words")
    assert (made.name, made.read_binary(), made.description) == ("d", b"0123456789", "words")
    assert studio.uploads == {"u0": {0: b"0123", 1: b"4567", 2: b"89"}}
    blocks = [request for request in studio.requests if request.op == "block"]
    assert {request.query["numberOfBlocks"] for request in blocks} == {3}


def test_no_bytes_are_no_blocks(studio: FakeStudio) -> None:
    assert studio.workspace().create("d", b"", data_type_id="PlainText").size == 0
    assert "block" not in studio.ops()


def test_a_file_goes_up_from_where_it_is(studio: FakeStudio) -> None:
    file = io.BytesIO(b"--0123456789")
    file.seek(2)
    assert studio.workspace().create("d", file, data_type_id="ARFF").read_binary() == b"0123456789"


class Stream(io.RawIOBase):
    """A file that cannot seek and gives little at a time."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece, self.left = self.left[:3], self.left[3:]
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_stream_of_unknown_size_goes_up(studio: FakeStudio) -> None:
    made = studio.workspace().create("d", Stream(b"0123456789"), data_type_id="ARFF")
    assert made.read_binary() == b"0123456789"


@pytest.mark.parametrize("size", [9, 11], ids=["grown", "shrunk"])
def test_a_file_of_another_size_makes_no_dataset(studio: FakeStudio, size: int) -> None:
    with pytest.raises(TransferError, match="were expected"):
        ml_studio_upload.upload(studio.workspace().calls, Stream(b"0123456789"), size, "ARFF")
    assert studio.datasets == []


def test_a_used_name_is_refused_before_anything_is_sent(studio: FakeStudio) -> None:
    studio.add("d")
    with pytest.raises(ConflictError, match="Connection 'studio': there is a dataset 'd' already"):
        studio.workspace().create("d", b"1", data_type_id="ARFF")
    assert studio.ops() == ["list"]


def test_a_name_that_is_taken_meanwhile_is_a_conflict(studio: FakeStudio) -> None:
    studio.before["create"] = lambda: studio.add("d") and None
    with pytest.raises(ConflictError, match="create dataset 'd': NameUsed"):
        studio.workspace().create("d", b"1", data_type_id="ARFF")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", None])
def test_a_dataset_needs_a_name(studio: FakeStudio, name: Any) -> None:
    with pytest.raises(ConfigurationError, match="needs a name of printable characters"):
        studio.workspace().create(name, b"1", data_type_id="ARFF")


def test_only_what_is_safe_is_repeated_blindly(studio: FakeStudio) -> None:
    studio.workspace().create("d", b"1", data_type_id="ARFF")
    assert {(request.op, request.repeatable) for request in studio.requests} == {
        ("list", True),
        ("begin", True),
        ("block", True),
        ("create", False),
        ("get", True),
    }


@pytest.mark.parametrize(
    ("fates", "creates"), [([LOST], 1), ([BROKEN], 2), ([BROKEN, LOST], 2), ([BROKEN, BROKEN, BROKEN], 4)]
)
def test_a_lost_answer_leaves_one_dataset(studio: FakeStudio, fates: list[str], creates: int) -> None:
    studio.fates["create"] = fates
    made = studio.workspace().create("d", b"1", data_type_id="ARFF")
    assert [one["Id"] for one in studio.datasets] == [made.id]
    assert studio.ops().count("create") == creates


def test_a_request_that_arrives_late_leaves_one_dataset(studio: FakeStudio) -> None:
    def late() -> None:
        first = next(request for request in studio.requests if request.op == "create")
        studio._create(first)

    studio.fates["create"] = [BROKEN]
    studio.before["list"] = lambda: None
    workspace = studio.workspace()
    original = studio._list
    lists: list[int] = []

    def listing(request: Any) -> Any:
        lists.append(1)
        if len(lists) == 2:
            # It is carried out after we have looked and before we ask again.
            studio.before["create"] = late
        return original(request)

    studio._list = listing  # type: ignore[method-assign]
    made = workspace.create("d", b"1", data_type_id="ARFF")
    assert [one["Id"] for one in studio.datasets] == [made.id]


def test_a_service_that_never_answers_is_an_error(studio: FakeStudio) -> None:
    studio.fates["create"] = [BROKEN] * 4
    with pytest.raises(ServiceError, match="Connection 'studio'"):
        studio.workspace().create("d", b"1", data_type_id="ARFF")
    assert studio.datasets == []


def test_an_update_keeps_what_is_not_said(studio: FakeStudio) -> None:
    old = studio.add("d", Description="old words")
    made = studio.workspace().datasets["d"].update(b"x,y\n")
    assert (made.name, made.data_type_id, made.description) == ("d", "GenericCSV", "old words")
    assert made.family_id == old["FamilyId"]
    assert made.id != old["Id"]
    assert [one["Id"] for one in studio.datasets] == [made.id]


def test_an_update_can_change_all(studio: FakeStudio) -> None:
    studio.add("d")
    workspace = studio.workspace()
    frame = pd.DataFrame({"a": [1]})
    made = workspace.datasets["d"].update_from_dataframe(
        frame, data_type_id="GenericTSVNoHeader", name="e", description=""
    )
    assert (made.name, made.data_type_id, made.description) == ("e", "GenericTSVNoHeader", "")
    assert made.read_binary() == b"1\n"
    with pytest.raises(NotFoundError):
        workspace.datasets["d"]


def test_a_rename_onto_another_dataset_is_a_conflict(studio: FakeStudio) -> None:
    studio.add("d")
    studio.add("e")
    with pytest.raises(ConflictError, match="NameUsed"):
        studio.workspace().datasets["d"].update(b"1", name="e")


def test_an_example_cannot_be_changed(studio: FakeStudio) -> None:
    studio.add("adult", Id=EXAMPLE)
    with pytest.raises(ConfigurationError, match="'adult' is an example dataset"):
        studio.workspace().datasets["adult"].update(b"1")
    assert studio.ops() == ["list"]


def test_a_frame_becomes_a_dataset(studio: FakeStudio) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    made = studio.workspace().create_from_dataframe("d", frame, data_type_id="GenericCSV")
    assert made.to_dataframe().equals(frame)


@pytest.mark.parametrize("threads", [0, 65, True, "4"])
def test_the_number_of_threads_is_checked(studio: FakeStudio, threads: Any) -> None:
    with pytest.raises(ConfigurationError, match="threads must be an integer from 1 to 64"):
        studio.workspace().create("d", b"1", data_type_id="ARFF", threads=threads)


# The connection and the service's errors


def settings(**fields: Any) -> Any:
    return read_settings(**{"conn_id": "c", "host": "", "login": "w", "password": "t", "extra": {}, **fields})


def test_without_host_it_is_the_services_own() -> None:
    assert settings().endpoint == "https://studio.azureml.net"


def test_the_token_is_not_shown() -> None:
    assert "s3cret" not in repr(settings(password="s3cret"))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"host": "studio"}, "field 'host': expected an http:// or https:// URL, found 'studio'"),
        ({"login": ""}, "field 'login': missing: give the workspace's id"),
        ({"login": "a/b"}, "field 'login': expected a workspace's id"),
        ({"password": " "}, "field 'password': missing"),
        ({"password": "t\u00fc"}, "field 'password': an authorization token has"),
        ({"extra": {"read_timeout": 0}}, "field 'read_timeout': expected a number of seconds"),
        ({"extra": {"proxy": "p"}}, "field 'proxy'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_a_wrong_field_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=f"Connection 'c', {words}"):
        settings(**fields)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ConfigurationError),
        (401, AuthenticationError),
        (403, AuthenticationError),
        (404, NotFoundError),
        (409, ConflictError),
        (429, ServiceError),
        (500, ServiceError),
    ],
)
def test_a_refusal_is_a_typed_error(status: int, kind: type[Exception]) -> None:
    error = studio_error(refusal(status, "Code", "some  words"))
    assert type(error) is kind
    assert (str(error), error.code) == (f"Code: some words (HTTP {status})", "Code")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"Code": "C", "Message": "m"}', "C: m"),
        ('"just words"', "just words"),
        ("<html>", "<html>"),
        ("", "no message"),
        ("<?xml version='1.0'?><Error><Code>C</Code><Message>m\nRequestId:1</Message></Error>", "C: m"),
    ],
    ids=["object", "text", "markup", "nothing", "storage"],
)
def test_an_error_of_any_form_is_read(body: str, words: str) -> None:
    assert str(studio_error(answer(400, body))) == f"{words} (HTTP 400)"


def test_a_dataset_of_the_emulator_has_a_page() -> None:
    workspace = Workspace("w", "t", "http://127.0.0.1:8765/studio/")
    assert workspace.page("w.1f") == "http://127.0.0.1:8765/datasets/w/w.1f"


def test_a_dataset_of_the_service_itself_has_no_page_any_more() -> None:
    assert Workspace("w", "t", "https://studio.azureml.net").page("w.1f") is None
