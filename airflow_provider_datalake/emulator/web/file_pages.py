"""The pages about the files of stores: all stores, one folder, one file."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from airflow_provider_datalake.emulator.data_lake_store.acl import format_entries
from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path, path_text
from airflow_provider_datalake.emulator.data_lake_store.uris import FileName
from airflow_provider_datalake.emulator.web.rendering import page

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService
    from airflow_provider_datalake.emulator.services import Services

SECTION = "Files"
SHOWN_ENTRIES = 200
SHOWN_LINES = 100
SHOWN_COLUMNS = 400
_HEAD_BYTES = 64 * 1024
_HEX_BYTES = 512
_HEX_WIDTH = 16


def stores_page(services: Services, request: Request) -> Response:
    """
    Show the stores.

    :param services: has them
    :param request: the request
    :return: the page
    """
    service = services.stores
    stores = []
    for name in service.accounts():
        found = service.tree.summary(name, (), _caller(service))
        # The root itself is no folder that anybody made.
        stores.append(
            {
                "name": name,
                "href": _href(name, ()),
                "uri": FileName(name, ()).uri,
                "folders": found.folders - 1,
                "files": found.files,
                "bytes": found.length,
            }
        )
    return page("stores.html", section=SECTION, stores=stores)


def path_page(services: Services, request: Request) -> Response:
    """
    Show a folder, or a file with its beginning.

    :param services: has the stores
    :param request: the request; ``after`` names the entry that a long listing goes on behind
    :return: the page
    """
    service = services.stores
    store = request.path_params["account"]
    try:
        names = parse_path(request.path_params.get("path", ""))
        node = service.tree.status(store, names, _caller(service))
        if node.is_folder:
            return _folder(service, store, names, node, request.query_params.get("after") or None)
        return _file(service, store, names, node)
    except StoreError as error:
        return page("message.html", error.status, section=SECTION, title="Not found", message=error.message)


def _caller(service: DataLakeStoreService) -> Caller:
    # Who sees the pages sees everything, as the owner does.
    return new_caller(service.identity.owner, "OPEN")


def _href(store: str, names: tuple[str, ...], **query: str) -> str:
    path = "/".join(quote(name, safe="") for name in (store, *names))
    return f"/files/{path}?{urlencode(query)}" if query else f"/files/{path}"


def _place(service: DataLakeStoreService, store: str, names: tuple[str, ...], node: Node) -> dict[str, Any]:
    """Give what the pages of folders and files have in common."""
    steps = [(store, _href(store, ()))]
    steps += [(name, _href(store, names[: count + 1])) for count, name in enumerate(names)]
    return {
        "section": SECTION,
        "title": names[-1] if names else store,
        "steps": steps[:-1],
        "uri": FileName(store, names).uri,
        "path": path_text(names),
        "node": _described(service, node),
        "acl": format_entries(service.people.with_names(node.access.entries())),
    }


def _described(service: DataLakeStoreService, node: Node) -> dict[str, Any]:
    people = service.people
    return {
        "name": node.name,
        "is_folder": node.is_folder,
        "bytes": node.length,
        "owner": people.name_of(node.owner, is_group=False),
        "group": people.name_of(node.owning_group, is_group=True),
        "permission": f"{node.permission:03o}",
        "has_acl": bool(node.acl),
        "created": node.created / 1000,
        "modified": node.modified / 1000,
        "expires": node.expires / 1000,
    }


def _folder(
    service: DataLakeStoreService, store: str, names: tuple[str, ...], node: Node, after: str | None
) -> Response:
    found, more, _ = service.tree.listing(
        store, names, _caller(service), after=after, before=None, limit=SHOWN_ENTRIES
    )
    entries = [{**_described(service, child), "href": _href(store, (*names, child.name))} for child in found]
    return page(
        "folder.html",
        entries=entries,
        more_href=_href(store, names, after=found[-1].name) if more else None,
        **_place(service, store, names, node),
    )


def _file(service: DataLakeStoreService, store: str, names: tuple[str, ...], node: Node) -> Response:
    with service.contents.open(store, names, _caller(service), 0, _HEAD_BYTES) as file:
        head, length = file.read(0, _HEAD_BYTES), file.length
    text = text_of(head, complete=len(head) == length)
    lines = None if text is None else text.splitlines()
    return page(
        "file.html",
        lines=None if lines is None else [line[:SHOWN_COLUMNS] for line in lines[:SHOWN_LINES]],
        hexadecimal=hex_lines(head[:_HEX_BYTES]) if lines is None else None,
        is_whole=len(head) == length and (len(lines) <= SHOWN_LINES if lines else length <= _HEX_BYTES),
        **_place(service, store, names, node),
    )


def text_of(head: bytes, *, complete: bool) -> str | None:
    """
    Read a file's beginning as text.

    :param head: its first bytes
    :param complete: whether these are all
    :return: the text; None when it is none that people can read
    """
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        # The last character may be cut in two.
        text = codecs.getincrementaldecoder(encoding)().decode(head, final=complete)
    except UnicodeDecodeError:
        return None
    if any(character < " " and character not in "\t\n\r\f\x1f" for character in text):
        return None
    return text


def hex_lines(data: bytes) -> list[tuple[str, str, str]]:
    """
    Write bytes for people.

    :param data: the bytes
    :return: for each line the place of its first byte, its bytes as hexadecimal digits, and as letters
    """
    lines = []
    for start in range(0, len(data), _HEX_WIDTH):
        part = data[start : start + _HEX_WIDTH]
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append((f"{start:08x}", part.hex(" ").ljust(_HEX_WIDTH * 3 - 1), letters))
    return lines
