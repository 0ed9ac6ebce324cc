"""The operations of the WebHDFS protocol: what each takes and answers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_store.acl import (
    STICKY,
    Acl,
    AclError,
    format_entries,
    parse_permissions,
)
from airflow_provider_datalake.emulator.data_lake_store.contents import Writing
from airflow_provider_datalake.emulator.data_lake_store.errors import SUCCESS, invalid
from airflow_provider_datalake.emulator.data_lake_store.paths import parse_path
from airflow_provider_datalake.emulator.data_lake_store.rights import LAST_MOMENT

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.emulator.data_lake_store.locations import Caller
    from airflow_provider_datalake.emulator.data_lake_store.nodes import Node
    from airflow_provider_datalake.emulator.data_lake_store.objects import Content, OpenFile
    from airflow_provider_datalake.emulator.data_lake_store.parameters import Parameters
    from airflow_provider_datalake.emulator.data_lake_store.service import DataLakeStoreService

MAX_LISTED = 4000
MAX_DOCUMENT = 32 * 1024 * 1024
_BLOCK = 268435456
_SYNC_FLAGS = {"data": "DATA", "metadata": "METADATA", "close": "CLOSE"}
_RENAME_OPTIONS = {"none": "NONE", "overwrite": "OVERWRITE"}
_APPEND_MODES = {"autocreate": "autocreate"}
_EXPIRY = {
    "neverexpire": "NeverExpire",
    "relativetonow": "RelativeToNow",
    "relativetocreationdate": "RelativeToCreationDate",
    "absolute": "Absolute",
}
# The service spells the length of an empty answer in one more header, in these operations only.
_CONTENT_LENGTH = (("ContentLength", "0"),)


@dataclass(frozen=True)
class Call:
    """
    One authenticated request.

    :param service: what it works on
    :param store: the store's name
    :param names: the path that it is for
    :param caller: who sent it
    :param parameters: its parameters
    :param content: its body
    :param content_type: the type of its body
    """

    service: DataLakeStoreService
    store: str
    names: tuple[str, ...]
    caller: Caller
    parameters: Parameters
    content: Content
    content_type: str


@dataclass(frozen=True)
class Reply:
    """
    The answer to a request.

    :param status: HTTP status
    :param document: the JSON body, None for an empty one
    :param code: the ``Status`` header
    :param headers: further headers
    :param file: an open file whose bytes are the body instead
    :param offset: the first of these bytes
    :param length: how many there are
    """

    status: int = 200
    document: object = None
    code: str = SUCCESS
    headers: tuple[tuple[str, str], ...] = ()
    file: OpenFile | None = None
    offset: int = 0
    length: int = 0


@dataclass(frozen=True)
class Operation:
    """
    An operation of the protocol.

    :param method: HTTP method
    :param run: does it
    :param has_body: whether the request's body is read
    :param extension: whether it belongs to Data Lake Store's own additions
    """

    method: str
    run: Callable[[Call], Reply]
    has_body: bool = False
    extension: bool = field(default=False)


def _writing(call: Call) -> Writing:
    flag = call.parameters.choice("syncFlag", _SYNC_FLAGS, "CLOSE")
    return Writing(close=flag == "CLOSE", lease=call.parameters.text("leaseid"))


def _create(call: Call) -> Reply:
    _require_name(call)
    call.service.contents.create(
        call.store,
        call.names,
        call.caller,
        call.content,
        _writing(call),
        overwrite=call.parameters.flag("overwrite"),
        permission=call.parameters.permission_or_default(),
    )
    return Reply(201, headers=_CONTENT_LENGTH)


def _append(call: Call) -> Reply:
    offset = call.parameters.number("offset")
    call.service.contents.append(call.store, call.names, call.caller, call.content, _writing(call), offset)
    return Reply()


def _concurrent_append(call: Call) -> Reply:
    _require_name(call)
    mode = call.parameters.text("appendMode")
    if mode is not None:
        call.parameters.choice("appendMode", _APPEND_MODES)
    _writing(call)
    call.service.contents.append_anyway(
        call.store,
        call.names,
        call.caller,
        call.content,
        create=mode is not None,
        permission=call.parameters.permission_or_default(),
    )
    return Reply()


def _require_name(call: Call) -> None:
    if not call.names:
        raise invalid("Invalid path: the root is a folder, name a file in it")


def _open(call: Call) -> Reply:
    offset = call.parameters.number("offset") or 0
    wanted = call.parameters.number("length")
    file = call.service.contents.open(call.store, call.names, call.caller, offset, wanted)
    if offset > file.length:
        file.close()
        raise invalid(f"Invalid offset: the file has {file.length} bytes, got {offset}")
    rest = file.length - offset
    return Reply(file=file, offset=offset, length=rest if wanted is None else min(wanted, rest))


def _concat(call: Call) -> Reply:
    _require_name(call)
    sources = [parse_path(text) for text in call.parameters.required("sources").split(",")]
    call.service.joining.concatenate(
        call.store,
        call.names,
        call.caller,
        sources,
        permission=call.parameters.permission_or_default(),
    )
    return Reply()


def _ms_concat(call: Call) -> Reply:
    _require_name(call)
    call.service.joining.concatenate(
        call.store,
        call.names,
        call.caller,
        [parse_path(text) for text in _sources(call)],
        permission=call.parameters.permission_or_default(),
        delete_folder=call.parameters.flag("deleteSourceDirectory"),
        # Recorded with deleteSourceDirectory=false: a folder whose only file was a source is gone afterwards.
        delete_empty=True,
    )
    return Reply()


def _sources(call: Call) -> list[str]:
    if call.content.size > MAX_DOCUMENT:
        raise invalid(f"Invalid body: it has {call.content.size} bytes, at most {MAX_DOCUMENT} are allowed")
    try:
        text = b"".join(call.content.chunks).decode()
        if call.content_type.partition(";")[0].strip().lower() != "application/json":
            name, _, listed = text.partition("=")
            if name.strip().lower() != "sources" or not listed:
                raise ValueError("there is no sources=")
            return listed.split(",")
        document = json.loads(text)
        sources = document["sources"]
        if not isinstance(sources, list) or not all(isinstance(source, str) for source in sources):
            raise ValueError("its sources are not texts")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise invalid(
            'Invalid body: expected {"sources":["path", ...]} as application/json, or sources=path,path: '
            f"{type(error).__name__}: {error}"
        ) from error
    return sources


def _list_status(call: Call) -> Reply:
    limit = min(call.parameters.number("listSize", least=1) or MAX_LISTED, MAX_LISTED)
    found, more, in_folder = call.service.tree.listing(
        call.store,
        call.names,
        call.caller,
        after=call.parameters.text("listAfter"),
        before=call.parameters.text("listBefore"),
        limit=limit,
    )
    statuses = [_status(call, node, node.name if in_folder else "") for node in found]
    token = found[-1].name if more else ""
    return Reply(document={"FileStatuses": {"continuationToken": token, "FileStatus": statuses}})


def _file_status(call: Call) -> Reply:
    node = call.service.tree.status(call.store, call.names, call.caller)
    return Reply(document={"FileStatus": _status(call, node, "")})


def _owners(call: Call, node: Node) -> tuple[str, str]:
    if _by_id(call):
        return node.owner, node.owning_group
    people = call.service.people
    return people.name_of(node.owner, is_group=False), people.name_of(node.owning_group, is_group=True)


def _by_id(call: Call) -> bool:
    # Recorded: without the parameter, the service gives ids.
    return call.parameters.flag("tooId", default=True)


def _status(call: Call, node: Node, suffix: str) -> dict[str, object]:
    owner, group = _owners(call, node)
    status: dict[str, object] = {
        "length": node.length,
        "pathSuffix": suffix,
        "type": "DIRECTORY" if node.is_folder else "FILE",
        "blockSize": 0 if node.is_folder else _BLOCK,
        "accessTime": node.accessed,
        "modificationTime": node.modified,
        "replication": 0 if node.is_folder else 1,
        "permission": f"{node.permission:03o}",
        "owner": owner,
        "group": group,
    }
    if not node.is_folder:
        status["msExpirationTime"] = node.expires
    status["aclBit"] = bool(node.acl)
    return status


def _content_summary(call: Call) -> Reply:
    found = call.service.tree.summary(call.store, call.names, call.caller)
    summary = {
        "directoryCount": found.folders,
        "fileCount": found.files,
        "length": found.length,
        "quota": -1,
        "spaceConsumed": found.length,
        "spaceQuota": -1,
    }
    return Reply(document={"ContentSummary": summary})


def _make_folders(call: Call) -> Reply:
    call.service.tree.make_folders(
        call.store, call.names, call.caller, call.parameters.permission_or_default()
    )
    return Reply(document={"boolean": True})


def _delete(call: Call) -> Reply:
    done, code = call.service.tree.delete(
        call.store, call.names, call.caller, recursive=call.parameters.flag("recursive")
    )
    return Reply(document={"boolean": done}, code=code)


def _rename(call: Call) -> Reply:
    done, code = call.service.tree.rename(
        call.store,
        call.names,
        call.parameters.path("destination"),
        call.caller,
        # As Microsoft's client for Java asks for it.
        overwrite=call.parameters.choice("renameoptions", _RENAME_OPTIONS, "NONE") == "OVERWRITE",
    )
    return Reply(document={"boolean": done}, code=code)


def _set_expiry(call: Call) -> Reply:
    option = call.parameters.choice("expiryOption", _EXPIRY)
    time = call.parameters.number("expireTime", most=LAST_MOMENT)
    if time is None and option != "NeverExpire":
        raise invalid(f"The parameter expireTime is missing: {option} needs it, in milliseconds")

    def when(node: Node) -> int:
        start = {"RelativeToNow": call.caller.now, "RelativeToCreationDate": node.created}.get(option, 0)
        return 0 if option == "NeverExpire" else start + (time or 0)

    call.service.rights.set_expiry(call.store, call.names, call.caller, when)
    return Reply()


def _check_access(call: Call) -> Reply:
    try:
        wanted = parse_permissions(call.parameters.required("fsaction"))
    except AclError as error:
        raise invalid(f"Invalid value for fsaction: {error}") from error
    call.service.rights.check_access(call.store, call.names, call.caller, wanted)
    return Reply()


def _set_permission(call: Call) -> Reply:
    permission = call.parameters.permission()
    if permission is None:
        raise invalid("The parameter permission is missing")
    _change_acl(call, lambda acl: acl.with_permission(permission))
    return Reply()


def _set_owner(call: Call) -> Reply:
    owner, group = call.parameters.identity("owner"), call.parameters.identity("group")
    if owner is None and group is None:
        raise invalid("The parameters owner and group are both missing")
    if owner is not None:
        owner = call.service.people.id_of(owner, is_group=False)
    if group is not None:
        group = call.service.people.id_of(group, is_group=True)
    call.service.rights.set_owner(call.store, call.names, call.caller, owner, group)
    return Reply()


def _set_times(call: Call) -> Reply:
    modified = call.parameters.number("modificationtime", least=-1, most=LAST_MOMENT)
    accessed = call.parameters.number("accesstime", least=-1, most=LAST_MOMENT)
    call.service.rights.set_times(
        call.store,
        call.names,
        call.caller,
        None if modified == -1 else modified,
        None if accessed == -1 else accessed,
    )
    return Reply()


def _set_acl(call: Call) -> Reply:
    entries = call.service.people.with_ids(call.parameters.acl_entries())
    _change_acl(call, lambda acl: acl.replaced(entries))
    return Reply(headers=_CONTENT_LENGTH)


def _modify_acl(call: Call) -> Reply:
    entries = call.service.people.with_ids(call.parameters.acl_entries())
    _change_acl(call, lambda acl: acl.modified(entries))
    return Reply(headers=_CONTENT_LENGTH)


def _remove_acl_entries(call: Call) -> Reply:
    entries = call.service.people.with_ids(call.parameters.acl_entries(permissions=False))
    _change_acl(call, lambda acl: acl.without(entries))
    return Reply(headers=_CONTENT_LENGTH)


def _remove_acl(call: Call) -> Reply:
    _change_acl(call, Acl.minimal)
    return Reply(headers=_CONTENT_LENGTH)


def _remove_default_acl(call: Call) -> Reply:
    _change_acl(call, Acl.without_default)
    return Reply(headers=_CONTENT_LENGTH)


def _change_acl(call: Call, change: Callable[[Acl], Acl]) -> None:
    call.service.rights.change_acl(call.store, call.names, call.caller, change)


def _acl_status(call: Call) -> Reply:
    node = call.service.tree.status(call.store, call.names, call.caller)
    owner, group = _owners(call, node)
    entries = node.access.entries()
    shown = entries if _by_id(call) else call.service.people.with_names(entries)
    status = {
        "entries": list(format_entries(shown)),
        "owner": owner,
        "group": group,
        "permission": f"{node.permission & ~STICKY:03o}",
        "stickyBit": node.access.sticky,
    }
    return Reply(document={"AclStatus": status})


OPERATIONS = {
    "CREATE": Operation("PUT", _create, has_body=True),
    "APPEND": Operation("POST", _append, has_body=True),
    "CONCURRENTAPPEND": Operation("POST", _concurrent_append, has_body=True, extension=True),
    "OPEN": Operation("GET", _open),
    "CONCAT": Operation("POST", _concat),
    "MSCONCAT": Operation("POST", _ms_concat, has_body=True),
    "LISTSTATUS": Operation("GET", _list_status),
    "GETFILESTATUS": Operation("GET", _file_status),
    "GETCONTENTSUMMARY": Operation("GET", _content_summary),
    "MKDIRS": Operation("PUT", _make_folders),
    "DELETE": Operation("DELETE", _delete),
    "RENAME": Operation("PUT", _rename),
    "SETEXPIRY": Operation("PUT", _set_expiry, extension=True),
    "CHECKACCESS": Operation("GET", _check_access),
    "SETPERMISSION": Operation("PUT", _set_permission),
    "SETOWNER": Operation("PUT", _set_owner),
    "SETTIMES": Operation("PUT", _set_times),
    "SETACL": Operation("PUT", _set_acl),
    "MODIFYACLENTRIES": Operation("PUT", _modify_acl),
    "REMOVEACLENTRIES": Operation("PUT", _remove_acl_entries),
    "REMOVEACL": Operation("PUT", _remove_acl),
    "REMOVEDEFAULTACL": Operation("PUT", _remove_default_acl),
    "GETACLSTATUS": Operation("GET", _acl_status),
    "MSGETACLSTATUS": Operation("GET", _acl_status),
}
"""What the emulator does, by the operation's name on the wire."""
