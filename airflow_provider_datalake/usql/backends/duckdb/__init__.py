"""Runs plans in DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.plan import Plan
    from airflow_provider_datalake.usql.results import RunResult
    from airflow_provider_datalake.usql.workspace import Workspace


def run(plan: Plan, workspace: Workspace) -> RunResult:
    """
    Run a plan.

    :param plan: a script that compiled
    :param workspace: the job's files, catalog and scratch directory
    :return: files and changes, which nobody sees before the caller commits them
    :raises UsqlRuntimeError: when the data is not as the script expects; whatever ``workspace.check`` raises
        passes through
    """
    from airflow_provider_datalake.usql.backends.duckdb.runner import Runner

    return Runner(plan, workspace).run()
