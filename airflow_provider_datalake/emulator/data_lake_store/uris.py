"""Names of files as scripts write them: absolute URIs of stores and of blob containers, and paths."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path

SUFFIX = "azuredatalakestore.net"
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>[^/]*)(?P<path>/.*)?", re.DOTALL)
_STORE_SCHEMES = ("adl", "swebhdfs")
_BLOB_SCHEMES = ("wasb", "wasbs")
_BLOB_SUFFIX = ".blob.core.windows.net"
_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"\$root|[a-z0-9](?:-?[a-z0-9]){2,62}")
# What RFC 3986 allows in a part of a path.
_SAFE = "!$&'()*+,;=:@~"


@dataclass(frozen=True)
class FileName:
    """
    A file's or folder's name.

    :param account: the store, or the storage account
    :param names: the names on the way
    :param container: the container in a storage account; None in a store
    """

    account: str
    names: tuple[str, ...]
    container: str | None = None

    @property
    def uri(self) -> str:
        """The normalised absolute URI."""
        base = (
            f"adl://{self.account}.{SUFFIX}"
            if self.container is None
            else f"wasb://{self.container}@{self.account}"
        )
        return "/".join((base, *map(quote_name, self.names)))


def quote_name(name: str) -> str:
    """
    Write a name as a part of a URI.

    :param name: the name
    :return: with everything escaped that needs it
    """
    return quote(name, safe=_SAFE)


def parse_uri(text: str, default: str) -> FileName:
    """
    Read a file's name.

    :param text: ``adl://store.azuredatalakestore.net/path``, ``adl:///path``, ``swebhdfs://...``,
        ``wasb://container@account/path``, or a path in the default store; percent-encoded
    :param default: the default store
    :return: the name
    :raises ValueError: when it is something else, or no file can have such a path
    """
    match = _SCHEME.fullmatch(text)
    if match is None:
        return FileName(default, _names(text))
    scheme, host = match["scheme"].lower(), match["host"].lower()
    names = _names(match["path"] or "")
    if scheme in _STORE_SCHEMES:
        return FileName(_store(host, text) if host else default, names)
    if scheme in _BLOB_SCHEMES:
        container, at, account = host.partition("@")
        account = account.removesuffix(_BLOB_SUFFIX)
        if not (at and _ACCOUNT.fullmatch(account) and _CONTAINER.fullmatch(container)):
            raise ValueError(f"expected {scheme}://container@account/path, got {text!r}")
        return FileName(account, names, container)
    raise ValueError(f"the scheme {scheme} is not known; expected adl, swebhdfs or wasb, got {text!r}")


def _store(host: str, text: str) -> str:
    account, _, suffix = host.partition(".")
    if suffix not in ("", SUFFIX) or not _ACCOUNT.fullmatch(account):
        raise ValueError(f"expected a host like account.{SUFFIX}, got {text!r}")
    return account


def _names(path: str) -> tuple[str, ...]:
    try:
        return parse_path(unquote_to_bytes(path).decode())
    except UnicodeDecodeError as error:
        raise ValueError(f"the path {path!r} is not percent-encoded UTF-8") from error
    except StoreError as error:
        raise ValueError(error.message) from error
