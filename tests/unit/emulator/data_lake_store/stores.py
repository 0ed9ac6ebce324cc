"""A store in a temporary directory, and short ways to use it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.data_lake_store.acl import DEFAULT_PERMISSION, parse_entries
from airflow_provider_datalake.emulator.data_lake_store.contents import Writing
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.nodes import committed_lengths
from airflow_provider_datalake.emulator.data_lake_store.objects import Content
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path
from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
from airflow_provider_datalake.emulator.identity.principals import Principal
from airflow_provider_datalake.emulator.identity.service import IdentityService

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node

ACCOUNT = "emulator"
ANN = Principal("aaaaaaaa-0000-0000-0000-000000000001", "ann@contoso.com", groups=frozenset({"team"}))
BOB = Principal("bbbbbbbb-0000-0000-0000-000000000002", "bob@contoso.com")


@dataclass
class Store:
    """
    One store, used by one principal.

    :param service: has it
    :param principal: who uses it
    """

    service: DataLakeStoreService
    principal: Principal

    def by(self, principal: Principal) -> Store:
        return Store(self.service, principal)

    def write(
        self, path: str, data: bytes = b"", *, overwrite: bool = True, lease: str | None = None
    ) -> None:
        self.service.contents.create(
            ACCOUNT,
            parse_path(path),
            new_caller(self.principal, "CREATE"),
            content(data),
            Writing(close=lease is None, lease=lease),
            overwrite=overwrite,
            permission=DEFAULT_PERMISSION,
        )

    def append(
        self,
        path: str,
        data: bytes,
        offset: int | None = None,
        *,
        close: bool = True,
        lease: str | None = None,
    ) -> None:
        caller = new_caller(self.principal, "APPEND")
        self.service.contents.append(
            ACCOUNT, parse_path(path), caller, content(data), Writing(close=close, lease=lease), offset
        )

    def read(self, path: str) -> bytes:
        caller = new_caller(self.principal, "OPEN")
        with self.service.contents.open(ACCOUNT, parse_path(path), caller) as file:
            return file.read(0, file.length)

    def status(self, path: str) -> Node:
        return self.service.tree.status(
            ACCOUNT, parse_path(path), new_caller(self.principal, "GETFILESTATUS")
        )

    def names(self, path: str = "/", limit: int = 4000, after: str | None = None) -> list[str]:
        caller = new_caller(self.principal, "LISTSTATUS")
        found, _, _ = self.service.tree.listing(
            ACCOUNT, parse_path(path), caller, after=after, before=None, limit=limit
        )
        return [node.name for node in found]

    def mkdir(self, path: str, permission: int = DEFAULT_PERMISSION) -> None:
        caller = new_caller(self.principal, "MKDIRS")
        self.service.tree.make_folders(ACCOUNT, parse_path(path), caller, permission)

    def delete(self, path: str, *, recursive: bool = False) -> bool:
        caller = new_caller(self.principal, "DELETE")
        return self.service.tree.delete(ACCOUNT, parse_path(path), caller, recursive=recursive)[0]

    def rename(self, source: str, destination: str, *, overwrite: bool = False) -> bool:
        caller = new_caller(self.principal, "RENAME")
        done, _ = self.service.tree.rename(
            ACCOUNT, parse_path(source), parse_path(destination), caller, overwrite=overwrite
        )
        return done

    def concatenate(self, path: str, *sources: str, **options: bool) -> None:
        self.service.joining.concatenate(
            ACCOUNT,
            parse_path(path),
            new_caller(self.principal, "MSCONCAT"),
            [parse_path(source) for source in sources],
            permission=DEFAULT_PERMISSION,
            **options,
        )

    def set_acl(self, path: str, spec: str) -> None:
        caller = new_caller(self.principal, "SETACL")
        self.service.rights.change_acl(
            ACCOUNT, parse_path(path), caller, lambda acl: acl.modified(parse_entries(spec))
        )

    def expire_at(self, path: str, when: int) -> None:
        caller = new_caller(self.principal, "SETEXPIRY")
        self.service.rights.set_expiry(ACCOUNT, parse_path(path), caller, lambda node: when)

    def objects_on_disk(self) -> list[Path]:
        """Where the bytes of all files are; anything else among them is a leak."""
        root = self.service.config.data_dir / "stores" / ACCOUNT / "files"
        return sorted(path for path in root.rglob("*") if path.is_file())

    def listed_objects(self) -> list[Path]:
        """Where the bytes of all files should be."""
        with self.service.database.read() as connection:
            names = [name for _, name, _ in committed_lengths(connection)]
        root = self.service.config.data_dir / "stores" / ACCOUNT / "files"
        return sorted(root / name[:6] / name for name in names)


def content(data: bytes) -> Content:
    """Make the body of a request."""
    return Content(len(data), [data])


def open_store(data_dir: Path) -> Store:
    """Open the store of a data directory as its owner; close its service afterwards."""
    config = Config(data_dir, account=ACCOUNT)
    service = DataLakeStoreService(config, IdentityService(config))
    return Store(service, service.identity.owner)
