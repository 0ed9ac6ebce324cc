"""A workspace of ML Studio in memory: requests reach it in place of a network, and get lost as a test wants."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from airflow_provider_datalake.clients.http import RetryPolicy, Transport
from airflow_provider_datalake.clients.ml_studio import Workspace
from airflow_provider_datalake.clients.ml_studio_calls import StudioSettings, studio_error
from airflow_provider_datalake.exceptions import ServiceError
from tests.unit.clients.azure_fakes import answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

LOST = "lost"
"""The request is carried out, its answer does not arrive."""
BROKEN = "broken"
"""The request does not arrive."""
CUT = "cut"
"""The answer breaks off in the middle."""
EXAMPLE = "506153734175476c4f62416c57734963.adult"
CREATED = 1_418_444_668_177


def refusal(status: int, code: str, message: str = "words") -> requests.Response:
    """An answer with an error."""
    return answer(status, {"error": {"code": code, "message": message}})


class Body:
    """An answer's bytes, which are read piece by piece."""

    def __init__(self, content: bytes, status: int, *, cut: bool) -> None:
        self.content = content
        self.status_code = status
        self._cut = cut

    def __enter__(self) -> Body:
        return self

    def __exit__(self, *args: object) -> None:
        return None

    def close(self) -> None:
        return None

    def iter_content(self, size: int) -> Iterator[bytes]:
        from requests.exceptions import ChunkedEncodingError

        end = len(self.content) // 2 if self._cut else len(self.content)
        for start in range(0, end, 3):
            yield self.content[start : min(start + 3, end)]
        if self._cut:
            raise ChunkedEncodingError("cut")


@dataclass
class FakeStudio:
    """
    The datasets of one workspace, and what becomes of the requests for them.

    :param fates: what becomes of the next requests of an operation
    :param refuse: the answer to the next requests of an operation
    """

    datasets: list[dict[str, Any]] = field(default_factory=list)
    contents: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    outputs: dict[tuple[str, str, str], bytes] = field(default_factory=dict)
    experiments: list[dict[str, Any]] = field(default_factory=list)
    fates: dict[str, list[str]] = field(default_factory=dict)
    refuse: dict[str, list[requests.Response]] = field(default_factory=dict)
    requests: list[SimpleNamespace] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    signature: str = "?sig=1"

    def workspace(self) -> Workspace:
        settings = StudioSettings(
            "studio",
            "http://studio",
            "w",
            "t0ken",
            Transport(policy=RetryPolicy(attempts=4, first_pause=0, longest_pause=0)),
        )
        made = Workspace(settings=settings)
        made.calls.http = self  # type: ignore[assignment]
        made.calls._storage = lambda url: self  # type: ignore[assignment, method-assign, return-value]
        return made

    def ops(self) -> list[str]:
        return [request.op for request in self.requests]

    def add(self, name: str, content: bytes = b"a,b\n1,2\n", **fields: Any) -> dict[str, Any]:
        """Let there be a dataset."""
        number = len(self.contents)
        made = {
            "Id": f"w.{number:032x}",
            "Name": name,
            "DataTypeId": "GenericCSV",
            "Description": "words",
            "FamilyId": f"f{number}",
            "Size": len(content),
            "CreatedDate": f"/Date({CREATED + number * 1000})/",
            "ResourceUploadId": f"other{number}",
            **fields,
        }
        made["DownloadLocation"] = {
            "BaseUri": "http://blobs/",
            "Location": made["Id"],
            "AccessCredential": self.signature,
        }
        self.contents[made["Id"]] = content
        self.datasets = [one for one in self.datasets if one["FamilyId"] != made["FamilyId"]] + [made]
        return made

    def request(
        self, method: str, path: str, *, doing: str, repeatable: bool, expected: Any = (200, 201), **sent: Any
    ) -> Any:
        query = {**{k: v[0] for k, v in parse_qs(urlsplit(path).query).items()}, **(sent.get("params") or {})}
        made = SimpleNamespace(
            op=_op(method, path),
            path=unquote(urlsplit(path).path),
            query=query,
            repeatable=repeatable,
            **sent,
        )
        self.requests.append(made)
        self.before.pop(made.op, lambda: None)()
        fates = self.fates.get(made.op)
        fate = fates.pop(0) if fates else ""
        if fate == BROKEN:
            raise ServiceError("the service does not answer in time")
        refused = self.refuse.get(made.op)
        response = refused.pop(0) if refused else getattr(self, f"_{made.op}")(made)
        if fate == LOST:
            raise ServiceError("the service does not answer in time")
        if isinstance(response, bytes):
            return self._bytes(made, response, cut=fate == CUT)
        if response.status_code in expected:
            return response
        error = studio_error(response)
        error.name_connection("studio", doing)
        raise error

    def close(self) -> None:
        return None

    def _bytes(self, request: SimpleNamespace, content: bytes, *, cut: bool) -> Body:
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        if match is None:
            return Body(content, 200, cut=cut)
        end = int(match[2]) + 1 if match[2] else len(content)
        return Body(content[int(match[1]) : end], 206, cut=cut)

    def _list(self, request: SimpleNamespace) -> requests.Response:
        return answer(200, self.datasets)

    def _get(self, request: SimpleNamespace) -> requests.Response:
        wanted = request.path.rpartition("/")[2]
        found = next((one for one in self.datasets if one["Id"] == wanted), None)
        if found is None:
            return refusal(404, "NotFound", f"no dataset {wanted}")
        found["DownloadLocation"]["AccessCredential"] = self.signature
        return answer(200, found)

    def _begin(self, request: SimpleNamespace) -> requests.Response:
        upload_id = f"u{len(self.uploads)}"
        self.uploads[upload_id] = {}
        return answer(200, {"Id": upload_id})

    def _block(self, request: SimpleNamespace) -> requests.Response:
        query = request.query
        self.uploads[query["uploadId"]][int(query["blockId"])] = bytes(request.body)
        return answer(200, {})

    def _create(self, request: SimpleNamespace) -> requests.Response:
        asked = request.json["DataSource"]
        upload_id = request.json["UploadId"]
        if upload_id not in self.uploads:
            return refusal(404, "NotFound", f"no upload {upload_id}")
        if any(one["ResourceUploadId"] == upload_id for one in self.datasets):
            return refusal(409, "UploadUsed", f"upload {upload_id} is a dataset")
        holders = [one for one in self.datasets if one["Name"] == asked["Name"]]
        if any(one["FamilyId"] != asked["FamilyId"] for one in holders):
            return refusal(409, "NameUsed", f"there is a dataset {asked['Name']}")
        blocks = self.uploads[upload_id]
        content = b"".join(blocks[number] for number in sorted(blocks))
        family = {} if asked["FamilyId"] is None else {"FamilyId": asked["FamilyId"]}
        made = self.add(
            asked["Name"],
            content,
            DataTypeId=asked["DataTypeId"],
            Description=asked["Description"],
            ResourceUploadId=upload_id,
            **family,
        )
        return answer(200, f'"{made["Id"]}"')

    def _experiments(self, request: SimpleNamespace) -> requests.Response:
        return answer(200, self.experiments)

    def _output(self, request: SimpleNamespace) -> Any:
        parts = request.path.split("/experiments/")[1].split("/")
        found = self.outputs.get((parts[0], parts[2], parts[3]))
        return refusal(404, "NotFound", "no such output") if found is None else found

    def _blob(self, request: SimpleNamespace) -> Any:
        if "?" + "&".join(f"{name}={value}" for name, value in request.query.items()) != self.signature:
            return answer(403, "<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code></Error>")
        return self.contents[request.path.removeprefix("/")]


def _op(method: str, path: str) -> str:
    for pattern, name in (
        (r"GET http://blobs/.*", "blob"),
        (r"GET /api/workspaces/w/datasources", "list"),
        (r"GET /api/workspaces/w/datasources/.+", "get"),
        (r"POST /api/workspaces/w/datasources", "create"),
        (r"POST /api/resourceuploads/workspaces/w/", "begin"),
        (r"POST /api/blobuploads/workspaces/w/", "block"),
        (r"GET /api/workspaces/w/experiments", "experiments"),
        (r"GET /api/workspaces/w/experiments/.+/outputdata/.+", "output"),
    ):
        if re.fullmatch(pattern, f"{method} {path}"):
            return name
    raise AssertionError(f"{method} {path}")
