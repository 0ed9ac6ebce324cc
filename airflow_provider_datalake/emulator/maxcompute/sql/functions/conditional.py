"""Functions of this kind."""

from __future__ import annotations

from airflow_provider_datalake.emulator.maxcompute.sql.functions.arguments import Binder

SCALARS: dict[str, Binder] = {}
