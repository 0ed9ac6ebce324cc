"""The stores as scripts see them: files by URI, with the rights of who runs the script."""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.paths import path_text
from airflow_provider_datalake.emulator.data_lake_store.uris import FileName, parse_uri, quote_name
from airflow_provider_datalake.usql.workspace import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.identity.principals import Principal

    Child = tuple[str, bool]


class StoreFiles:
    """
    The files that one script may read.

    A file that was found stays as it is on this machine until :meth:`close`, whatever becomes of it.

    :param service: has the stores
    :param default: the default store
    :param principal: whose rights apply
    """

    def __init__(self, service: DataLakeStoreService, default: str, principal: Principal) -> None:
        self._service = service
        self._default = default
        self._principal = principal
        self._blobs = service.config.data_dir.resolve() / "blobs"
        self._pinned: list[str] = []
        # A script that is killed closes nothing.
        self._finalizer = weakref.finalize(self, service.abandon, self._pinned)
        self._finalizer.atexit = False

    def close(self) -> None:
        """Let go of the files that were found."""
        self._finalizer()
        self._service.release()

    def resolve(self, uri: str) -> str:
        """
        Make a file's name absolute.

        :param uri: as the script writes it: absolute, or a path in the default store; percent-encoded
        :return: the normalised absolute URI
        :raises ValueError: when it is malformed, or names a store that is not known; the text says which
        """
        name = parse_uri(uri, self._default)
        if name.container is not None:
            if not (self._blobs / name.account / name.container).is_dir():
                raise ValueError(
                    f"there is no container {name.container} of the storage account {name.account}: "
                    f"it would be the folder blobs/{name.account}/{name.container} in the data directory"
                )
        elif not self._service.has_account(name.account):
            raise ValueError(f"there is no Data Lake Store account {name.account}")
        return name.uri

    def find(self, uri: str) -> StoredFile | None:
        """
        Look a file up.

        :param uri: a resolved URI
        :return: the file; None when there is none, or it is a folder
        :raises PermissionError: when the principal may not read it
        """
        name = parse_uri(uri, self._default)
        if name.container is not None:
            path = self._blob(name)
            return _stored_blob(name, path) if path.is_file() else None
        caller = new_caller(self._principal, "OPEN")
        try:
            node = self._service.contents.pin(name.account, name.names, caller)
        except StoreError as error:
            raise _translated(error, name) from error
        if node is None:
            return None
        self._pinned.append(str(node.object))
        path = self._service.local_path(node)
        return StoredFile(name.uri, path, node.length, node.modified / 1000)

    def walk(self, folder: str) -> Iterator[StoredFile]:
        """
        List all files below a folder, in all its sub-folders.

        :param folder: a resolved URI
        :return: the files in the order of their URIs; nothing when the folder does not exist
        :raises PermissionError: when the principal may not list a folder, or not read a file
        """
        start = parse_uri(folder, self._default)
        list_folder = self._list_store if start.container is None else self._list_blobs
        waiting = [(start, True)]
        while waiting:
            name, is_folder = waiting.pop()
            if is_folder:
                found = sorted(list_folder(name), key=_uri_order, reverse=True)
                waiting += [(replace(name, names=(*name.names, child)), below) for child, below in found]
            else:
                stored = self.find(name.uri)
                # One that was deleted meanwhile is not there.
                if stored is not None:
                    yield stored

    def _list_store(self, folder: FileName) -> list[Child]:
        caller = new_caller(self._principal, "LISTSTATUS")
        try:
            found = self._service.tree.children_of(folder.account, folder.names, caller)
        except StoreError as error:
            raise _translated(error, folder) from error
        return [(node.name, node.is_folder) for node in found]

    def _list_blobs(self, folder: FileName) -> list[Child]:
        path = self._blob(folder)
        if not path.is_dir():
            return []
        return [(child.name, child.is_dir()) for child in path.iterdir()]

    def _blob(self, name: FileName) -> Path:
        path = self._blobs.joinpath(name.account, str(name.container), *name.names).resolve()
        if not path.is_relative_to(self._blobs):
            raise PermissionError(f"{name.uri} leads out of the folder of blobs")
        return path


def _uri_order(child: Child) -> str:
    # So that what is in a folder comes where its URIs come among those of the folder's neighbours.
    name, is_folder = child
    return quote_name(name) + "/" * is_folder


def _translated(error: StoreError, name: FileName) -> Exception:
    text = f"{name.uri}: {error.message}"
    return PermissionError(text) if error.status == 403 else ValueError(text)


def _stored_blob(name: FileName, path: Path) -> StoredFile:
    status = path.stat()
    return StoredFile(name.uri, path, status.st_size, status.st_mtime)


def split_uri(uri: str) -> tuple[str, str]:
    """
    Take a store's URI apart.

    :param uri: a resolved URI
    :return: the store, and the decoded path in it
    :raises ValueError: when it is malformed, or names no file of a store, where alone scripts can write
    """
    name = parse_uri(uri, "")
    if name.container is not None or not name.account or not name.names:
        raise ValueError(f"expected the URI of a file in a Data Lake Store, got {uri!r}")
    return name.account, path_text(name.names)
