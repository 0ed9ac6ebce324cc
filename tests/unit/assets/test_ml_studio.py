"""Datasets as assets: one form of the URI for one dataset."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from airflow.sdk import Asset
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.assets.ml_studio import create_asset, sanitize_uri
from airflow_provider_datalake.clients.ml_studio_models import dataset_uri


def test_an_asset_is_made_of_workspace_and_name() -> None:
    asset = create_asset(workspace_id="w", dataset="flights 2013", extra={"k": 1})
    assert (asset.uri, asset.extra) == ("azureml-studio://w/flights%202013", {"k": 1})


@pytest.mark.parametrize("written", ["azureml-studio://w/a b%2Fc", "azureml-studio://w/a%20b/c"])
def test_a_uri_is_written_in_one_form(written: str) -> None:
    assert Asset(written).uri == "azureml-studio://w/a%20b%2Fc"


@pytest.mark.parametrize(
    ("written", "words"),
    [("azureml-studio:///d", "a workspace's id"), ("azureml-studio://w", "a dataset's name")],
)
def test_a_uri_must_name_a_dataset(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Asset(written)


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1))
def test_what_was_made_of_a_name_stays_as_it_is(name: str) -> None:
    made = dataset_uri("w", name)
    assert sanitize_uri(urlsplit(made)).geturl() == made
