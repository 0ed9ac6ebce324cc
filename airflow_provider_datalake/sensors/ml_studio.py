"""The sensor that waits for a dataset of Azure ML Studio (classic)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.sensors.deferrable import DeferrableSensor
from airflow_provider_datalake.triggers.ml_studio import DatasetCondition, MLStudioDatasetTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.clients.ml_studio import Workspace
    from airflow_provider_datalake.hooks.ml_studio import MLStudioHook


class MLStudioDatasetSensor(DeferrableSensor):
    """
    Wait for a dataset to be there, to be newer than a time, or to have changed.

    :param dataset: the dataset's name; case matters (templated)
    :param newer_than: time that its newest version must be later than, as ``datetime`` or ISO text; UTC where
        it has no zone; None for any (templated)
    :param changed_since: id of a version that must no longer be the newest, e.g. what an upload gave as
        ``dataset_id``; None for any (templated)
    :param azureml_studio_conn_id: the connection (templated)
    :param deferrable: wait in the triggerer; the default is ``[operators] default_deferrable``
    """

    template_fields: Sequence[str] = ("dataset", "newer_than", "changed_since", "azureml_studio_conn_id")
    ui_color = "#e5dcff"

    def __init__(
        self,
        *,
        dataset: str,
        newer_than: datetime | str | None = None,
        changed_since: str | None = None,
        azureml_studio_conn_id: str = "azureml_studio_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dataset = dataset
        self.newer_than = newer_than
        self.changed_since = changed_since
        self.azureml_studio_conn_id = azureml_studio_conn_id
        self._client: Workspace | None = None

    @property
    def connection_id(self) -> str:
        """The connection's id, for messages."""
        return self.azureml_studio_conn_id

    @property
    def hook(self) -> MLStudioHook:
        """The hook; it reads the connection when it is used."""
        from airflow_provider_datalake.hooks.ml_studio import MLStudioHook

        return MLStudioHook(self.azureml_studio_conn_id)

    def is_met(self) -> bool:
        """Look whether it is so."""
        if self._client is None:
            self._client = self.hook.get_client()
        met, words = self._condition().look(self._client)
        self.log.info("%s", words)
        return met

    def trigger(self) -> MLStudioDatasetTrigger:
        """Make the trigger that goes on looking."""
        condition = self._condition()
        return MLStudioDatasetTrigger(
            conn_id=self.azureml_studio_conn_id,
            dataset=condition.dataset,
            newer_than=condition.newer_than,
            changed_since=condition.changed_since,
            poll_interval=self.poke_interval,
        )

    def _condition(self) -> DatasetCondition:
        newer = self.newer_than
        text = newer.isoformat() if isinstance(newer, datetime) else newer or ""
        return DatasetCondition(self.dataset, text, self.changed_since or "")
