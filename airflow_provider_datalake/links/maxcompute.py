"""Links from a task to MaxCompute's own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class MaxComputeLogviewLink(BaseOperatorLink):
    """Show the instance's Logview page; the address is valid for a few hours after the submit."""

    name = "MaxCompute Logview"
    # The operator pushes the address under this key at once, so that the link shows while the task runs.
    xcom_key = "maxcompute_logview"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Read the address that the operator has pushed.

        :param operator: the task's operator
        :param ti_key: the task instance
        :return: the address, empty when there is none
        """
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""
