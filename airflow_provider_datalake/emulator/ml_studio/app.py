"""The web application of ML Studio, and of the storage that has its contents."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Route

from airflow_provider_datalake.emulator.azure.calls import AnyCase
from airflow_provider_datalake.emulator.identity.principals import Unauthorized
from airflow_provider_datalake.emulator.ml_studio import reading, writing
from airflow_provider_datalake.emulator.ml_studio.calls import endpoint
from airflow_provider_datalake.emulator.ml_studio.errors import StudioError, error_response, render

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from airflow_provider_datalake.emulator.ml_studio.calls import Handler
    from airflow_provider_datalake.emulator.ml_studio.service import StudioService

log = logging.getLogger(__name__)

_WORKSPACE = "/api/workspaces/{workspace}"
_EXPERIMENT = _WORKSPACE + "/experiments/{experiment}"
HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", _WORKSPACE, reading.show_workspace),
    ("PUT", _WORKSPACE, writing.create_workspace),
    ("GET", _WORKSPACE + "/datasources", reading.list_datasets),
    ("POST", _WORKSPACE + "/datasources", writing.create_dataset),
    ("GET", _WORKSPACE + "/datasources/{dataset}", reading.show_dataset),
    ("DELETE", _WORKSPACE + "/datasources/family/{family}", writing.delete_dataset),
    ("POST", "/api/resourceuploads/workspaces/{workspace}", writing.begin_upload),
    ("POST", "/api/blobuploads/workspaces/{workspace}", writing.put_block),
    ("GET", _WORKSPACE + "/experiments", reading.list_experiments),
    ("GET", _EXPERIMENT, reading.show_experiment),
    ("PUT", _EXPERIMENT, writing.put_experiment),
    ("DELETE", _EXPERIMENT, writing.delete_experiment),
    ("GET", _EXPERIMENT + "/outputdata/{node}/{port}", reading.read_output),
    ("PUT", _EXPERIMENT + "/outputdata/{node}/{port}", writing.put_output),
    ("GET", _WORKSPACE + "/users", reading.list_users),
    ("POST", _WORKSPACE + "/invitations", writing.invite),
    ("PUT", _WORKSPACE + "/users/{user}", writing.put_user),
    ("DELETE", _WORKSPACE + "/users/{user}", writing.remove_user),
    ("POST", _WORKSPACE + "/authorizationtokens/{slot}", writing.regenerate),
    ("GET", "/contents/{name}", reading.read_contents),
)


def create_app(service: StudioService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted
    """
    app = Starlette(
        routes=[
            Route(path, endpoint(service, handler), methods=[method]) for method, path, handler in HANDLERS
        ],
        exception_handlers={
            StudioError: render,
            Unauthorized: _unauthorized,
            HTTPException: _http_error,
            ClientDisconnect: _client_left,
            OSError: _no_storage,
            sqlite3.OperationalError: _no_storage,
            Exception: _defect,
        },
    )
    return AnyCase(app, [path for _, path, _ in HANDLERS])


def _unauthorized(request: Request, error: Exception) -> Response:
    message = error.message if isinstance(error, Unauthorized) else str(error)
    return error_response(401, "Unauthorized", message)


def _http_error(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 400
    what = f"{request.method} {request.scope['path']}"
    if status == 405:
        return error_response(status, "NotSupported", f"The emulator does not support {what}.")
    return error_response(status, "NotFound", f"There is nothing at {what}.")


def _client_left(request: Request, error: Exception) -> Response:
    # Nobody reads this answer.
    return error_response(400, "BadRequest", "The client went away before its request was complete.")


def _no_storage(request: Request, error: Exception) -> Response:
    # A full disk most of all; 507 would be the word for it, but clients would repeat the request.
    log.error("Could not read or write the data directory", exc_info=error)
    return error_response(
        400, "StorageError", f"The emulator cannot read or write its data directory: {error}"
    )


def _defect(request: Request, error: Exception) -> Response:
    message = f"This is a defect of the emulator, see its log: {type(error).__name__}: {error}"
    response = error_response(400, "EmulatorDefect", message)
    # The web server drops the connection on an unexpected error: the client must not use it again.
    response.headers["Connection"] = "close"
    return response
