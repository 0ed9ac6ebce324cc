"""The tunnel: uploading and downloading tables, and the results of instances, in bulk."""

from __future__ import annotations

from airflow_provider_datalake.emulator.maxcompute.tunnel.routes import routes

__all__ = ["routes"]
