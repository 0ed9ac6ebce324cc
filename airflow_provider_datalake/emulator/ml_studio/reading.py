"""The calls that read."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from airflow_provider_datalake.emulator.addresses import service_address
from airflow_provider_datalake.emulator.ml_studio.calls import TOKEN_HEADER
from airflow_provider_datalake.emulator.ml_studio.documents import (
    dataset_document,
    experiment_document,
    users_document,
    workspace_document,
)
from airflow_provider_datalake.emulator.ml_studio.errors import StorageError, not_found, render
from airflow_provider_datalake.emulator.ml_studio.models import BINARY, Role
from airflow_provider_datalake.emulator.ml_studio.signatures import VERSION

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from airflow_provider_datalake.emulator.ml_studio.calls import Call
    from airflow_provider_datalake.emulator.ml_studio.models import Dataset


class Contents(FileResponse):
    """A file, or the range of it that the client has asked for, unless its condition is not met."""

    chunk_size = 1024 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer.

        :param scope: the request
        :param receive: gives its body
        :param send: takes the answer
        """
        asked, etag = Headers(scope=scope), self.headers["etag"]
        if "if-match" in asked and not _names(asked["if-match"], etag):
            message = "The condition specified using HTTP conditional header(s) is not met."
            await render(Request(scope), StorageError(412, "ConditionNotMet", message))(scope, receive, send)
        elif "if-none-match" in asked and _names(asked["if-none-match"], etag):
            await Response(status_code=304, headers={"ETag": etag})(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _names(condition: str, etag: str) -> bool:
    return any(one.strip() in ("*", etag) for one in condition.split(","))


async def list_datasets(call: Call) -> Response:
    """
    List the newest version of each dataset.

    :param call: the request
    :return: a JSON array
    """
    workspace = await call.authenticate()
    found = await call.work(call.service.datasets, workspace.id)
    return JSONResponse([_described(call, one) for one in found])


async def show_dataset(call: Call) -> Response:
    """
    Describe a version of a dataset.

    :param call: the request
    :return: a JSON object
    """
    workspace = await call.authenticate()
    return JSONResponse(
        _described(call, await call.work(call.service.dataset, workspace.id, call.part("dataset")))
    )


def _described(call: Call, dataset: Dataset) -> dict[str, Any]:
    return dataset_document(dataset, f"{service_address(call.request)}/", *call.service.address(dataset))


async def read_contents(call: Call) -> Response:
    """
    Give the contents of a dataset to whoever has an address of them.

    :param call: the request
    :return: the bytes
    """
    dataset = await call.work(call.service.contents, call.part("name"), dict(call.request.query_params))
    headers = {
        "ETag": _etag(dataset.id),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": VERSION,
    }
    try:
        status = await call.work(dataset.path.stat)
    except FileNotFoundError:
        raise StorageError(404, "BlobNotFound", "The specified blob does not exist.") from None
    return _contents(dataset.path, status, dataset.data_type, headers)


async def read_output(call: Call) -> Response:
    """
    Give what a node of an experiment has given.

    :param call: the request
    :return: the bytes
    """
    workspace = await call.authenticate()
    parts = (call.part("experiment"), call.part("node"), call.part("port"))
    output = await call.work(call.service.experiments.output, workspace.id, *parts)
    status = await call.work(output.path.stat)
    etag = _etag(f"{output.path} {status.st_mtime_ns} {status.st_size}")
    return _contents(output.path, status, output.data_type, {"ETag": etag})


def _contents(path: Path, status: os.stat_result, data_type: str, headers: dict[str, str]) -> Response:
    # Without a charset clients guess, and often wrongly.
    kind = "application/octet-stream" if data_type in (*BINARY, "Dataset") else "text/plain; charset=utf-8"
    return Contents(path, headers=headers, media_type=kind, stat_result=status)


def _etag(text: str) -> str:
    return f'"0x{hashlib.sha256(text.encode()).hexdigest()[:15].upper()}"'


async def list_experiments(call: Call) -> Response:
    """
    List the experiments.

    :param call: the request
    :return: a JSON array
    """
    workspace = await call.authenticate()
    found = await call.work(call.service.experiments.all, workspace.id)
    return JSONResponse([experiment_document(one) for one in found])


async def show_experiment(call: Call) -> Response:
    """
    Describe an experiment.

    :param call: the request
    :return: a JSON object
    """
    workspace = await call.authenticate()
    wanted = call.part("experiment")
    for one in await call.work(call.service.experiments.all, workspace.id):
        if one.id == wanted:
            return JSONResponse(experiment_document(one))
    raise not_found(f"There is no experiment {wanted[:100]!r} in workspace {workspace.id!r}.")


async def show_workspace(call: Call) -> Response:
    """
    Describe a workspace to those who have a token of it, or are in it.

    :param call: the request
    :return: a JSON object, with the tokens for owners and for those who have one
    """
    service = call.service
    if TOKEN_HEADER in call.request.headers:
        workspace, tokens = await call.authenticate(), True
    else:
        principal = await call.work(service.identity.authenticate, call.request)
        workspace = await call.work(service.workspace, call.part("workspace"))
        role = await call.work(service.role_of, workspace.id, principal)
        if role is None:
            raise not_found(f"There is no workspace {workspace.id!r}.")
        tokens = role is Role.OWNER
    users = await call.work(service.users, workspace.id)
    return JSONResponse(workspace_document(workspace, users, tokens=tokens))


async def list_users(call: Call) -> Response:
    """
    List who is in a workspace.

    :param call: the request
    :return: a JSON array
    """
    workspace = await call.authenticate()
    return JSONResponse(users_document(await call.work(call.service.users, workspace.id)))
