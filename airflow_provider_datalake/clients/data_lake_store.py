"""The file system of a Data Lake Store (Gen1) account, over WebHDFS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.data_lake_store_calls import read_boolean
from airflow_provider_datalake.clients.data_lake_store_errors import BadOffset, store_error
from airflow_provider_datalake.clients.data_lake_store_models import ContentSummary, FileStatus
from airflow_provider_datalake.clients.data_lake_store_paths import check_path, join, name_of, quote_path
from airflow_provider_datalake.clients.data_lake_store_rights import StoreRights
from airflow_provider_datalake.exceptions import (
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

PAGE = 4000
ATOMIC_BYTES = 4 * 1024 * 1024
"""Up to so many bytes a request writes all or nothing; the vendor's clients cut at the same place."""
PIECE = 1024 * 1024


class DataLakeStore(StoreRights):
    """
    The files of one account; threads may share it.

    :param http: requests to the account
    :param account: the account's name
    """

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

    # Looking

    def status(self, path: str) -> FileStatus:
        """
        Look at a file or a folder.

        :param path: its path
        :return: its status
        :raises NotFoundError: when there is nothing
        """
        response = self.send("GET", "GETFILESTATUS", path, repeatable=True)
        return FileStatus.from_json(self.read_object(response, "FileStatus"), check_path(path))

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

    def children(self, path: str, *, page: int = PAGE) -> Iterator[FileStatus]:
        """
        List a folder, page by page; a file lists itself.

        :param path: the folder
        :param page: how many are asked for at a time
        :return: what is in it, in the order of the names
        :raises NotFoundError: when there is nothing
        """
        folder = check_path(path)
        after: str | None = None
        while True:
            response = self.send("GET", "LISTSTATUS", folder, repeatable=True, listSize=page, listAfter=after)
            found = self.read_object(response, "FileStatuses")
            for item in found.get("FileStatus") or ():
                name = item.get("pathSuffix") or ""
                yield FileStatus.from_json(item, join(folder, name) if name else folder)
            before, after = after, found.get("continuationToken") or None
            if after is None:
                return
            if after == before:
                raise self.named(ServiceError(f"the list of {folder} does not go on after {after!r}"))

    def summary(self, path: str) -> ContentSummary:
        """
        Count what is in a folder.

        :param path: the folder
        :return: the counts
        """
        found = self.read_object(
            self.send("GET", "GETCONTENTSUMMARY", path, repeatable=True), "ContentSummary"
        )
        return ContentSummary(int(found["directoryCount"]), int(found["fileCount"]), int(found["length"]))

    def clock(self) -> float | None:
        """
        Ask what time it is in the store: the times of its files are by this clock.

        :return: epoch seconds, whole ones; None when the service does not tell
        """
        from email.utils import parsedate_to_datetime

        told = self.send("GET", "GETFILESTATUS", "/", repeatable=True).headers.get("Date", "")
        try:
            return parsedate_to_datetime(told).timestamp()
        except ValueError:
            return None

    # Reading and writing

    def open(self, path: str, offset: int = 0, length: int | None = None) -> Response:
        """
        Read a file or a part of it.

        :param path: the file
        :param offset: the first byte
        :param length: bytes, None for all that follow
        :return: the answer, to be read piece by piece and closed
        """
        return self.send(
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
        Read a file or a part of it into memory, all in one answer.

        :param path: the file
        :param offset: the first byte
        :param length: bytes, None for all that follow
        :return: the bytes; fewer when the file ends before
        :raises TransferError: when no answer comes through whole
        """
        from requests import RequestException

        attempt = 0
        while True:
            attempt += 1
            try:
                with self.open(path, offset, length) as response:
                    return response.content
            except RequestException as problem:
                self.pause(attempt, _broken(path, problem))

    def pieces(self, path: str, offset: int, length: int) -> Iterator[bytes]:
        """
        Read a part of a file piece by piece; where an answer breaks off, the rest is asked for.

        :param path: the file, which must not change meanwhile
        :param offset: the first byte
        :param length: bytes
        :return: the pieces, together ``length`` bytes
        :raises TransferError: when the file has fewer bytes, or no answer comes through
        """
        from requests import RequestException

        done, attempt = 0, 0
        while done < length:
            before = done
            try:
                with self.open(path, offset + done, length - done) as response:
                    for piece in response.iter_content(PIECE):
                        done += len(piece)
                        yield piece
            except RequestException as problem:
                attempt = 1 if done > before else attempt + 1
                self.pause(attempt, _broken(path, problem))
            else:
                # An answer may have less than was asked for; one that has nothing is at the file's end.
                if done == before or done > length:
                    raise self.named(
                        TransferError(
                            f"{check_path(path)} gave {done} bytes from {offset} on, {length} were expected"
                        )
                    )

    def create(
        self, path: str, content: bytes | memoryview = b"", *, overwrite: bool = True, last: bool = True
    ) -> None:
        """
        Write a file whole, in one request.

        :param path: the file; missing folders are made
        :param content: its bytes; more than ``ATOMIC_BYTES`` may be seen in part for a moment
        :param overwrite: whether a file that is there is replaced
        :param last: whether the file is complete then
        :raises ConflictError: when there is one and it must not be replaced
        """

        def send() -> None:
            self.send(
                "PUT",
                "CREATE",
                path,
                # A second request that must not overwrite would meet the first one's file.
                repeatable=overwrite,
                body=content,
                write="true",
                overwrite=str(overwrite).lower(),
                syncFlag="CLOSE" if last else "DATA",
            )

        if overwrite:
            send()
        else:
            self.once(send, lambda: self._has(path, content))

    def _has(self, path: str, content: bytes | memoryview) -> bool:
        found = self.find(path)
        return found is not None and found.size == len(content) and self.read(path) == content

    def append(self, path: str, content: bytes | memoryview, offset: int, *, last: bool = False) -> None:
        """
        Append at a position, which must be the file's end; an unclear failure is found out and mended.

        :param path: the file
        :param content: the bytes
        :param offset: where they belong
        :param last: whether the file is complete then
        :raises BadOffset: when the file ends elsewhere
        """
        sent, attempt, unclear = 0, 0, False
        while True:
            attempt += 1
            try:
                self.send(
                    "POST",
                    "APPEND",
                    path,
                    repeatable=False,
                    body=content[sent:] if sent else content,
                    append="true",
                    offset=offset + sent,
                    syncFlag="CLOSE" if last else "DATA",
                )
            except ServiceError as error:
                failure: DataLakeError = error
            except BadOffset as error:
                # After an unclear failure: the bytes may have arrived late.
                if not unclear:
                    raise
                failure = error
            else:
                return
            unclear = True
            sent = self._arrived(path, content, offset, failure)
            if sent == len(content) and not last:
                return
            self.pause(attempt, failure)

    def _arrived(self, path: str, content: bytes | memoryview, offset: int, failure: DataLakeError) -> int:
        """Count how many of the bytes are there, after a request whose end is not known."""
        size = self.status(path).size
        if not offset <= size <= offset + len(content):
            raise self.named(
                BadOffset(f"{check_path(path)} has {size} bytes: somebody else writes to it")
            ) from failure
        return size - offset

    def concat(self, target: str, sources: Sequence[str], *, size: int | None = None) -> None:
        """
        Make one file of several, which are gone then; only the catalog of the store changes.

        :param target: the new file; one that is there stays in front of them
        :param sources: files, in order
        :param size: bytes that the new file will have; None to find out
        :raises ConfigurationError: when there are none
        """
        paths = [check_path(source, "source") for source in sources]
        if not paths:
            raise ConfigurationError("concat needs at least one source")
        if size is None:
            there = self.find(target)
            size = sum(self.status(source).size for source in paths) + (there.size if there else 0)

        def happened() -> bool:
            found = self.find(target)
            return found is not None and found.size == size and not self.exists(paths[0])

        self.once(
            lambda: self.send("POST", "MSCONCAT", target, repeatable=False, json={"sources": paths}),
            happened,
        )

    # Folders and names

    def mkdirs(self, path: str, permission: str | None = None) -> None:
        """
        Make a folder, and those above it.

        :param path: the folder; one that is there is fine
        :param permission: octal digits for new ones
        :raises ConflictError: when there is a file
        """
        response = self.send("PUT", "MKDIRS", path, repeatable=True, permission=permission)
        if not read_boolean(response):
            raise self.named(ConflictError(f"there is a file in the way of folder {check_path(path)}"))

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
            raise self.named(NotFoundError(f"there is nothing at {old} to rename"))
        options = "OVERWRITE" if overwrite else None

        def happened() -> bool:
            # A folder that was there has taken it in.
            for path in (new, join(new, name_of(old))):
                after = self.find(path)
                if after is not None and (after.is_folder, after.size) == (before.is_folder, before.size):
                    return not self.exists(old)
            return False

        done = self.once(
            lambda: read_boolean(
                self.send("PUT", "RENAME", old, repeatable=False, destination=new, renameoptions=options)
            ),
            happened,
        )
        if done is False and not happened():
            raise self.named(
                ConflictError(f"{old} cannot become {new}: the destination exists, or its folder does not")
            )

    def check_place(self, path: str, *, overwrite: bool) -> None:
        """
        Refuse a path at which a file cannot appear.

        :param path: the file that is to be
        :param overwrite: whether a file that is there is replaced
        :raises ConflictError: when there is a folder, or a file that must not be replaced
        """
        found = self.find(path)
        if found is not None and found.is_folder:
            raise self.named(ConflictError(f"{found.path} is a folder: a file cannot take its place"))
        if found is not None and not overwrite:
            raise self.named(ConflictError(f"there is a file {found.path} already, and overwrite is off"))

    def publish(self, temporary: str, path: str, *, overwrite: bool) -> None:
        """
        Let a file appear that was written under a temporary name.

        :param temporary: where it is
        :param path: where it belongs
        :param overwrite: whether a file that is there is replaced
        :raises ConflictError: when there is a folder, or a file that must not be replaced
        """
        # The service would move it into a folder, below its temporary name, and call that done.
        self.check_place(path, overwrite=overwrite)
        self.rename(temporary, path, overwrite=overwrite)

    def delete(self, path: str, *, recursive: bool = False) -> bool:
        """
        Delete a file or a folder.

        :param path: its path
        :param recursive: whether a folder goes with what is in it
        :return: whether there was something
        :raises DataLakeError: when a folder is not empty and ``recursive`` is off
        """
        sent = 0

        def send() -> bool:
            nonlocal sent
            sent += 1
            response = self.send("DELETE", "DELETE", path, repeatable=False, recursive=str(recursive))
            # Only the first answer tells whether there was something; a repeat meets what that one left.
            return read_boolean(response) or sent > 1

        return self.once(send, lambda: not self.exists(path)) is not False


def _broken(path: str, problem: Exception) -> TransferError:
    from airflow_provider_datalake.clients.http import describe

    failure = TransferError(f"{check_path(path)}: {describe(problem)}")
    failure.__cause__ = problem
    return failure
