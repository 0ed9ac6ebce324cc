"""The file system of a Data Lake Store (Gen1) account, over WebHDFS."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from airflow_provider_datalake.clients.data_lake_store_models import (
    AclEntry,
    AclStatus,
    ContentSummary,
    FileStatus,
    format_acl,
)
from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join, quote_path
from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConfigurationError,
    ConflictError,
    DataLakeError,
    NotFoundError,
    ServiceError,
    TransferError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from requests import Response

    from airflow_provider_datalake.clients.azure_settings import AzureSettings
    from airflow_provider_datalake.clients.http import HttpClient

log = logging.getLogger(__name__)

API_VERSION = "2018-09-01"
PAGE = 4000
ATOMIC_BYTES = 4 * 1024 * 1024
"""Up to so many bytes a request writes all or nothing; the vendor's clients cut at the same place."""
Expiry = Literal["NeverExpire", "RelativeToNow", "RelativeToCreationDate", "Absolute"]
_KINDS: dict[str, type[DataLakeError]] = {
    "FileNotFoundException": NotFoundError,
    "FileAlreadyExistsException": ConflictError,
    "AccessControlException": AuthenticationError,
    "IllegalArgumentException": ConfigurationError,
    "BadOffsetException": ConflictError,
    "UnsupportedOperationException": ConfigurationError,
}


class BadOffset(ConflictError):
    """The bytes do not follow the last one of the file."""


def store_error(response: Response) -> DataLakeError:
    """
    Make a typed error of an answer with a remote exception.

    :param response: the answer
    :return: the error; its ``code`` is the exception's name
    """
    name, message = "", ""
    try:
        told = response.json()["RemoteException"]
        name, message = str(told.get("exception") or ""), str(told.get("message") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        message = " ".join(response.text.split())[:300]
    status = response.status_code
    if name == "BadOffsetException":
        kind: type[DataLakeError] = BadOffset
    elif name in _KINDS:
        kind = _KINDS[name]
    elif status in (401, 403):
        kind = AuthenticationError
    elif status == 404:
        kind = NotFoundError
    elif status == 409:
        kind = ConflictError
    else:
        kind = ConfigurationError if 400 <= status < 500 and status not in (408, 429) else ServiceError
    error = kind(
        f"{name}: {message} (HTTP {status})" if name else f"{message or 'no message'} (HTTP {status})"
    )
    error.code = name
    return error


class DataLakeStore:
    """
    The files of one account; threads may share it.

    :param http: requests to the account
    :param account: the account's name
    """

    def __init__(self, http: HttpClient, account: str) -> None:
        self.http = http
        self.account = account

    @classmethod
    def connect(cls, settings: AzureSettings) -> DataLakeStore:
        """
        Make the client of a connection.

        :param settings: the connection's settings
        :return: the client; it sends nothing yet
        """
        from airflow_provider_datalake.clients.azure_credentials import TokenSource
        from airflow_provider_datalake.clients.azure_settings import DATA_LAKE_SCOPE
        from airflow_provider_datalake.clients.http import HttpClient

        http = HttpClient(
            settings.url,
            conn_id=settings.conn_id,
            authorize=TokenSource(settings, DATA_LAKE_SCOPE),
            error_of=store_error,
            transport=settings.transport,
        )
        return cls(http, settings.account)

    def uri(self, path: str) -> str:
        """
        Name a file for the world.

        :param path: its path
        :return: e.g. ``adl://store.azuredatalakestore.net/raw/a.csv``
        """
        return f"adl://{self.account}.azuredatalakestore.net{quote_path(check_path(path))}"

    def _send(
        self,
        method: str,
        op: str,
        path: str,
        *,
        repeatable: bool,
        body: bytes | None = None,
        json: Any = None,
        extension: bool = False,
        stream: bool = False,
        headers: dict[str, str] | None = None,
        **parameters: Any,
    ) -> Response:
        checked = check_path(path)
        given = {name: str(value) for name, value in parameters.items() if value is not None}
        root = "webhdfsext" if extension else "webhdfs/v1"
        content = {"Content-Type": "application/octet-stream"} if body is not None else {}
        return self.http.request(
            method,
            f"/{root}{quote_path(checked)}",
            doing=f"{op} {checked}",
            repeatable=repeatable,
            params={"op": op, **given, "api-version": API_VERSION},
            body=body,
            json=json,
            headers={**content, **(headers or {})},
            expected=(200, 201),
            stream=stream,
        )

    # Looking

    def status(self, path: str) -> FileStatus:
        """
        Look at a file or a folder.

        :param path: its path
        :return: its status
        :raises NotFoundError: when there is nothing
        """
        response = self._send("GET", "GETFILESTATUS", path, repeatable=True)
        return FileStatus.from_json(_object(response, "FileStatus"), check_path(path))

    def find(self, path: str) -> FileStatus | None:
        """
        Look whether there is a file or a folder.

        :param path: its path
        :return: its status, None when there is nothing
        """
        try:
            return self.status(path)
        except NotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """
        Tell whether there is a file or a folder.

        :param path: its path
        :return: whether there is
        """
        return self.find(path) is not None

    def children(self, path: str) -> Iterator[FileStatus]:
        """
        List a folder, page by page; a file lists itself.

        :param path: the folder
        :return: what is in it, in the order of the names
        :raises NotFoundError: when there is nothing
        """
        folder = check_path(path)
        after: str | None = None
        while True:
            response = self._send(
                "GET", "LISTSTATUS", folder, repeatable=True, listSize=PAGE, listAfter=after
            )
            found = _object(response, "FileStatuses")
            items = found.get("FileStatus") or []
            for item in items:
                name = item.get("pathSuffix") or ""
                yield FileStatus.from_json(item, join(folder, name) if name else folder)
            after = found.get("continuationToken") or None
            if not items or after is None:
                return

    def walk(self, path: str) -> Iterator[FileStatus]:
        """
        List all files below a folder, in all levels.

        :param path: the folder; a file lists itself
        :return: the files
        :raises NotFoundError: when there is nothing
        """
        for item in self.children(path):
            if item.is_folder:
                yield from self.walk(item.path)
            else:
                yield item

    def summary(self, path: str) -> ContentSummary:
        """
        Count what is in a folder.

        :param path: the folder
        :return: the counts
        """
        found = _object(self._send("GET", "GETCONTENTSUMMARY", path, repeatable=True), "ContentSummary")
        return ContentSummary(int(found["directoryCount"]), int(found["fileCount"]), int(found["length"]))

    def may(self, path: str, action: str) -> bool:
        """
        Ask whether the connection may do something.

        :param path: a file or a folder
        :param action: three of ``rwx``, e.g. ``r--``
        :return: whether it may
        """
        try:
            self._send("GET", "CHECKACCESS", path, repeatable=True, fsaction=action)
        except AuthenticationError as error:
            if error.code == "AccessControlException":
                return False
            raise
        return True

    # Reading and writing

    def open(self, path: str, offset: int = 0, length: int | None = None) -> Response:
        """
        Read a file or a part of it.

        :param path: the file
        :param offset: the first byte
        :param length: bytes, None for all that follow
        :return: the answer, to be read piece by piece and closed
        """
        return self._send(
            "GET",
            "OPEN",
            path,
            repeatable=True,
            read="true",
            offset=offset or None,
            length=length,
            stream=True,
        )

    def read(self, path: str, offset: int = 0, length: int | None = None) -> bytes:
        """
        Read a file or a part of it into memory.

        :param path: the file
        :param offset: the first byte
        :param length: bytes, None for all that follow
        :return: the bytes
        :raises TransferError: when the answer ends too early
        """
        from requests import RequestException

        from airflow_provider_datalake.clients.http import describe

        for attempt in range(4):
            try:
                with self.open(path, offset, length) as response:
                    return response.content
            except RequestException as problem:
                failure = TransferError(f"{check_path(path)}: {describe(problem)}")
                failure.__cause__ = problem
                log.warning("Reading %s again (%s): %s", path, attempt + 1, failure)
        raise failure

    def create(self, path: str, content: bytes = b"", *, overwrite: bool = True) -> None:
        """
        Write a file whole, in one request.

        :param path: the file; missing folders are made
        :param content: its bytes; more than ``ATOMIC_BYTES`` may be seen in part for a moment
        :param overwrite: whether a file that is there is replaced
        :raises ConflictError: when there is one and it must not be replaced
        """
        self._send(
            "PUT",
            "CREATE",
            path,
            # A second request that must not overwrite would meet the first one's file.
            repeatable=overwrite,
            body=content,
            write="true",
            overwrite=str(overwrite).lower(),
            syncFlag="CLOSE",
        )

    def append(self, path: str, content: bytes, offset: int, *, last: bool = False) -> None:
        """
        Append at a position, which must be the file's end; an unclear failure is found out and mended.

        :param path: the file
        :param content: the bytes
        :param offset: where they belong
        :param last: whether the file is complete then
        :raises BadOffset: when the file ends elsewhere
        """
        flag = "CLOSE" if last else "DATA"
        sent, attempts = 0, 0
        while True:
            try:
                self._send(
                    "POST",
                    "APPEND",
                    path,
                    repeatable=False,
                    body=content[sent:],
                    append="true",
                    offset=offset + sent,
                    syncFlag=flag,
                )
            except ServiceError as error:
                attempts += 1
                if attempts > 5:
                    raise
                # It may have come through, whole or in part.
                there = self.status(path).size - offset
                if not 0 <= there <= len(content):
                    raise
                log.warning("%s; %s of %s bytes are there", error, there, len(content))
                if there == len(content) and not last:
                    return
                sent = there
            else:
                return

    def concat(self, target: str, sources: Sequence[str]) -> None:
        """
        Make one file of several, which are gone then; only the catalog of the store changes.

        :param target: the new file
        :param sources: files, in order
        :raises ConfigurationError: when there are none
        """
        paths = [check_path(source, "source") for source in sources]
        if not paths:
            raise ConfigurationError("concat needs at least one source")
        wanted = sum(self.status(source).size for source in paths)
        try:
            self._send("POST", "MSCONCAT", target, repeatable=False, json={"sources": paths})
        except ServiceError:
            # An unclear failure: it has happened when the target is complete and the sources are gone.
            found = self.find(target)
            if found is None or found.size != wanted or self.exists(paths[0]):
                raise

    # Folders and names

    def mkdirs(self, path: str, permission: str | None = None) -> None:
        """
        Make a folder, and those above it.

        :param path: the folder; one that is there is fine
        :param permission: octal digits for new ones
        :raises ConflictError: when there is a file
        """
        response = self._send("PUT", "MKDIRS", path, repeatable=True, permission=permission)
        if not _boolean(response):
            raise self._named(ConflictError(f"there is a file in the way of folder {check_path(path)}"))

    def rename(self, source: str, destination: str, *, overwrite: bool = False) -> None:
        """
        Move a file or a folder, at once and whole.

        :param source: its path
        :param destination: its new path; an existing folder takes it in
        :param overwrite: whether a file that is there is replaced
        :raises NotFoundError: when there is no source
        :raises ConflictError: when there is something at the destination
        """
        old, new = check_path(source, "source"), check_path(destination, "destination")
        before = self.find(old)
        if before is None:
            raise self._named(NotFoundError(f"there is nothing at {old} to rename"))
        options = "OVERWRITE" if overwrite else None
        try:
            done = _boolean(
                self._send("PUT", "RENAME", old, repeatable=False, destination=new, renameoptions=options)
            )
        except ServiceError:
            # An unclear failure: it has happened when the source is gone and the destination is what it was.
            after = self.find(new)
            if self.exists(old) or after is None or after.size != before.size:
                raise
            return
        if not done:
            raise self._named(
                ConflictError(f"{old} cannot become {new}: the destination exists, or its folder does not")
            )

    def delete(self, path: str, *, recursive: bool = False) -> bool:
        """
        Delete a file or a folder.

        :param path: its path
        :param recursive: whether a folder goes with what is in it
        :return: whether there was something
        :raises DataLakeError: when a folder is not empty and ``recursive`` is off
        """
        response = self._send("DELETE", "DELETE", path, repeatable=True, recursive=str(recursive))
        return _boolean(response)

    # Expiry and rights

    def set_expiry(self, path: str, option: Expiry, seconds: float | None = None) -> None:
        """
        Say when a file vanishes.

        :param path: the file
        :param option: what ``seconds`` counts from
        :param seconds: seconds; epoch seconds with ``Absolute``, nothing with ``NeverExpire``
        """
        if (seconds is None) is not (option == "NeverExpire"):
            raise ConfigurationError(f"expiry {option} does not go with seconds={seconds!r}")
        milliseconds = None if seconds is None else round(seconds * 1000)
        self._send(
            "PUT",
            "SETEXPIRY",
            path,
            repeatable=option != "RelativeToNow",
            extension=True,
            expiryOption=option,
            expireTime=milliseconds,
        )

    def set_permission(self, path: str, permission: str) -> None:
        """
        Change the permission of a file or a folder.

        :param path: its path
        :param permission: octal digits, e.g. ``750``
        """
        self._send("PUT", "SETPERMISSION", path, repeatable=True, permission=permission)

    def set_owner(self, path: str, owner: str | None = None, group: str | None = None) -> None:
        """
        Change the owner or the owning group.

        :param path: a file or a folder
        :param owner: object id, None to keep the owner
        :param group: object id, None to keep the group
        """
        if owner is None and group is None:
            raise ConfigurationError("set_owner needs an owner or a group")
        self._send("PUT", "SETOWNER", path, repeatable=True, owner=owner, group=group)

    def acl(self, path: str) -> AclStatus:
        """
        Read an access control list.

        :param path: a file or a folder
        :return: the list
        """
        found = _object(self._send("GET", "MSGETACLSTATUS", path, repeatable=True), "AclStatus")
        entries = tuple(AclEntry.parse(text) for text in found.get("entries") or ())
        return AclStatus(str(found["owner"]), str(found["group"]), str(found.get("permission", "")), entries)

    def set_acl(self, path: str, entries: str | list[str]) -> None:
        """
        Replace an access control list.

        :param path: a file or a folder
        :param entries: all entries, see ``AclEntry``
        """
        self._send("PUT", "SETACL", path, repeatable=True, aclSpec=format_acl(entries))

    def modify_acl(self, path: str, entries: str | list[str]) -> None:
        """
        Add entries to an access control list, or change them.

        :param path: a file or a folder
        :param entries: the entries
        """
        self._send("PUT", "MODIFYACLENTRIES", path, repeatable=True, aclSpec=format_acl(entries))

    def remove_acl_entries(self, path: str, entries: str | list[str]) -> None:
        """
        Remove entries from an access control list.

        :param path: a file or a folder
        :param entries: the entries, without permissions
        """
        self._send("PUT", "REMOVEACLENTRIES", path, repeatable=True, aclSpec=format_acl(entries))

    def remove_acl(self, path: str, *, default_only: bool = False) -> None:
        """
        Remove all entries beyond those of the permission.

        :param path: a file or a folder
        :param default_only: whether only those for new files are removed
        """
        op = "REMOVEDEFAULTACL" if default_only else "REMOVEACL"
        self._send("PUT", op, path, repeatable=True)

    def _named(self, error: DataLakeError) -> DataLakeError:
        error.name_connection(self.http.conn_id)
        return error


def _object(response: Response, name: str) -> dict[str, Any]:
    try:
        found = response.json()[name]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise ServiceError(f"the service's answer cannot be read: {name} was expected")
    return found


def _boolean(response: Response) -> bool:
    try:
        return response.json()["boolean"] is True
    except (ValueError, KeyError, TypeError) as error:
        raise ServiceError("the service's answer cannot be read: a boolean was expected") from error
