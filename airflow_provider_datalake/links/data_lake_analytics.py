"""Links from a task to the pages of Data Lake Analytics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class DataLakeAnalyticsJobLink(BaseOperatorLink):
    """Show the job's page; the service's own portal is no more, the emulator has one."""

    name = "Data Lake Analytics job"
    # The operator pushes the address under this key at once, so that the link shows while the task runs.
    xcom_key = "data_lake_analytics_job"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Read the address that the operator has pushed.

        :param operator: the task's operator
        :param ti_key: the task instance
        :return: the address, empty when there is none
        """
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""
