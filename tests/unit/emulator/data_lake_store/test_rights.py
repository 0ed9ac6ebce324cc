"""Who may do what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_store.acl import parse_permissions
from airflow_provider_datalake.emulator.data_lake_store.errors import StoreError
from airflow_provider_datalake.emulator.data_lake_store.machine import new_caller
from airflow_provider_datalake.emulator.data_lake_store.service import NO_GROUP
from tests.unit.emulator.data_lake_store.stores import ACCOUNT, ANN, BOB, Store

if TYPE_CHECKING:
    from collections.abc import Callable

WITHOUT_FOLDERS_RIGHTS = {
    "read": lambda one: one.read("/d/f"),
    "write": lambda one: one.write("/d/f", b"x"),
    "create": lambda one: one.write("/d/new", b"x"),
    "append": lambda one: one.append("/d/f", b"x"),
    "list": lambda one: one.names("/d"),
    "status": lambda one: one.status("/d/f"),
    "missing": lambda one: one.status("/d/nothing"),
    "mkdir": lambda one: one.mkdir("/d/e"),
    "delete": lambda one: one.delete("/d/f"),
    "rename": lambda one: one.rename("/d/f", "/d/g"),
    "concat": lambda one: one.concatenate("/d/all", "/d/f"),
    "acl": lambda one: one.set_acl("/d/f", "user:x:r--"),
    "expiry": lambda one: one.expire_at("/d/f", 10**13),
}


def denied(action: Callable[[], object]) -> None:
    with pytest.raises(StoreError) as caught:
        action()
    assert (caught.value.status, caught.value.exception) == (403, "AccessControlException")
    assert "ACL verification failed" in caught.value.message


def allow(store: Store, path: str, permissions: str, who: str = ANN.object_id) -> None:
    store.set_acl(path, f"user:{who}:{permissions}")


@pytest.fixture
def shared(store: Store) -> Store:
    """A folder with a file, where Ann may pass through the root only."""
    store.write("/d/f", b"data")
    allow(store, "/", "--x")
    return store


@pytest.mark.parametrize("name", WITHOUT_FOLDERS_RIGHTS)
def test_without_the_right_to_pass_through_a_folder_nothing_below_is_reached(shared: Store, name: str):
    denied(lambda: WITHOUT_FOLDERS_RIGHTS[name](shared.by(ANN)))
    assert shared.read("/d/f") == b"data"
    assert shared.names("/d") == ["f"]


def test_a_stranger_reaches_nothing_at_all(store: Store):
    denied(lambda: store.by(BOB).status("/d"))
    denied(lambda: store.by(BOB).names("/"))
    assert store.by(BOB).status("/").is_folder


def test_reading_needs_the_right_to_read(shared: Store):
    allow(shared, "/d", "--x")
    denied(lambda: shared.by(ANN).read("/d/f"))
    denied(lambda: shared.by(ANN).names("/d"))
    assert shared.by(ANN).status("/d/f").length == 4
    allow(shared, "/d/f", "r--")
    assert shared.by(ANN).read("/d/f") == b"data"


def test_writing_needs_the_right_to_write_to_the_file(shared: Store):
    allow(shared, "/d", "--x")
    denied(lambda: shared.by(ANN).append("/d/f", b"x"))
    denied(lambda: shared.by(ANN).write("/d/f", b"x"))
    allow(shared, "/d/f", "-w-")
    shared.by(ANN).append("/d/f", b"x")
    denied(lambda: shared.by(ANN).read("/d/f"))
    assert shared.read("/d/f") == b"datax"


def test_making_and_deleting_need_the_right_to_write_to_the_folder(shared: Store):
    allow(shared, "/d", "-wx")
    ann = shared.by(ANN)
    ann.write("/d/mine", b"x")
    assert ann.status("/d/mine").owner == ANN.object_id
    assert ann.status("/d/mine").owning_group == NO_GROUP
    assert ann.read("/d/mine") == b"x"
    assert ann.delete("/d/f")
    denied(lambda: ann.names("/d"))


def test_a_tree_is_deleted_only_by_who_may_empty_all_its_folders(shared: Store):
    shared.write("/d/e/g")
    for path in ("/d", "/"):
        allow(shared, path, "rwx")
    denied(lambda: shared.by(ANN).delete("/d", recursive=True))
    allow(shared, "/d/e", "rwx")
    assert shared.by(ANN).delete("/d", recursive=True)


def test_renaming_needs_the_right_to_write_to_both_folders(shared: Store):
    shared.mkdir("/to")
    allow(shared, "/d", "-wx")
    allow(shared, "/to", "--x")
    denied(lambda: shared.by(ANN).rename("/d/f", "/to/f"))
    allow(shared, "/to", "-wx")
    assert shared.by(ANN).rename("/d/f", "/to/f")


def test_in_a_sticky_folder_only_owners_delete(shared: Store):
    shared.mkdir("/s", 0o1777)
    shared.by(ANN).write("/s/anns", b"")
    shared.set_acl("/", f"user:{BOB.object_id}:--x")
    denied(lambda: shared.by(BOB).delete("/s/anns"))
    denied(lambda: shared.by(BOB).rename("/s/anns", "/s/bobs"))
    assert shared.by(ANN).delete("/s/anns")


def test_only_the_owner_changes_the_access_control_list(shared: Store):
    allow(shared, "/d", "rwx")
    allow(shared, "/d/f", "rwx")
    denied(lambda: shared.by(ANN).set_acl("/d/f", "other::rwx"))
    shared.by(ANN).write("/d/mine")
    shared.by(ANN).set_acl("/d/mine", "other::rwx")
    assert shared.status("/d/mine").permission == 0o777


def test_giving_away_is_for_the_owner_of_everything(shared: Store):
    allow(shared, "/d", "rwx")
    shared.by(ANN).write("/d/mine")

    def give(who: Store, owner: str | None, group: str | None) -> None:
        caller = new_caller(who.principal, "SETOWNER")
        who.service.rights.set_owner(ACCOUNT, ("d", "mine"), caller, owner, group)

    denied(lambda: give(shared.by(ANN), BOB.object_id, None))
    denied(lambda: give(shared.by(ANN), None, "strangers"))
    give(shared.by(ANN), ANN.object_id, "team")
    give(shared, BOB.object_id, None)
    node = shared.status("/d/mine")
    assert (node.owner, node.owning_group) == (BOB.object_id, "team")


def test_the_owning_group_is_inherited(shared: Store):
    caller = new_caller(shared.principal, "SETOWNER")
    shared.service.rights.set_owner(ACCOUNT, ("d",), caller, None, "team")
    shared.write("/d/e/g")
    assert shared.status("/d/e/g").owning_group == "team"
    assert shared.by(ANN).read("/d/e/g") == b""


def test_default_entries_are_inherited_by_what_is_made_later(shared: Store):
    shared.set_acl("/d", f"default:user:{ANN.object_id}:r-x,user:{ANN.object_id}:--x")
    shared.write("/d/e/g", b"new")
    assert shared.by(ANN).read("/d/e/g") == b"new"
    assert shared.by(ANN).names("/d/e") == ["g"]
    denied(lambda: shared.by(ANN).read("/d/f"))
    denied(lambda: shared.by(ANN).append("/d/e/g", b"x"))


def test_a_file_has_no_default_entries(shared: Store):
    with pytest.raises(StoreError, match="file cannot have default entries"):
        shared.set_acl("/d/f", "default:user:x:rwx")


@pytest.mark.parametrize(
    ("wanted", "allowed"), [("r--", True), ("r-x", False), ("-w-", False), ("---", True)]
)
def test_asking_for_access_tells_what_would_be_allowed(shared: Store, wanted: str, allowed: bool):
    allow(shared, "/d", "--x")
    allow(shared, "/d/f", "r--")

    def check(store: Store) -> None:
        caller = new_caller(store.principal, "CHECKACCESS")
        store.service.rights.check_access(ACCOUNT, ("d", "f"), caller, parse_permissions(wanted))

    check(shared)
    if allowed:
        check(shared.by(ANN))
    else:
        denied(lambda: check(shared.by(ANN)))


def test_ids_are_compared_without_case(shared: Store):
    upper = replace(ANN, object_id=ANN.object_id.upper())
    allow(shared, "/d", "r-x")
    assert shared.by(upper).names("/d") == ["f"]


def test_joining_needs_the_right_to_delete_the_sources(shared: Store):
    shared.mkdir("/own")
    allow(shared, "/own", "rwx")
    allow(shared, "/d", "r-x")
    allow(shared, "/d/f", "rwx")
    denied(lambda: shared.by(ANN).concatenate("/own/all", "/d/f"))
    assert shared.names("/own") == []
    allow(shared, "/d", "rwx")
    shared.by(ANN).concatenate("/own/all", "/d/f")
    assert shared.read("/own/all") == b"data"
