"""The web application of the file system."""

from __future__ import annotations

import json
import logging
import os
import re
import sqlite3
import uuid
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from airflow_provider_datalake.emulator.addresses import service_address
from airflow_provider_datalake.emulator.data_lake_store.errors import (
    ACCESS_DENIED,
    StoreError,
    invalid,
    unknown_account,
    unsupported,
)
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.objects import Content
from airflow_provider_datalake.emulator.data_lake_store.operations import OPERATIONS, Call, Operation, Reply
from airflow_provider_datalake.emulator.data_lake_store.parameters import Parameters
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path
from airflow_provider_datalake.emulator.identity.principals import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from airflow_provider_datalake.emulator.data_lake_store.objects import OpenFile
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService

log = logging.getLogger(__name__)

IN_MEMORY = 24 * 1024 * 1024
"""Larger bodies wait in a file until they are complete."""
_READ_BYTES = 4 * 1024 * 1024
_PATH = re.compile(r"/+(?P<part>webhdfs/v1|webhdfsext)(?P<path>/.*)?", re.IGNORECASE | re.DOTALL)
_VERSION = "17.04.24.00"
_JSON = "application/json; charset=utf-8"
_COMMON = (
    (b"cache-control", b"no-cache, no-cache, no-store, max-age=0"),
    (b"pragma", b"no-cache"),
    (b"expires", b"-1"),
    (b"x-content-type-options", b"nosniff"),
)


def create_app(service: DataLakeStoreService) -> ASGIApp:
    """
    Build the application.

    :param service: what its routes work on
    :return: the application, to be mounted where ``account`` is a part of the path
    """
    return StoreApp(service)


class StoreApp:
    """
    Answers the requests to all stores.

    :param service: what it works on
    """

    def __init__(self, service: DataLakeStoreService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Answer one request.

        :param scope: what is known of it
        :param receive: gives its body
        :param send: takes the answer
        """
        answer = _Answer(send, Request(scope, receive))
        try:
            await self._handle(answer)
        except Exception as error:
            if answer.started:
                # Dropping the connection tells the client that this was not all.
                raise
            await self._explain(answer, error)

    async def _explain(self, answer: _Answer, failure: Exception) -> None:
        try:
            raise failure
        except ClientDisconnect:
            log.debug("A client went away before its request was complete")
        except Unauthorized as error:
            await answer.unauthorized(error, self._service.config.tenant)
        except StoreError as error:
            await answer.error(error)
        except (OSError, sqlite3.OperationalError) as error:
            # A full disk most of all; 507 would be the word for it, but clients would repeat the request.
            log.exception("Could not read or write the data directory")
            message = f"The emulator cannot read or write its data directory: {error}"
            await answer.error(StoreError(403, "IOException", message))
        except Exception as error:
            # Clients would retry a 5xx silently for minutes.
            log.exception("Could not answer a request to a store")
            message = f"This is a defect of the emulator, see its log: {type(error).__name__}: {error}"
            await answer.error(StoreError(400, "RuntimeException", message, package="java.lang"))

    async def _handle(self, answer: _Answer) -> None:
        request = answer.request
        store = str(request.path_params["account"]).lower()
        principal = self._service.identity.authenticate(request)
        path, extension = _route(request.scope)
        parameters = Parameters(request.scope["query_string"])
        name, operation = _operation(request.method, parameters)
        # The additions have no version of their own in this header.
        answer.has_version = not extension
        names = parse_path(path)
        caller = new_caller(principal, name)
        content = await self._content(request, store) if operation.has_body else Content()
        try:
            call = Call(
                self._service,
                store,
                names,
                caller,
                parameters,
                content,
                request.headers.get("content-type", ""),
            )
            reply, first = await run_in_threadpool(_run, operation, call)
        finally:
            if content.file is not None:
                content.file.unlink(missing_ok=True)
        if reply.status == 201:
            answer.location = _own_address(request)
        await answer.reply(reply, first)

    async def _content(self, request: Request, store: str) -> Content:
        if not self._service.has_account(store):
            raise unknown_account(store)
        content = Content()
        file: IO[bytes] | None = None
        waiting = 0
        try:
            async for chunk in request.stream():
                content.chunks.append(chunk)
                content.size += len(chunk)
                waiting += len(chunk)
                if waiting > IN_MEMORY:
                    if file is None:
                        content.file = self._service.temporary / uuid.uuid4().hex
                        file = content.file.open("xb", buffering=0)
                    await run_in_threadpool(_flush, file, content)
                    waiting = 0
            if file is not None:
                await run_in_threadpool(_flush, file, content)
        except BaseException:
            if content.file is not None:
                content.file.unlink(missing_ok=True)
            raise
        finally:
            if file is not None:
                file.close()
        return content


def _flush(file: IO[bytes], content: Content) -> None:
    for chunk in content.chunks:
        view = memoryview(chunk)
        while view:
            view = view[os.write(file.fileno(), view) :]
    content.chunks.clear()


def _route(scope: Scope) -> tuple[str, bool]:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if "\ufffd" in path:
        _check_utf8(scope.get("raw_path") or b"")
    match = _PATH.fullmatch(path)
    if match is None:
        raise StoreError(
            404,
            "FileNotFoundException",
            f"There is nothing at {path[:200]}: paths of files begin with /webhdfs/v1/ or /webhdfsext/",
        )
    return match["path"] or "/", match["part"].lower() == "webhdfsext"


def _check_utf8(raw: bytes) -> None:
    try:
        unquote_to_bytes(raw).decode()
    except UnicodeDecodeError as error:
        raise invalid(f"Invalid path: it is not valid UTF-8 ({error.reason})") from error


def _operation(method: str, parameters: Parameters) -> tuple[str, Operation]:
    name = parameters.required("op").upper()
    operation = OPERATIONS.get(name)
    if operation is None:
        raise unsupported(f"Invalid value for op: the emulator does not support {name[:100]}")
    if operation.method != method:
        raise unsupported(f"Invalid value for op: {name} is sent with {operation.method}, not with {method}")
    return name, operation


def _run(operation: Operation, call: Call) -> tuple[Reply, bytes]:
    """Do the operation, and read the first bytes that it answers with, on the same thread."""
    reply = operation.run(call)
    if reply.file is None:
        return reply, b""
    try:
        return reply, _read(reply.file, reply.offset, reply.length)
    except BaseException:
        reply.file.close()
        raise


def _read(file: OpenFile, offset: int, length: int) -> bytes:
    return file.read(offset, min(length, _READ_BYTES))


def _own_address(request: Request) -> str:
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    query = request.scope["query_string"].decode("latin-1")
    return f"{service_address(request)}{quote(path, safe='/!$&()*+,;=:@~')}?{query}"


class _Answer:
    """
    The answer to one request, while it is made.

    :param send: takes it
    :param request: the request
    """

    def __init__(self, send: Send, request: Request) -> None:
        self.request = request
        self.location: str | None = None
        self.has_version = True
        self.started = False
        self._send = send
        self._request_id = str(uuid.uuid4())

    async def reply(self, reply: Reply, first: bytes) -> None:
        headers = [("Status", reply.code), *reply.headers]
        if self.location is not None:
            headers.append(("Location", self.location))
        if reply.file is not None:
            with reply.file:
                await self._stream(reply.file, reply.offset, reply.length, first, headers)
        elif reply.document is None:
            await self._whole(reply.status, headers, b"")
        else:
            headers.append(("Content-Type", _JSON))
            await self._whole(reply.status, headers, _json(reply.document))

    async def _stream(
        self, file: OpenFile, offset: int, length: int, data: bytes, headers: list[tuple[str, str]]
    ) -> None:
        # Without a length: the service sends chunks, and clients notice when the last one is missing.
        await self._start(200, [*headers, ("Content-Type", "application/octet-stream")])
        end = offset + length
        while True:
            offset += len(data)
            more = offset < end
            await self._send({"type": "http.response.body", "body": data, "more_body": more})
            if not more:
                return
            data = await run_in_threadpool(_read, file, offset, end - offset)

    async def error(self, error: StoreError) -> None:
        moment = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "0+00:00")
        document = {
            "RemoteException": {
                "exception": error.exception,
                "message": f"{error.message} [{self._request_id}][{moment}]",
                "javaClassName": error.java_class,
            }
        }
        await self._whole(error.status, [("Status", error.code), ("Content-Type", _JSON)], _json(document))

    async def unauthorized(self, error: Unauthorized, tenant: str) -> None:
        moment = datetime.now(UTC).isoformat()
        message = f"{error.message}\nTrace: {self._request_id} Time: {moment}"
        document = {"error": {"code": error.code, "message": message}}
        uri = f"https://login.microsoftonline.com/{quote(tenant, safe='')}"
        headers = [
            ("Status", ACCESS_DENIED),
            ("Content-Type", _JSON),
            ("WWW-Authenticate", f'Bearer authorization_uri="{uri}"'),
        ]
        await self._whole(401, headers, _json(document))

    async def _whole(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        await self._start(status, [*headers, ("Content-Length", str(len(body)))])
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        self.started = True
        complete = [
            *_COMMON,
            *((name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers),
            (b"x-ms-request-id", self._request_id.encode()),
        ]
        if self.has_version:
            complete.append((b"x-ms-webhdfs-version", _VERSION.encode()))
        await self._send({"type": "http.response.start", "status": status, "headers": complete})


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
