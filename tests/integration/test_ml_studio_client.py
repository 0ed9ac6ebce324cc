"""The client and the hook against a running service: whole data sets both ways, once each, whatever gets lost."""

from __future__ import annotations

import hashlib
import io
import os
import uuid
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from airflow_provider_datalake.clients import ml_studio_download, ml_studio_upload
from airflow_provider_datalake.clients.ml_studio_formats import TABULAR
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    NotFoundError,
)
from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
from tests.integration.studio_connections import as_variable, connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow_provider_datalake.clients.ml_studio import Workspace
    from tests.integration.conftest import Emulator

FRAME = pd.DataFrame(
    {
        "whole": [1, -2, 3],
        "float": [0.1, np.nan, 1e-7],
        "text": ["a, b", 'ü\n"x"', "plain"],
        "flag": [True, False, True],
    }
)


@pytest.fixture
def workspace(emulator: Emulator) -> Workspace:
    return connect(emulator)


@pytest.fixture
def name() -> str:
    """A name that no other test uses."""
    return f"flights & Ü/{uuid.uuid4().hex}"


def versions(workspace: Workspace, name: str) -> list[str]:
    return [one.id for one in workspace.datasets if one.name == name]


@pytest.mark.parametrize("data_type_id", TABULAR)
def test_a_frame_goes_and_comes(workspace: Workspace, name: str, data_type_id: str) -> None:
    made = workspace.create_from_dataframe(name, FRAME, data_type_id=data_type_id, description="words")
    found = workspace.datasets[name]
    assert (found.id, found.data_type_id, found.description) == (made.id, data_type_id, "words")
    frame = found.to_dataframe()
    assert frame.to_numpy().tolist()[0] == FRAME.to_numpy().tolist()[0]
    assert frame.shape == FRAME.shape
    assert frame.iloc[:, 2].tolist() == FRAME["text"].tolist()


def test_the_example_datasets_are_there_and_cannot_be_changed(workspace: Workspace) -> None:
    examples = list(workspace.example_datasets)
    assert examples
    assert not {one.id for one in examples} & {one.id for one in workspace.user_datasets}
    assert len(examples[0].read_binary()) == examples[0].size
    with pytest.raises(ConfigurationError, match="example dataset"):
        examples[0].update(b"x")


def test_a_dataset_tells_about_itself(workspace: Workspace, name: str) -> None:
    info = workspace.create(name, b"a\n1\n", data_type_id="GenericCSV").info
    assert info.size == 4
    assert info.id.startswith("emulator.")
    assert info.family_id
    assert info.is_latest
    assert info.source_origin == "FromResourceUpload"
    assert abs((pd.Timestamp.now("UTC") - info.created_date).total_seconds()) < 60


@pytest.mark.parametrize("size", [0, 1, 2**21, 2**21 + 1, 7_000_000])
def test_bytes_of_any_size_go_and_come(workspace: Workspace, name: str, tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    made = workspace.create(name, io.BytesIO(data), data_type_id="PlainText")
    assert made.size == size
    assert made.read_binary() == data
    with (tmp_path / "f").open("wb") as file:
        made.download(file)
    assert (tmp_path / "f").read_bytes() == data


def test_ranges_come_side_by_side(
    workspace: Workspace, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ml_studio_download, "RANGE", 100_000)
    data = os.urandom(1_234_567)
    made = workspace.create(name, data, data_type_id="PlainText")
    with (tmp_path / "f").open("wb") as file:
        made.download(file, threads=8)
    assert (tmp_path / "f").read_bytes() == data


def test_an_update_makes_a_new_version_in_the_place_of_the_old(workspace: Workspace, name: str) -> None:
    old = workspace.create(name, b"a\n1\n", data_type_id="GenericCSV", description="words")
    new = old.update_from_dataframe(FRAME)
    assert (new.family_id, new.name, new.data_type_id, new.description) == (
        old.family_id,
        name,
        "GenericCSV",
        "words",
    )
    assert versions(workspace, name) == [new.id]
    assert new.id != old.id


def test_a_renamed_dataset_has_its_new_name_only(workspace: Workspace, name: str) -> None:
    old = workspace.create(name, b"a\n1\n", data_type_id="GenericCSV")
    new = old.update(b"a\t2\n", data_type_id="GenericTSVNoHeader", name=f"{name} v2", description="feb")
    assert workspace.datasets[f"{name} v2"].id == new.id
    assert (new.data_type_id, new.description, new.read_text()) == ("GenericTSVNoHeader", "feb", "a\t2\n")
    with pytest.raises(NotFoundError, match="there is no dataset"):
        workspace.datasets[name]


def test_names_are_case_sensitive(workspace: Workspace, name: str) -> None:
    workspace.create(name, b"1", data_type_id="PlainText")
    assert workspace.find(name.upper()) is None
    assert workspace.create(name.upper(), b"2", data_type_id="PlainText").read_text() == "2"


def test_a_used_name_is_a_conflict(workspace: Workspace, name: str) -> None:
    workspace.create(name, b"1", data_type_id="PlainText")
    with pytest.raises(ConflictError, match=f"Connection 'emulator': there is a dataset '{name}' already"):
        workspace.create(name, b"2", data_type_id="PlainText")
    sent = ml_studio_upload.upload(workspace.calls, io.BytesIO(b"2"), 1, "PlainText")
    with pytest.raises(ConflictError, match="Connection 'emulator': create dataset"):
        ml_studio_upload.create_once(workspace.calls, sent.upload_id, name, "PlainText", "", None)


def test_a_wrong_token_is_refused(emulator: Emulator) -> None:
    with pytest.raises(AuthenticationError, match="Connection 'emulator': list datasets") as refused:
        list(connect(emulator, "s3cret-token").datasets)
    assert "s3cret" not in str(refused.value)


def test_what_is_not_there_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError):
        workspace.dataset("emulator.0123")
    with pytest.raises(NotFoundError):
        workspace.intermediate_dataset("emulator.f-id.0", "n", "Results dataset", "GenericCSV").read_binary()


def test_an_upload_becomes_one_dataset(workspace: Workspace, name: str) -> None:
    sent = ml_studio_upload.upload(workspace.calls, io.BytesIO(b"1"), 1, "PlainText")
    ml_studio_upload.create_once(workspace.calls, sent.upload_id, name, "PlainText", "", None)
    with pytest.raises(ConflictError):
        ml_studio_upload.create_once(workspace.calls, sent.upload_id, f"{name} 2", "PlainText", "", None)
    assert versions(workspace, f"{name} 2") == []
    assert ml_studio_upload.find_by_upload(workspace.calls, sent.upload_id) is not None


@pytest.mark.parametrize("kind", ["500", "503", "reset", "lost", "truncated"])
def test_in_a_bad_network_there_is_one_dataset_with_the_same_bytes(
    own_emulator: Callable[..., Emulator], tmp_path: Path, kind: str
) -> None:
    emulator = own_emulator("own", "--faults", f"0.2:{kind}@/studio/*", "--fault-seed", "7")
    workspace = connect(emulator)
    data = os.urandom(20_000_000)
    made = workspace.create("d", data, data_type_id="PlainText")
    made = made.update(data[1:])
    with (tmp_path / "f").open("wb") as file:
        made.download(file)
    assert hashlib.sha256((tmp_path / "f").read_bytes()).digest() == hashlib.sha256(data[1:]).digest()
    assert versions(workspace, "d") == [made.id]


# The hook


@pytest.fixture
def hook(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> MLStudioHook:
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", as_variable(emulator))
    return MLStudioHook()


def test_the_connection_can_be_tested(hook: MLStudioHook, monkeypatch: pytest.MonkeyPatch) -> None:
    ok, words = hook.test_connection()
    assert ok, words
    assert words.startswith("Workspace emulator at ")
    variable: Any = os.environ["AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT"].replace("emulator-token", "s3cret")
    monkeypatch.setenv("AIRFLOW_CONN_AZUREML_STUDIO_DEFAULT", variable)
    ok, words = MLStudioHook().test_connection()
    assert not ok
    assert words.startswith("Connection 'azureml_studio_default': list datasets")
    assert "s3cret" not in words


def test_frames_go_and_come_through_the_hook(hook: MLStudioHook, name: str) -> None:
    hook.create(name, FRAME, data_type_id="GenericCSV")
    hook.update(name, FRAME[["whole"]])
    assert hook.read_dataframe(name).equals(FRAME[["whole"]])
