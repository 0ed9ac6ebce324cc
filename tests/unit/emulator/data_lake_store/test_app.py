"""The protocol for callers who do not own everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from airflow_provider_datalake.emulator.data_lake_store.app import create_app
from airflow_provider_datalake.emulator.data_lake_store.operations import OPERATIONS
from airflow_provider_datalake.emulator.identity.principals import Principal, Unauthorized
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, ANN, BOB, Store

if TYPE_CHECKING:
    from starlette.requests import Request

PARAMETERS = {
    "CREATE": {"overwrite": "true"},
    "CONCAT": {"sources": "d/g"},
    "RENAME": {"destination": "/d/other"},
    "SETEXPIRY": {"expiryOption": "NeverExpire"},
    "CHECKACCESS": {"fsaction": "r--"},
    "SETPERMISSION": {"permission": "777"},
    "SETOWNER": {"owner": ANN.object_id},
    "SETACL": {"aclSpec": "user::rwx,group::rwx,other::rwx"},
    "MODIFYACLENTRIES": {"aclSpec": "other::rwx"},
    "REMOVEACLENTRIES": {"aclSpec": f"user:{ANN.object_id}"},
}


class Caller:
    """
    Sends requests as a principal.

    :param store: where to
    :param monkeypatch: for the identity service
    """

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        known = {"ann": ANN, "bob": BOB, "owner": store.principal}

        def authenticate(request: Request) -> Principal:
            name = request.headers.get("Authorization", "").removeprefix("Bearer ")
            if name not in known:
                raise Unauthorized("InvalidAuthenticationToken", "The access token is invalid.")
            return known[name]

        monkeypatch.setattr(store.service.identity, "authenticate", authenticate)
        self._app = Starlette(routes=[Mount("/adls/{account}", create_app(store.service))])

    def __call__(self, who: str, method: str, path: str, op: str, **query: str) -> httpx.Response:
        body = b"sources=d/g" if op == "MSCONCAT" else b"x"

        async def send() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app)) as client:
                return await client.request(
                    method,
                    f"http://emulator/adls/{ACCOUNT}/webhdfs/v1{path}",
                    params={"op": op, **query},
                    content=body if method in ("PUT", "POST") else None,
                    headers={"Authorization": f"Bearer {who}"},
                )

        return asyncio.run(send())


@pytest.fixture
def call(store: Store, monkeypatch: pytest.MonkeyPatch) -> Caller:
    store.write("/d/f", b"data")
    store.write("/d/g", b"more")
    return Caller(store, monkeypatch)


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_is_refused_to_a_stranger(store: Store, call: Caller, op: str):
    answer = call("bob", OPERATIONS[op].method, "/d/f", op, **PARAMETERS.get(op, {}))
    error = answer.json()["RemoteException"]
    assert (answer.status_code, error["exception"]) == (403, "AccessControlException")
    assert error["javaClassName"] == "org.apache.hadoop.security.AccessControlException"
    assert error["message"].startswith(
        f"{op} failed with error 0x83090aa2 (Forbidden. ACL verification failed."
    )
    assert answer.headers["Status"] == "0x83090AA2"
    assert store.read("/d/f") == b"data"
    assert store.names("/d") == ["f", "g"]


@pytest.mark.parametrize("op", OPERATIONS)
def test_every_operation_is_allowed_to_the_owner_of_everything(call: Caller, op: str):
    path = "/d" if op == "MKDIRS" else "/d/f"
    answer = call("owner", OPERATIONS[op].method, path, op, **PARAMETERS.get(op, {}))
    assert answer.status_code in (200, 201)
    assert answer.headers["Status"] == "0x0"


@pytest.mark.parametrize("op", OPERATIONS)
def test_an_unknown_token_is_refused(call: Caller, op: str):
    answer = call("nobody", OPERATIONS[op].method, "/d/f", op, **PARAMETERS.get(op, {}))
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    assert "nobody" not in answer.text


def test_a_right_that_is_given_over_the_wire_applies(call: Caller):
    def give(path: str, permissions: str) -> None:
        entry = f"user:{ANN.object_id}:{permissions}"
        assert call("owner", "PUT", path, "MODIFYACLENTRIES", aclSpec=entry).status_code == 200

    assert call("ann", "GET", "/d/f", "OPEN").status_code == 403
    for path, permissions in (("/", "--x"), ("/d", "r-x"), ("/d/f", "r--")):
        give(path, permissions)
    assert call("ann", "GET", "/d/f", "OPEN").content == b"data"
    assert call("ann", "GET", "/d/g", "OPEN").status_code == 403
    assert call("ann", "POST", "/d/f", "APPEND").status_code == 403
    assert call("ann", "GET", "/d", "LISTSTATUS").status_code == 200
    assert call("ann", "GET", "/d/f", "CHECKACCESS", fsaction="r--").status_code == 200
    assert call("ann", "GET", "/d/f", "CHECKACCESS", fsaction="rw-").status_code == 403
    assert call("owner", "GET", "/d/f", "CHECKACCESS", fsaction="rwx").status_code == 200


def test_a_failing_disk_is_no_server_error(store: Store, call: Caller, caplog: pytest.LogCaptureFixture):
    for path in store.objects_on_disk():
        path.unlink()
    answer = call("owner", "GET", "/d/f", "OPEN")
    assert answer.status_code == 403
    assert answer.json()["RemoteException"]["exception"] == "IOException"
    assert "missing" in caplog.text


def test_bytes_that_are_lost_are_not_answered_as_if_they_were_all(
    store: Store, call: Caller, caplog: pytest.LogCaptureFixture
):
    for path in store.objects_on_disk():
        path.write_bytes(b"d")
    answer = call("owner", "GET", "/d/f", "OPEN")
    assert answer.json()["RemoteException"]["exception"] == "IOException"
    assert "incomplete" in caplog.text


def test_a_defect_is_no_server_error(
    store: Store, call: Caller, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(store.service.tree, "status", lambda *arguments: 1 / 0)
    answer = call("owner", "GET", "/d/f", "GETFILESTATUS")
    assert answer.status_code == 400
    assert "defect of the emulator" in answer.json()["RemoteException"]["message"]
    assert "ZeroDivisionError" in caplog.text
