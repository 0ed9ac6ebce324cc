"""The Data Lake Store (Gen1) as a file system: ``adls1://connection@store/path``."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from errno import EACCES, EEXIST, ENOENT, ENOTEMPTY
from typing import TYPE_CHECKING, Any, ClassVar

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem
from fsspec.utils import stringify_path

from airflow_provider_datalake.exceptions import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    TransferError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus

log = logging.getLogger(__name__)

SCHEME = "adls1"
schemes = [SCHEME]
"""What Airflow reads to find out which URIs this module serves."""
READ_BLOCK = 4 * 1024 * 1024
WRITE_BLOCK = 4 * 1024 * 1024


def get_fs(conn_id: str | None, storage_options: Mapping[str, Any] | None = None) -> DataLakeStoreFileSystem:
    """
    Make the file system for Airflow's object storage.

    :param conn_id: the connection's id, None for the default one
    :param storage_options: further options of the file system
    :return: the file system
    """
    return DataLakeStoreFileSystem(conn_id=conn_id, **(storage_options or {}))


class DataLakeStoreFileSystem(AbstractFileSystem):
    """
    The files of the stores that one connection reaches.

    The first part of a path is the store, which takes precedence over the connection's account. A file that
    is written appears when it is closed, at once and whole; until then it is not listed either.

    :param conn_id: an Airflow connection; without one, the other options are what a connection's fields are
    :param host: the store's name, its host name, or a URL that ends with its name
    :param url: the same, where no library in between takes the name for itself, as pandas does
    :param bearer_token: a token, used as it is
    :param tenant_id: the directory's tenant
    :param client_id: the application's id
    :param client_secret: the application's secret
    :param extra: the other fields of a connection, e.g. ``auth``
    """

    protocol: ClassVar[str] = SCHEME
    root_marker = ""

    def __init__(
        self,
        *args: Any,
        conn_id: str | None = None,
        host: str | None = None,
        url: str | None = None,
        bearer_token: str | None = None,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._conn_id = conn_id
        named = {"bearer_token": bearer_token, "tenant_id": tenant_id}
        self._extra = {**(extra or {}), **{name: value for name, value in named.items() if value}}
        self._fields = (host or url, client_id, client_secret)
        self._stores: dict[str, DataLakeStore] = {}

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        given = stringify_path(path)
        text = given.removeprefix(f"{SCHEME}://")
        if text != given and text.startswith("/"):
            raise ValueError(f"{given!r} names no store: {SCHEME}://connection@store/path was expected")
        # Airflow's connection id stands before an at sign.
        head, slash, rest = text.partition("/")
        return (head.rpartition("@")[2] + slash + rest).strip("/")

    def split(self, path: str) -> tuple[DataLakeStore, str]:
        """
        Find the store that a path is in.

        :param path: store and path in it, or a URI
        :return: the store's client, and the absolute path in the store
        """
        account, _, rest = self._strip_protocol(path).partition("/")
        if not account:
            raise FileNotFoundError(f"{path!r} names no store: {SCHEME}://connection@store/path was expected")
        return self._store(account.partition(".")[0]), f"/{rest}"

    def _store(self, account: str) -> DataLakeStore:
        if account not in self._stores:
            self._stores[account] = self._connect(account)
        return self._stores[account]

    def _connect(self, account: str) -> DataLakeStore:
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        if self._conn_id is None and (any(self._fields) or self._extra):
            from airflow_provider_datalake.clients.azure_settings import read_settings

            host, login, password = self._fields
            settings = read_settings(
                conn_id=SCHEME,
                host=host,
                login=login,
                password=password,
                extra=self._extra,
                service="store",
                account=account,
            )
            return DataLakeStore.connect(settings)
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        conn_id = self._conn_id or DataLakeStoreHook.default_conn_name
        return DataLakeStoreHook(conn_id, account=account).get_client()

    # Looking

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Look at a file or a folder."""
        store, inner = self.split(path)
        with os_errors(path):
            return _info(store, store.status(inner))

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder, without what is still being written; a file lists itself."""
        from airflow_provider_datalake.clients.data_lake_store_paths import is_temporary

        store, inner = self.split(path)
        with os_errors(path):
            found = [_info(store, one) for one in store.children(inner) if not is_temporary(one.name)]
        return found if detail else [item["name"] for item in found]

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Tell whether there is a file or a folder."""
        store, inner = self.split(path)
        with os_errors(path):
            return store.exists(inner)

    def created(self, path: str) -> Any:
        """Refuse: the service does not tell when a file was created."""
        raise NotImplementedError("the Data Lake Store does not tell when a file was created")

    def modified(self, path: str) -> Any:
        """Tell when a file was changed."""
        return self.info(path)["modified"]

    def ukey(self, path: str) -> str:
        """Give a text that changes with the file."""
        found = self.info(path)
        return f"{found['name']}|{found['size']}|{found['mtime']}"

    # Changing

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        """Make a folder."""
        if not create_parents and not self.isdir(self._parent(path)):
            raise FileNotFoundError(self._parent(path))
        self.makedirs(path)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder, and those above it."""
        store, inner = self.split(path)
        if inner == "/":
            return
        with os_errors(path):
            if not exist_ok and store.exists(inner):
                raise FileExistsError(path)
            store.mkdirs(inner)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        store, inner = self.split(path)
        with os_errors(path):
            if not store.status(inner).is_folder:
                raise NotADirectoryError(path)
            if next(iter(store.children(inner)), None) is not None:
                raise OSError(ENOTEMPTY, "the folder is not empty", path)
            store.delete(inner)

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        store, inner = self.split(path)
        with os_errors(path):
            if store.status(inner).is_folder:
                raise IsADirectoryError(path)
            store.delete(inner)

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove files, or folders with what is in them: each folder in one request."""
        if maxdepth is not None:
            super().rm(path, recursive=recursive, maxdepth=maxdepth)
            return
        for one in self.expand_path(path):
            store, inner = self.split(one)
            with os_errors(one):
                if inner == "/":
                    raise PermissionError(f"{one} is a whole store: name what to remove in it")
                if not recursive and store.status(inner).is_folder:
                    raise IsADirectoryError(one)
                if not store.delete(inner, recursive=recursive):
                    raise FileNotFoundError(one)

    def mv(
        self, path1: str, path2: str, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any
    ) -> None:
        """Move a file or a folder: a rename within a store, at once and whole."""
        store, old = self.split(path1)
        other, new = self.split(path2)
        if store is not other:
            super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)
            return
        with os_errors(path1):
            status = store.status(old)
            store.rename(old, new, overwrite=not status.is_folder)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file through this machine, for the service has no copy of its own; a folder is made anew."""
        if self.isdir(path1):
            self.makedirs(path2, exist_ok=True)
            return
        store, inner = self.split(path1)
        other, target = self.split(path2)
        with os_errors(path1):
            _write_whole(other, target, _content(store, store.status(inner)))

    # Reading and writing

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Read a file or a part of it."""
        store, inner = self.split(path)
        with os_errors(path):
            if start is None and end is None:
                return store.read(inner)
            size = store.status(inner).size
            first, last = _position(start, size, 0), _position(end, size, size)
            return store.read(inner, first, last - first) if last > first else b""

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a file whole."""
        from airflow_provider_datalake.clients.data_lake_store import ATOMIC_BYTES

        store, inner = self.split(path)
        overwrite = mode != "create"
        with os_errors(path):
            if len(value) <= ATOMIC_BYTES:
                store.create(inner, bytes(value), overwrite=overwrite)
            else:
                _write_whole(store, inner, [value], overwrite=overwrite)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> DataLakeStoreFile:
        size = block_size or (READ_BLOCK if mode == "rb" else WRITE_BLOCK)
        with os_errors(path):
            return DataLakeStoreFile(
                self, path, mode, size, autocommit=autocommit, cache_options=cache_options, **kwargs
            )


@contextmanager
def os_errors(path: str) -> Iterator[None]:
    """
    Raise what users of file systems expect.

    :param path: what is worked on
    :return: a context manager
    :raises FileNotFoundError: when there is nothing
    :raises FileExistsError: when there is something in the way
    :raises PermissionError: when the connection may not
    """
    from airflow_provider_datalake.clients.data_lake_store_errors import ACCESS_DENIED

    try:
        yield
    except NotFoundError as error:
        raise FileNotFoundError(ENOENT, str(error), path) from error
    except ConflictError as error:
        raise FileExistsError(EEXIST, str(error), path) from error
    except AuthenticationError as error:
        if error.code != ACCESS_DENIED:
            raise
        raise PermissionError(EACCES, str(error), path) from error


def _write_whole(
    store: DataLakeStore, inner: str, pieces: Iterable[bytes], *, overwrite: bool = True
) -> None:
    from airflow_provider_datalake.clients.data_lake_store_stream import StreamWriter

    writer = StreamWriter(store, inner, overwrite=overwrite)
    try:
        for piece in pieces:
            writer.write(piece)
    except BaseException:
        writer.discard()
        raise
    writer.commit()


def _content(store: DataLakeStore, status: FileStatus) -> Iterator[bytes]:
    yield from store.pieces(status.path, 0, status.size)
    now = store.status(status.path)
    if (now.size, now.modified) != (status.size, status.modified):
        raise TransferError(f"{status.path} has changed while it was copied")


def _position(given: int | None, size: int, default: int) -> int:
    if given is None:
        return default
    return max(0, min(size, given + size if given < 0 else given))


def _info(store: DataLakeStore, status: FileStatus) -> dict[str, Any]:
    from datetime import UTC, datetime

    return {
        "name": f"{store.account}{status.path}".rstrip("/"),
        "size": status.size,
        "type": "directory" if status.is_folder else "file",
        "mtime": status.modified,
        "modified": datetime.fromtimestamp(status.modified, UTC),
        "owner": status.owner,
        "permission": status.permission,
    }


class DataLakeStoreFile(AbstractBufferedFile):
    """
    An open file; see fsspec.

    What is written goes to a temporary name. Closing makes it appear, ``discard`` removes it; so does leaving
    a ``with`` block by an exception, and forgetting to close it.
    """

    def __init__(self, fs: DataLakeStoreFileSystem, path: str, mode: str, *args: Any, **kwargs: Any) -> None:
        from airflow_provider_datalake.clients.data_lake_store_stream import StreamWriter

        self._writer: StreamWriter | None = None
        if mode not in ("rb", "wb", "xb"):
            raise NotImplementedError(f"files of a Data Lake Store are opened as rb, wb or xb, not {mode}")
        self._store, self._inner = fs.split(path)
        if mode == "xb" and self._store.exists(self._inner):
            raise FileExistsError(path)
        super().__init__(fs, path, "wb" if mode == "xb" else mode, *args, **kwargs)
        if mode == "rb" and self.details["type"] == "directory":
            raise IsADirectoryError(path)
        if mode != "rb":
            self._writer = StreamWriter(self._store, self._inner, overwrite=mode == "wb")

    def _fetch_range(self, start: int, end: int) -> bytes:
        content = self._store.read(self._inner, start, end - start)
        if len(content) != end - start:
            raise TransferError(
                f"{self.path} gave {len(content)} bytes from {start} on, {end - start} were expected: "
                "it has changed since it was opened"
            )
        return content

    def _upload_chunk(self, final: bool = False) -> bool:
        if self._writer is None:
            raise ValueError("the file is not open for writing")
        with os_errors(self.path):
            self._writer.write(self.buffer.getbuffer())
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        """Make the file appear."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with os_errors(self.path):
                writer.commit()

    def discard(self) -> None:
        """Remove what was written."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.discard()

    def close(self) -> None:
        """Finish writing; a file that cannot be finished does not appear."""
        try:
            super().close()
        except BaseException:
            self.discard()
            raise

    def __exit__(self, *raised: Any) -> None:
        """Close the file; after an exception, without making it appear."""
        if raised and raised[0] is not None and self._writer is not None:
            self.discard()
            self.closed = True
        super().__exit__(*raised)

    def __del__(self) -> None:
        """Let what was never closed never appear."""
        if getattr(self, "_writer", None) is not None and not self.closed:
            log.warning("%s was not closed: what was written to it is discarded", self.path)
            self.discard()
            self.closed = True
