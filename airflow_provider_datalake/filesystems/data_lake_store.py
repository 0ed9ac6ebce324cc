"""The Data Lake Store (Gen1) as a file system: ``adls1://connection@store/path``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_models import FileStatus

SCHEME = "adls1"
schemes = [SCHEME]
"""What Airflow reads to find out which URIs this module serves."""
BLOCK = 16 * 1024 * 1024


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
    is written appears when it is closed, at once and whole.

    :param conn_id: an Airflow connection; without one, the other options are what a connection's fields are
    :param host: the store's name, its host name, or a URL that ends with its name
    :param login: the application's id, or the person's name
    :param password: the application's secret, or the person's password
    :param extra: the other fields of a connection, e.g. ``bearer_token``
    """

    protocol: ClassVar[str] = SCHEME
    root_marker = ""
    blocksize = BLOCK

    def __init__(
        self,
        *args: Any,
        conn_id: str | None = None,
        host: str | None = None,
        login: str | None = None,
        password: str | None = None,
        extra: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._conn_id = conn_id
        self._fields = {"host": host, "login": login, "password": password, "extra": dict(extra or {})}
        self._stores: dict[str, DataLakeStore] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        text = str(path)
        text = text.removeprefix(f"{SCHEME}://")
        # Airflow's connection id stands before an at sign.
        head, slash, rest = text.partition("/")
        return (head.rpartition("@")[2] + slash + rest).strip("/")

    def _split(self, path: str) -> tuple[DataLakeStore, str]:
        stripped = self._strip_protocol(path)
        account, _, rest = stripped.partition("/")
        if not account:
            raise FileNotFoundError(f"{path!r} names no store: {SCHEME}://connection@store/path was expected")
        return self._store(account.partition(".")[0]), f"/{rest}"

    def _store(self, account: str) -> DataLakeStore:
        if account not in self._stores:
            self._stores[account] = self._connect(account)
        return self._stores[account]

    def _connect(self, account: str) -> DataLakeStore:
        from airflow_provider_datalake.clients.data_lake_store import DataLakeStore

        if self._conn_id is None and (self._fields["host"] or self._fields["login"] or self._fields["extra"]):
            from airflow_provider_datalake.clients.azure_settings import read_settings

            return DataLakeStore.connect(
                read_settings(conn_id=SCHEME, service="store", account=account, **self._fields)  # type: ignore[arg-type]
            )
        from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

        conn_id = self._conn_id or DataLakeStoreHook.default_conn_name
        return DataLakeStoreHook(conn_id, account=account).get_client()

    # Looking

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Look at a file or a folder."""
        store, inner = self._split(path)
        return _info(store, self._status(store, inner))

    def _status(self, store: DataLakeStore, inner: str) -> FileStatus:
        found = store.find(inner)
        if found is None:
            raise FileNotFoundError(f"{SCHEME}://{store.account}{inner}")
        return found

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:
        """List a folder; a file lists itself."""
        store, inner = self._split(path)
        status = self._status(store, inner)
        items = [status] if not status.is_folder else list(store.children(inner))
        found = [_info(store, item) for item in items]
        return found if detail else [item["name"] for item in found]

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Tell whether there is a file or a folder."""
        store, inner = self._split(path)
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
        store, inner = self._split(path)
        if inner != "/" and store.exists(inner):
            raise FileExistsError(path)
        store.mkdirs(inner)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder, and those above it."""
        store, inner = self._split(path)
        if not exist_ok and inner != "/" and store.exists(inner):
            raise FileExistsError(path)
        store.mkdirs(inner)

    def rmdir(self, path: str) -> None:
        """Remove an empty folder."""
        store, inner = self._split(path)
        self._status(store, inner)
        if next(iter(store.children(inner)), None) is not None:
            raise OSError(f"the folder is not empty: {path}")
        store.delete(inner)

    def rm_file(self, path: str) -> None:
        """Remove a file."""
        store, inner = self._split(path)
        self._status(store, inner)
        store.delete(inner)

    def rm(self, path: str | list[str], recursive: bool = False, maxdepth: int | None = None) -> None:
        """Remove files, or folders with what is in them."""
        for one in [path] if isinstance(path, str) else path:
            for found in self.expand_path(one) if "*" in one else [one]:
                store, inner = self._split(found)
                status = self._status(store, inner)
                if status.is_folder and not recursive:
                    raise IsADirectoryError(found)
                store.delete(inner, recursive=recursive)

    def mv(
        self, path1: str, path2: str, recursive: bool = False, maxdepth: int | None = None, **kwargs: Any
    ) -> None:
        """Move a file or a folder: a rename within a store, at once and whole."""
        store, old = self._split(path1)
        other, new = self._split(path2)
        if store is not other:
            super().mv(path1, path2, recursive=recursive, maxdepth=maxdepth, **kwargs)
            return
        status = self._status(store, old)
        store.rename(old, new, overwrite=not status.is_folder)

    rename = mv
    move = mv

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy a file; the service has no copy of its own."""
        with self.open(path1, "rb") as source, self.open(path2, "wb") as target:
            while content := source.read(BLOCK):
                target.write(content)

    # Reading and writing

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Read a file or a part of it."""
        store, inner = self._split(path)
        status = self._status(store, inner)
        first = _position(start, status.size, 0)
        last = _position(end, status.size, status.size)
        return store.read(inner, first, last - first) if last > first else b""

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write a file whole."""
        from airflow_provider_datalake.clients.data_lake_store import ATOMIC_BYTES

        store, inner = self._split(path)
        if mode == "create" and store.exists(inner):
            raise FileExistsError(path)
        if len(value) <= ATOMIC_BYTES:
            store.create(inner, bytes(value))
            return
        with self.open(path, "wb") as file:
            file.write(value)

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> DataLakeStoreFile:
        return DataLakeStoreFile(
            self,
            path,
            mode,
            block_size or BLOCK,
            autocommit=autocommit,
            cache_options=cache_options,
            **kwargs,
        )


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

    What is written goes to a temporary name. Closing makes it appear, ``discard`` removes it.
    """

    def __init__(self, fs: DataLakeStoreFileSystem, path: str, mode: str, *args: Any, **kwargs: Any) -> None:
        from airflow_provider_datalake.clients.data_lake_store_stream import StreamWriter

        self._store, self._inner = fs._split(path)
        self._writer: StreamWriter | None = None
        if mode not in ("rb", "wb", "xb"):
            raise NotImplementedError(f"files of a Data Lake Store are opened as rb, wb or xb, not {mode}")
        if mode == "xb" and self._store.exists(self._inner):
            raise FileExistsError(path)
        super().__init__(fs, path, "wb" if mode == "xb" else mode, *args, **kwargs)
        if mode != "rb":
            self._writer = StreamWriter(self._store, self._inner, overwrite=mode == "wb")

    def _fetch_range(self, start: int, end: int) -> bytes:
        return self._store.read(self._inner, start, end - start)

    def _initiate_upload(self) -> None:
        """Begin; the first block creates the file."""

    def _upload_chunk(self, final: bool = False) -> bool:
        if self._writer is None:
            raise ValueError("the file is not open for writing")
        content = self.buffer.getvalue()
        if content or final:
            self._writer.write(content)
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        """Make the file appear."""
        if self._writer is not None:
            self._writer.commit()
            self._writer = None

    def discard(self) -> None:
        """Remove what was written."""
        if self._writer is not None:
            self._writer.discard()
            self._writer = None
