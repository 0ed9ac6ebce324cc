"""Connections to the ML Studio workspace of an emulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.ml_studio import Workspace

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

WORKSPACE = "emulator"
TOKEN = "emulator-token"


def as_variable(emulator: Emulator) -> str:
    """The connection as an environment variable has it."""
    return json.dumps(
        {
            "conn_type": "azureml_studio",
            "host": f"{emulator.address}/studio/",
            "login": WORKSPACE,
            "password": TOKEN,
        }
    )


def connect(emulator: Emulator, token: str = TOKEN) -> Workspace:
    """Open the workspace."""
    return Workspace(WORKSPACE, token, f"{emulator.address}/studio/")
