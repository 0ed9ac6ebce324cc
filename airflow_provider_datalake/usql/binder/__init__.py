"""The binder: from the statements of a script to its plan."""

from __future__ import annotations

from airflow_provider_datalake.usql.binder.statements import bind_script, elsewhere

__all__ = ["bind_script", "elsewhere"]
