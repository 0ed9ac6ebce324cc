"""A store in memory: requests reach it in place of a network, and get lost as a test wants it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
from airflow_provider_datalake.clients.data_lake_store_errors import store_error
from airflow_provider_datalake.clients.http import RetryPolicy
from airflow_provider_datalake.exceptions import ServiceError
from tests.unit.clients.azure_fakes import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

LOST = "lost"
"""The request is carried out, its answer does not arrive."""
BROKEN = "broken"
"""The request does not arrive."""
LATE = "late"
"""There is no answer; the request is carried out when the next one comes, before it."""


def refusal(status: int, name: str, message: str = "words") -> requests.Response:
    """An answer with a remote exception."""
    return answer(status, {"RemoteException": {"exception": name, "message": message, "javaClassName": name}})


def missing(path: str) -> requests.Response:
    return refusal(404, "FileNotFoundException", f"File/Folder does not exist: {path}")


@dataclass
class Request:
    """One request."""

    op: str
    path: str
    query: dict[str, str]
    body: bytes
    json: Any
    repeatable: bool


@dataclass
class FakeStore:
    """
    The files of one account, and what becomes of the requests for them.

    :param files: bytes by path; folders are where files are
    :param fates: what becomes of the next requests of an operation
    """

    files: dict[str, bytes] = field(default_factory=dict)
    fates: dict[str, list[str]] = field(default_factory=dict)
    modified: dict[str, float] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    late: list[Request] = field(default_factory=list)
    refuse: dict[str, requests.Response] = field(default_factory=dict)
    conn_id: str = "lake"
    base_url: str = "http://store"
    transport: Any = field(
        default_factory=lambda: SimpleNamespace(
            policy=RetryPolicy(attempts=4, first_pause=0, longest_pause=0)
        )
    )

    def client(self) -> DataLakeStore:
        return DataLakeStore(self, "mystore")  # type: ignore[arg-type]

    def ops(self) -> list[str]:
        return [request.op for request in self.requests]

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        repeatable: bool,
        params: Any = None,
        json: Any = None,
        body: Any = None,
        headers: Any = None,
        expected: Any = (),
        stream: bool = False,
    ) -> requests.Response:
        name = unquote(path).removeprefix("/webhdfs/v1").removeprefix("/webhdfsext") or "/"
        made = Request(params["op"], name, dict(params), bytes(body or b""), json, repeatable)
        self.requests.append(made)
        for waiting in [*self.late]:
            self.late.remove(waiting)
            self._handle(waiting)
        fates = self.fates.get(made.op)
        fate = fates.pop(0) if fates else ""
        if fate == LATE:
            self.late.append(made)
        if fate in (LATE, BROKEN):
            return self._no_answer(doing)
        response = self._handle(made)
        if fate == LOST:
            return self._no_answer(doing)
        if response.status_code in expected:
            return response
        error = store_error(response)
        error.name_connection(self.conn_id, doing)
        raise error

    def _no_answer(self, doing: str) -> requests.Response:
        error = ServiceError("the service does not answer in time")
        error.name_connection(self.conn_id, doing)
        raise error

    def _handle(self, request: Request) -> requests.Response:
        if request.op in self.refuse:
            return self.refuse[request.op]
        found: Callable[[Request], requests.Response] = getattr(self, f"_{request.op.lower()}")
        return found(request)

    def is_folder(self, path: str) -> bool:
        return path == "/" or any(name.startswith(f"{path}/") for name in self.files)

    def put(self, path: str, content: bytes) -> None:
        self.files[path] = content
        self.modified[path] = time.time()

    def _described(self, path: str, suffix: str) -> dict[str, Any]:
        is_file = path in self.files
        return {
            "length": len(self.files[path]) if is_file else 0,
            "pathSuffix": suffix,
            "type": "FILE" if is_file else "DIRECTORY",
            "modificationTime": int(self.modified.get(path, 0) * 1000),
            "accessTime": 0,
        }

    def _create(self, request: Request) -> requests.Response:
        if self.is_folder(request.path) or (
            request.path in self.files and request.query["overwrite"] == "false"
        ):
            return refusal(403, "FileAlreadyExistsException")
        self.put(request.path, request.body)
        return answer(201)

    def _append(self, request: Request) -> requests.Response:
        if request.path not in self.files:
            return missing(request.path)
        if int(request.query["offset"]) != len(self.files[request.path]):
            return refusal(400, "BadOffsetException")
        self.put(request.path, self.files[request.path] + request.body)
        return answer(200)

    def _open(self, request: Request) -> requests.Response:
        if request.path not in self.files:
            return missing(request.path)
        begin = int(request.query.get("offset", 0))
        content = self.files[request.path][begin:]
        made = answer(200)
        made._content = content[: int(request.query.get("length", len(content)))]
        made._content_consumed = True
        return made

    def _getfilestatus(self, request: Request) -> requests.Response:
        if request.path not in self.files and not self.is_folder(request.path):
            return missing(request.path)
        date = {"Date": formatdate(usegmt=True)}
        return answer(200, {"FileStatus": self._described(request.path, "")}, date)

    def _liststatus(self, request: Request) -> requests.Response:
        if request.path in self.files:
            items = [self._described(request.path, "")]
        elif self.is_folder(request.path):
            prefix = f"{request.path.rstrip('/')}/"
            names = {path[len(prefix) :].partition("/")[0] for path in self.files if path.startswith(prefix)}
            items = [self._described(prefix + name, name) for name in sorted(names)]
        else:
            return missing(request.path)
        return answer(200, {"FileStatuses": {"continuationToken": "", "FileStatus": items}})

    def _msconcat(self, request: Request) -> requests.Response:
        sources = request.json["sources"]
        if not all(source in self.files for source in sources):
            return missing(str(sources))
        joined = b"".join(self.files.pop(source) for source in sources)
        self.put(request.path, self.files.get(request.path, b"") + joined)
        return answer(200)

    def _rename(self, request: Request) -> requests.Response:
        target = request.query["destination"]
        taken = target in self.files and request.query.get("renameoptions") != "OVERWRITE"
        if request.path not in self.files or taken:
            return answer(200, {"boolean": False})
        self.files[target] = self.files.pop(request.path)
        self.modified[target] = self.modified.pop(request.path, 0)
        return answer(200, {"boolean": True})

    def _delete(self, request: Request) -> requests.Response:
        gone = [path for path in self.files if path == request.path or path.startswith(f"{request.path}/")]
        for path in gone:
            del self.files[path]
        return answer(200, {"boolean": bool(gone)})

    def _mkdirs(self, request: Request) -> requests.Response:
        return answer(200, {"boolean": request.path not in self.files})
