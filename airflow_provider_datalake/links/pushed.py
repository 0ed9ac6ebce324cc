"""What all links have in common: the task has pushed the address."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class PushedLink(BaseOperatorLink):
    """Show a page whose address the operator has pushed under the link's own key."""

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """
        Read the address that the operator has pushed.

        :param operator: the task's operator
        :param ti_key: the task instance
        :return: the address, empty when there is none
        """
        from airflow.sdk.execution_time.xcom import XCom

        return XCom.get_value(ti_key=ti_key, key=self.xcom_key) or ""
