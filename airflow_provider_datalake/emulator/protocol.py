"""Uvicorn's HTTP protocol with one more thing that an application can do: let go of the connection."""

from __future__ import annotations

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from airflow_provider_datalake.emulator.faults import CONNECTION


class Protocol(HttpToolsProtocol):
    """Passes the connection on to the application, for faults that are none of HTTP's own."""

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        cast("dict[str, Any]", self.scope)["state"][CONNECTION] = self.transport
