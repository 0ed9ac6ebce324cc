"""The hook for Azure ML Studio (classic): the one place that knows the connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import BaseHook

from airflow_provider_datalake.clients.connection_fields import parse_extra
from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    import pandas as pd
    from airflow.sdk import Connection

    from airflow_provider_datalake.clients.ml_studio import Contents, Dataset, Workspace
    from airflow_provider_datalake.clients.ml_studio_calls import StudioSettings


class MLStudioHook(BaseHook):
    """
    Interact with a workspace of Azure ML Studio (classic).

    The constructor does no I/O. ``get_client`` gives the whole workspace; the other methods cover what tasks
    do most, and tell Airflow's lineage what they read and write.

    :param azureml_studio_conn_id: the connection's id
    """

    conn_name_attr = "azureml_studio_conn_id"
    default_conn_name = "azureml_studio_default"
    conn_type = "azureml_studio"
    hook_name = "Azure ML Studio (classic)"

    def __init__(self, azureml_studio_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.azureml_studio_conn_id = azureml_studio_conn_id
        self._client: Workspace | None = None

    def settings(self) -> StudioSettings:
        """
        Read and check the connection.

        :return: its settings
        :raises ConfigurationError: when a field is missing or invalid; the message names it
        """
        connection = self.get_connection(self.azureml_studio_conn_id)
        parse_extra(connection.extra, conn_id=self.azureml_studio_conn_id)
        return self._settings(connection, connection.extra_dejson)

    def _settings(self, connection: Connection, extra: dict[str, Any]) -> StudioSettings:
        from airflow_provider_datalake.clients.ml_studio_calls import read_settings

        return read_settings(
            conn_id=self.azureml_studio_conn_id,
            host=connection.host,
            login=connection.login,
            password=connection.password,
            extra=extra,
        )

    def get_client(self) -> Workspace:
        """
        Get the client; one for all calls of the hook.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        from airflow_provider_datalake.clients.ml_studio import Workspace

        if self._client is None:
            self._client = Workspace(settings=self.settings())
        return self._client

    async def aget_client(self) -> Workspace:
        """
        Build a client from a trigger, without blocking its event loop.

        :return: the client
        :raises ConfigurationError: when a field of the connection is missing or invalid
        """
        if self._client is None:
            connection = await self.aget_connection(self.azureml_studio_conn_id)
            parse_extra(connection.extra, conn_id=self.azureml_studio_conn_id)
            settings = self._settings(connection, await connection.aextra_dejson())
            self._client = await asyncio.to_thread(_connect, settings)
        return self._client

    def test_connection(self) -> tuple[bool, str]:
        """
        List the datasets once.

        :return: whether the service answered, and a message for the person who asked
        """
        from dataclasses import replace

        from airflow_provider_datalake.clients.http import RetryPolicy

        try:
            settings = self.settings()
            # The person who asked is waiting for the answer.
            once = replace(settings.transport, read_timeout=15.0, policy=RetryPolicy(attempts=1))
            count = len(_connect(replace(settings, transport=once)).datasets)
        except DataLakeError as error:
            return False, str(error)
        return True, f"Workspace {settings.workspace_id} at {settings.endpoint} answers: {count} datasets"

    def read_dataframe(self, dataset: str) -> pd.DataFrame:
        """
        Read a dataset into memory.

        :param dataset: its name; case matters
        :return: the data
        :raises NotFoundError: when there is none
        :raises BadContents: when the contents are not what the format says
        """
        found = self.get_client().datasets[dataset]
        frame = found.to_dataframe()
        self.tell_lineage("input", dataset)
        return frame

    def create(
        self, dataset: str, contents: Contents | pd.DataFrame, *, data_type_id: str, description: str = ""
    ) -> Dataset:
        """
        Create a dataset.

        :param dataset: its name, not used yet
        :param contents: bytes, an open binary file, or a DataFrame
        :param data_type_id: the format
        :param description: a person's words
        :return: the dataset
        :raises ConflictError: when there is a dataset of that name
        """
        client, given = self.get_client(), cast("Any", contents)
        create = client.create_from_dataframe if _is_frame(contents) else client.create
        made: Dataset = create(dataset, given, data_type_id=data_type_id, description=description)
        self.tell_lineage("output", dataset)
        return made

    def update(
        self,
        dataset: str,
        contents: Contents | pd.DataFrame,
        *,
        data_type_id: str | None = None,
        name: str | None = None,
        description: str | None = None,
    ) -> Dataset:
        """
        Replace the contents of a dataset: a new version takes its place.

        :param dataset: its name; case matters
        :param contents: bytes, an open binary file, or a DataFrame
        :param data_type_id: the format, None for the one that it has
        :param name: a new name, None for the one that it has
        :param description: a person's words, None for those that it has
        :return: the new version
        :raises NotFoundError: when there is none
        :raises ConflictError: when another dataset has the new name
        """
        found = self.get_client().datasets[dataset]
        given = cast("Any", contents)
        update = found.update_from_dataframe if _is_frame(contents) else found.update
        made: Dataset = update(given, data_type_id=data_type_id, name=name, description=description)
        self.tell_lineage("output", made.name)
        return made

    def uri(self, dataset: str) -> str:
        """
        Name a dataset as an asset.

        :param dataset: its name
        :return: the URI
        """
        from airflow_provider_datalake.clients.ml_studio_models import dataset_uri

        return dataset_uri(self.get_client().workspace_id, dataset)

    def tell_lineage(self, side: str, dataset: str) -> None:
        """
        Tell Airflow what a task reads or writes.

        :param side: ``input`` or ``output``
        :param dataset: the dataset's name
        """
        from airflow.sdk.lineage import get_hook_lineage_collector

        collector = get_hook_lineage_collector()
        add = collector.add_output_asset if side == "output" else collector.add_input_asset
        add(context=self, uri=self.uri(dataset))


def _connect(settings: StudioSettings) -> Workspace:
    from airflow_provider_datalake.clients.ml_studio import Workspace

    return Workspace(settings=settings)


def _is_frame(contents: object) -> bool:
    return hasattr(contents, "to_csv")
