"""How a failure of a service becomes one of a task."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def failures_of(conn_id: str) -> Iterator[None]:
    """
    Name the connection, and let Airflow know what no retry can mend.

    :param conn_id: the connection's id
    :raises AirflowFailException: for an error that would come again
    """
    try:
        yield
    except DataLakeError as error:
        error.name_connection(conn_id)
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error
