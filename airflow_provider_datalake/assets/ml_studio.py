"""Assets that are datasets of Azure ML Studio (classic): ``azureml-studio://{workspace id}/{name}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from airflow_provider_datalake.clients.ml_studio_models import SCHEME, dataset_uri

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from airflow.sdk import Asset


def create_asset(*, workspace_id: str, dataset: str, extra: dict[str, Any] | None = None) -> Asset:
    """
    Make the asset of a dataset.

    :param workspace_id: the workspace
    :param dataset: the dataset's name; case matters
    :param extra: what goes with the asset
    :return: the asset
    """
    from airflow.sdk import Asset

    return Asset(uri=dataset_uri(workspace_id, dataset), extra=extra or {})


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """
    Write a URI in its one form, so that equal datasets are equal assets.

    :param uri: as a DAG author wrote it
    :return: the same, with the name percent-encoded
    :raises ValueError: when it names no dataset
    """
    if not uri.netloc:
        raise ValueError(f"URI format {SCHEME}:// must contain a workspace's id")
    name = unquote(uri.path.removeprefix("/"))
    if not name:
        raise ValueError(f"URI format {SCHEME}:// must contain a dataset's name after the workspace's id")
    return uri._replace(path=f"/{quote(name, safe='')}")
