"""The trigger that waits for tables and partitions of MaxCompute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.maxcompute_errors import service_errors
from airflow_provider_datalake.clients.maxcompute_specs import check_partition, has_partition
from airflow_provider_datalake.exceptions import ConfigurationError
from airflow_provider_datalake.triggers.polling import PollingTrigger

if TYPE_CHECKING:
    from collections.abc import Sequence

    from odps import ODPS


def hook_arguments(project: str | None, schema: str | None) -> dict[str, str]:
    """
    Give what the hook is made with for jobs in a project other than the connection's.

    :param project: takes precedence over the connection's project
    :param schema: takes precedence over the connection's schema
    :return: the arguments that are given
    """
    return {name: value for name, value in (("project", project), ("schema", schema)) if value}


def table_exists(client: ODPS, table: str, *, conn_id: str) -> bool:
    """
    Look whether a table exists.

    :param client: the PyODPS client
    :param table: the table's name, may be qualified
    :param conn_id: the connection's id, for messages
    :return: whether it does
    :raises NotFoundError: when the project does not exist: waiting would not help
    """
    from odps.errors import NoSuchObject, NoSuchProject

    if not table.strip():
        raise ConfigurationError("table must be the name of a table, it is empty")
    with service_errors(conn_id, f"look for table {table}"):
        try:
            client.get_table(table).reload()
        except NoSuchProject:
            raise
        except NoSuchObject:
            return False
    return True


def missing_partitions(client: ODPS, table: str, partitions: Sequence[str], *, conn_id: str) -> list[str]:
    """
    Look which partitions of a table do not exist.

    :param client: the PyODPS client
    :param table: the table's name, may be qualified
    :param partitions: partition specs
    :param conn_id: the connection's id, for messages
    :return: the specs of those that do not exist
    :raises NotFoundError: when the table does not exist
    :raises ConfigurationError: when a spec is malformed or does not fit the table
    """
    with service_errors(conn_id, f"look for partitions of table {table}"):
        remote = client.get_table(table)
        remote.reload()  # PyODPS keeps tables; one that was dropped meanwhile must not be waited for
        columns = [(column.name, str(column.type)) for column in remote.table_schema.partitions]
        specs = {spec: check_partition(spec, columns, table=table) or {} for spec in partitions}
        return [spec for spec, parts in specs.items() if not has_partition(remote, parts)]


class MaxComputeTableTrigger(PollingTrigger):
    """
    Wait until a table, or all of some partitions of it, exist.

    :param conn_id: the connection's id
    :param table: the table's name, may be qualified
    :param partitions: partition specs; None to wait for the table itself
    :param project: takes precedence over the connection's project
    :param schema: takes precedence over the connection's schema
    :param poll_interval: seconds between two looks
    """

    def __init__(
        self,
        *,
        conn_id: str,
        table: str,
        partitions: list[str] | None = None,
        project: str | None = None,
        schema: str | None = None,
        poll_interval: float = 60.0,
    ) -> None:
        super().__init__(poll_interval=poll_interval)
        self.conn_id = conn_id
        self.table = table
        self.partitions = partitions
        self.project = project
        self.schema = schema
        self._missing: list[str] = []

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give the class path and the arguments that make this trigger anew."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "conn_id": self.conn_id,
            "table": self.table,
            "partitions": self.partitions,
            "project": self.project,
            "schema": self.schema,
            "poll_interval": self.poll_interval,
        }

    @property
    def awaited(self) -> str:
        """What is waited for, for messages."""
        return f"table {self.table}"

    def is_met(self, client: ODPS) -> bool:
        """Look once."""
        if self.partitions is None:
            return table_exists(client, self.table, conn_id=self.conn_id)
        missing = missing_partitions(client, self.table, self.partitions, conn_id=self.conn_id)
        if missing and missing != self._missing:
            self.log.info("Still missing of table %s: %s", self.table, ", ".join(missing))
            self._missing = missing
        return not missing

    async def connect(self) -> ODPS:
        """Make the client from the connection as it is now."""
        from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook

        hook = MaxComputeHook(odps_conn_id=self.conn_id, project=self.project, schema=self.schema)
        return (await hook.aget_job_service()).client
