"""The protocol of ML Studio (classic), below its operations."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from airflow_provider_datalake.clients.connection_fields import ConnectionFields
from airflow_provider_datalake.clients.http import HttpClient, Transport
from airflow_provider_datalake.clients.ml_studio_models import DatasetInfo, ExperimentInfo
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import Response

    from airflow_provider_datalake.clients.ml_studio_models import Location

ENDPOINT = "https://studio.azureml.net"
TOKEN_HEADER = "x-ms-metaanalytics-authorizationtoken"
OWNER = "Airflow"

_KINDS: dict[int, type[DataLakeError]] = {
    401: AuthenticationError,
    403: AuthenticationError,
    404: NotFoundError,
    408: ServiceError,
    409: ConflictError,
    429: ServiceError,
}


@dataclass(frozen=True)
class StudioSettings:
    """
    A connection to one workspace.

    :param conn_id: the connection's id, for messages
    :param endpoint: base URL
    :param workspace_id: the workspace
    :param token: one of its authorization tokens
    :param transport: timeouts and proxies
    """

    conn_id: str
    endpoint: str
    workspace_id: str
    token: str = field(repr=False)
    transport: Transport = field(default_factory=Transport)


def read_settings(
    *, conn_id: str, host: str | None, login: str | None, password: str | None, extra: Mapping[str, Any]
) -> StudioSettings:
    """
    Read a connection's fields.

    :param conn_id: the connection's id, for messages
    :param host: the endpoint; the service's own if empty
    :param login: the workspace's id
    :param password: an authorization token
    :param extra: timeouts and proxy
    :return: the settings
    :raises ConfigurationError: when a field is missing or invalid; the message names it
    """
    fields = ConnectionFields(conn_id, extra)
    workspace_id, token = (login or "").strip(), (password or "").strip()
    if not workspace_id:
        fields.fail("login", "missing: give the workspace's id")
    if "/" in workspace_id or not workspace_id.isprintable():
        fields.fail("login", f"expected a workspace's id, found {workspace_id!r}")
    if not token:
        fields.fail("password", "missing: give the workspace's primary or secondary authorization token")
    if not token.isascii() or not token.isprintable():
        fields.fail("password", "an authorization token has printable ASCII characters only")
    proxy = fields.text("proxy")
    if proxy:
        fields.url("proxy", proxy, "http://proxy:3128")
    return StudioSettings(
        conn_id=conn_id,
        endpoint=fields.url("host", (host or "").strip() or ENDPOINT, ENDPOINT),
        workspace_id=workspace_id,
        token=token,
        transport=Transport(
            connect_timeout=fields.seconds("connect_timeout", Transport.connect_timeout),
            read_timeout=fields.seconds("read_timeout", Transport.read_timeout),
            proxies={"http": proxy, "https": proxy} if proxy else {},
            ca_bundle=fields.text("ca_bundle"),
        ),
    )


class StudioCalls:
    """
    The calls of one workspace; threads may share it.

    :param settings: the workspace and how to reach it
    """

    def __init__(self, settings: StudioSettings) -> None:
        self.settings = settings
        self.workspace_id = settings.workspace_id
        self.http = HttpClient(
            settings.endpoint,
            conn_id=settings.conn_id,
            authorize=self._authorize,
            error_of=studio_error,
            transport=settings.transport,
            headers={"x-ms-client-session-id": "DefaultSession"},
        )
        self._storages: dict[str, HttpClient] = {}
        self._lock = threading.Lock()

    def _authorize(self, *, renew: bool = False) -> Mapping[str, str]:
        return {TOKEN_HEADER: self.settings.token}

    @property
    def _here(self) -> str:
        return quote(self.workspace_id, safe="")

    def datasets(self) -> list[DatasetInfo]:
        """
        List the newest version of each dataset, the examples included.

        :return: the datasets, in the service's order
        """
        response = self._get(f"/api/workspaces/{self._here}/datasources", "list datasets")
        return [DatasetInfo.from_json(one) for one in _read(response, list)]

    def dataset(self, dataset_id: str) -> DatasetInfo:
        """
        Get one version of a dataset.

        :param dataset_id: its id
        :return: what the service says about it
        :raises NotFoundError: when there is none
        """
        path = f"/api/workspaces/{self._here}/datasources/{quote(dataset_id, safe='')}"
        return DatasetInfo.from_json(_read(self._get(path, f"look at dataset {dataset_id}"), dict))

    def experiments(self) -> list[ExperimentInfo]:
        """
        List the experiments.

        :return: the experiments, in the service's order
        """
        response = self._get(f"/api/workspaces/{self._here}/experiments", "list experiments")
        return [ExperimentInfo.from_json(one) for one in _read(response, list)]

    def open_output(self, experiment_id: str, node_id: str, port_name: str, offset: int = 0) -> Response:
        """
        Open what a module of an experiment has given.

        :param experiment_id: the experiment
        :param node_id: the module's node
        :param port_name: its output
        :param offset: the first byte
        :return: the answer, to be read piece by piece
        :raises NotFoundError: when there is none
        """
        parts = [quote(part, safe="") for part in (experiment_id, node_id, port_name)]
        return self.http.request(
            "GET",
            f"/api/workspaces/{self._here}/experiments/{parts[0]}/outputdata/{parts[1]}/{parts[2]}",
            doing=f"read output {port_name!r} of node {node_id} of experiment {experiment_id}",
            repeatable=True,
            headers=_raw(offset),
            expected=(200, 206),
            stream=True,
        )

    def open_location(
        self, location: Location, offset: int = 0, length: int | None = None, *, doing: str
    ) -> Response:
        """
        Open contents; the workspace's token stays here, the address itself grants access.

        :param location: where they are
        :param offset: the first byte
        :param length: bytes, None for all that follow
        :param doing: what is attempted, for messages
        :return: the answer, to be read piece by piece
        :raises AuthenticationError: when the address has expired
        """
        return self._storage(location.url).request(
            "GET",
            location.url,
            doing=doing,
            repeatable=True,
            headers=_raw(offset, length),
            expected=(200, 206),
            stream=True,
        )

    def begin_upload(self, data_type_id: str) -> str:
        """
        Begin an upload; one that nothing comes of does no harm.

        :param data_type_id: the format
        :return: the upload's id
        """
        response = self.http.request(
            "POST",
            f"/api/resourceuploads/workspaces/{self._here}/",
            doing="begin an upload",
            repeatable=True,
            params={"userStorage": "true", "dataTypeId": data_type_id},
            body=b"",
            headers=_JSON,
        )
        found = _read(response, dict).get("Id")
        if not found:
            raise self.named(ServiceError("the service's answer to a new upload has no id"))
        return str(found)

    def send_block(
        self, upload_id: str, number: int, blocks: int, content: bytes | memoryview, data_type_id: str
    ) -> None:
        """
        Send a block; sent twice, it takes its own place.

        :param upload_id: the upload
        :param number: the block's, from 0
        :param blocks: how many there are
        :param content: its bytes
        :param data_type_id: the format
        """
        self.http.request(
            "POST",
            f"/api/blobuploads/workspaces/{self._here}/",
            doing=f"send block {number} of upload {upload_id}",
            repeatable=True,
            params={
                "numberOfBlocks": blocks,
                "blockId": number,
                "uploadId": upload_id,
                "dataTypeId": data_type_id,
            },
            body=content,
            headers=_JSON,
        )

    def create(
        self, upload_id: str, name: str, data_type_id: str, description: str, family_id: str | None
    ) -> str:
        """
        Make a dataset of an upload, once: after a lost answer nobody knows whether there is one.

        :param upload_id: the upload
        :param name: the dataset's name
        :param data_type_id: its format
        :param description: a person's words
        :param family_id: what it is a new version of, None for a new dataset
        :return: the new version's id
        :raises ConflictError: when the name is used, or the upload has become a dataset
        """
        response = self.http.request(
            "POST",
            f"/api/workspaces/{self._here}/datasources",
            doing=f"create dataset {name!r}",
            repeatable=False,
            json={
                "DataSource": {
                    "Name": name,
                    "DataTypeId": data_type_id,
                    "Description": description,
                    "FamilyId": family_id,
                    "Owner": OWNER,
                    "SourceOrigin": "FromResourceUpload",
                },
                "UploadId": upload_id,
                "UploadedFromFileName": "",
                "ClientPoll": True,
            },
        )
        return str(_read(response, str))

    def named(self, error: DataLakeError) -> DataLakeError:
        """
        Let an error's message begin with the connection.

        :param error: the error
        :return: the same error
        """
        error.name_connection(self.settings.conn_id)
        return error

    def close(self) -> None:
        """Close the connections."""
        for client in (self.http, *self._storages.values()):
            client.close()

    def _get(self, path: str, doing: str) -> Response:
        return self.http.request("GET", path, doing=doing, repeatable=True)

    def _storage(self, url: str) -> HttpClient:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        with self._lock:
            if base not in self._storages:
                self._storages[base] = HttpClient(
                    base,
                    conn_id=self.settings.conn_id,
                    authorize=_nothing,
                    error_of=studio_error,
                    transport=self.settings.transport,
                )
            return self._storages[base]


_JSON = {"Content-Type": "application/json;charset=UTF8"}


def _nothing(*, renew: bool = False) -> Mapping[str, str]:
    return {}


def _raw(offset: int = 0, length: int | None = None) -> dict[str, str]:
    # Compressed, a part of the contents could not be told from a part of their compressed form.
    headers = {"Accept-Encoding": "identity"}
    if offset or length is not None:
        end = "" if length is None else str(offset + length - 1)
        headers["Range"] = f"bytes={offset}-{end}"
    return headers


def _read(response: Response, kind: type) -> Any:
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise ServiceError(f"the service's answer cannot be read: expected {kind.__name__} as JSON")
    return found


def studio_error(response: Response) -> DataLakeError:
    """
    Make a typed error of an answer with an error.

    :param response: the answer
    :return: the error
    """
    status = response.status_code
    usual = ConfigurationError if 400 <= status < 500 else ServiceError
    code, message = _told(response)
    words = f"{code}: {message}" if code and message else message or code or "no message"
    error = _KINDS.get(status, usual)(f"{words} (HTTP {status})")
    error.code = code
    return error


def _told(response: Response) -> tuple[str, str]:
    from xml.etree import ElementTree

    text = response.text
    try:
        document = response.json()
    except ValueError:
        document = None
    if isinstance(document, dict):
        told = document.get("error", document)
        if isinstance(told, dict):
            names = {str(name).lower(): value for name, value in told.items()}
            return _words(names.get("code")), _words(names.get("message"))
        return "", _words(told)
    if isinstance(document, str):
        return "", _words(document)
    try:
        # The storage below the service has errors of its own.
        tree = ElementTree.fromstring(text.lstrip("\ufeff"))
        return _words(tree.findtext("Code")), _words((tree.findtext("Message") or "").partition("\n")[0])
    except ElementTree.ParseError:
        return "", _words(text)


def _words(text: object) -> str:
    return "" if text is None else " ".join(str(text).split())[:300]
