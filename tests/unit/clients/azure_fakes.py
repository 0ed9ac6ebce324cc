"""Azure's services in memory: what is sent reaches a function in place of a network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests

from airflow_provider_datalake.clients.azure_rest import azure_error
from airflow_provider_datalake.exceptions import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable


class Lost(Exception):
    """The service has done what was asked, and the answer does not arrive."""


def answer(status: int = 200, body: Any = None, headers: dict[str, str] | None = None) -> requests.Response:
    """An answer of a service."""
    made = requests.Response()
    made.status_code = status
    made._content = (
        b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    )
    made.headers.update(headers or {})
    return made


def failure(status: int, code: str, message: str = "words") -> requests.Response:
    """An answer with an error."""
    return answer(status, {"error": {"code": code, "message": message}})


@dataclass
class Call:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    repeatable: bool


@dataclass
class FakeHttp:
    """The requests to one service; ``handler`` answers them."""

    handler: Callable[[Call], requests.Response]
    base_url: str = "http://127.0.0.1:1/adla/emulator"
    conn_id: str = "c"
    calls: list[Call] = field(default_factory=list)

    def request(
        self,
        method: str,
        path: str,
        *,
        doing: str,
        repeatable: bool,
        params: Any = None,
        json: Any = None,
        headers: Any = None,
        expected: Any = (200, 201, 202, 204),
    ) -> requests.Response:
        if path.startswith(("http://", "https://")):
            path = path.removeprefix(self.base_url).lstrip("/")
            path, _, query = path.partition("?")
            params = dict(part.split("=", 1) for part in query.split("&") if part)
        call = Call(method, path.lstrip("/"), dict(params or {}), json, repeatable)
        self.calls.append(call)
        try:
            response = self.handler(call)
        except Lost as lost:
            error = ServiceError("the service does not answer in time")
            error.name_connection(self.conn_id, doing)
            raise error from lost
        if response.status_code in expected:
            return response
        error = azure_error(response)
        error.name_connection(self.conn_id, doing)
        raise error

    def sent(self, method: str) -> list[str]:
        """The paths of all requests of one method."""
        return [call.path for call in self.calls if call.method == method]


@dataclass
class FakeAccount:
    """An analytics account whose jobs a test moves along."""

    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    page_size: int = 2
    lose: set[str] = field(default_factory=set)
    refuse: dict[str, requests.Response] = field(default_factory=dict)
    statistics: dict[str, Any] = field(default_factory=dict)
    duplicates_are_conflicts: bool = True
    submitted: int = 0

    def __call__(self, call: Call) -> requests.Response:
        kind = f"{call.method} {call.path.partition('/')[0]}"
        if kind in self.refuse:
            return self.refuse.pop(kind)
        response = self._answer(call)
        if kind in self.lose:
            self.lose.discard(kind)
            raise Lost(kind)
        return response

    def _answer(self, call: Call) -> requests.Response:
        parts = call.path.split("/")
        if call.path == "jobs":
            return self._list(call)
        job_id = parts[1]
        if call.method == "PUT":
            return self._put(job_id, call.body)
        if job_id not in self.jobs:
            return failure(404, "JobNotFound", f"no job {job_id}")
        if parts[-1] == "CancelJob":
            if self.jobs[job_id]["state"] == "Ended":
                return failure(409, "JobEnded", "too late")
            self.end(job_id, "Cancelled", errorMessage=[cancelled()])
            return answer()
        if parts[-1] == "GetStatistics":
            if job_id not in self.statistics:
                return failure(400, "JobHasNeverRun", "never")
            return answer(200, {"stages": self.statistics[job_id]})
        return answer(200, self.jobs[job_id])

    def _put(self, job_id: str, body: dict[str, Any]) -> requests.Response:
        if job_id in self.jobs:
            if self.duplicates_are_conflicts:
                return failure(409, "ResourceAlreadyExists", "there is one")
            return answer(200, self.jobs[job_id])
        self.submitted += 1
        self.jobs[job_id] = {
            "degreeOfParallelism": 1,
            "priority": 1000,
            **body,
            "jobId": job_id,
            "submitter": "me",
            "submitTime": "2024-01-31T08:00:00.1234567+00:00",
            "state": "Compiling",
            "result": "None",
            "stateAuditRecords": [{"newState": "New", "timeStamp": "2024-01-31T08:00:00.1234567+00:00"}],
            "properties": {**body["properties"], "runtimeVersion": "default", "errorSource": "Unknown"},
        }
        return answer(200, self.jobs[job_id])

    def _list(self, call: Call) -> requests.Response:
        basic = [
            {key: value for key, value in job.items() if key not in ("properties", "errorMessage")}
            for job in self.jobs.values()
        ]
        begin = int(call.query.get("page", 0)) * self.page_size
        page: dict[str, Any] = {"value": basic[begin : begin + self.page_size], "count": 0}
        if begin + self.page_size < len(basic):
            page["nextLink"] = f"http://127.0.0.1:1/adla/emulator/jobs?page={begin // self.page_size + 1}"
        return answer(200, page)

    def end(self, job_id: str, result: str, **details: Any) -> None:
        properties = {
            **self.jobs[job_id]["properties"],
            "totalRunningTime": "PT36S",
            **details.pop("properties", {}),
        }
        self.jobs[job_id].update(
            state="Ended",
            result=result,
            startTime="2024-01-31T08:00:10+00:00",
            endTime="2024-01-31T08:00:46+00:00",
            properties=properties,
            **details,
        )


def cancelled() -> dict[str, Any]:
    return {
        "errorId": "I_USER_CJS_CANCELEDBYUSER",
        "severity": "Info",
        "source": "User",
        "message": "Job was cancelled.",
        "description": "Job was cancelled by me.",
    }


def host_of(url: str) -> str:
    return urlsplit(url).netloc
