"""Access control lists: texts, changes, inheritance, decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_datalake.emulator.data_lake_store.acl import (
    Acl,
    AclEntry,
    AclError,
    format_entries,
    from_permission,
    parse_entries,
    parse_permissions,
    permissions_text,
    stored_acl,
)
from airflow_provider_datalake.emulator.identity.principals import Principal

OWNER = "00000000-0000-0000-0000-00000000000a"
GROUP = "00000000-0000-0000-0000-00000000000b"
USER = Principal("00000000-0000-0000-0000-000000000001", "user", groups=frozenset({"g1", "g2"}))

bits = st.integers(0, 7)
names = st.from_regex(r"[a-z0-9@._-]{1,40}", fullmatch=True)
entries = st.one_of(
    st.builds(AclEntry, st.booleans(), st.sampled_from(("user", "group")), names | st.just(""), bits),
    st.builds(AclEntry, st.booleans(), st.sampled_from(("mask", "other")), st.just(""), bits),
)
specs = st.lists(entries, min_size=1, max_size=8, unique_by=lambda entry: entry[:3])


@given(specs)
def test_entries_survive_being_written_and_read(spec: list[AclEntry]):
    assert list(parse_entries(",".join(format_entries(spec)))) == spec


@given(bits)
def test_permissions_survive_being_written_and_read(value: int):
    assert parse_permissions(permissions_text(value)) == value


@given(st.integers(0, 0o1777), specs)
def test_a_list_survives_being_stored(permission: int, spec: list[AclEntry]):
    acl = from_permission(permission).modified(spec)
    assert stored_acl(acl.permission, acl.text()) == acl


@given(st.integers(0, 0o777))
def test_a_list_without_more_than_mode_bits_is_stored_as_these_alone(permission: int):
    acl = from_permission(permission)
    assert (acl.permission, acl.text(), acl.is_extended) == (permission, "", False)


@given(st.integers(0, 0o777), specs, bits)
def test_nobody_gets_more_than_an_entry_that_could_be_theirs(
    permission: int, spec: list[AclEntry], wanted: int
):
    acl = from_permission(permission).modified(spec)
    if acl.allows(OWNER, GROUP, USER, wanted):
        assert any(value & wanted == wanted for value in acl.access.values())


@given(st.integers(0, 0o777), specs)
def test_the_mask_is_there_whenever_somebody_is_named(permission: int, spec: list[AclEntry]):
    acl = from_permission(permission).modified(spec)
    for part in (acl.access, acl.default):
        assert not any(name for _, name in part) or ("mask", "") in part


@given(st.integers(0, 0o777), specs, st.integers(0, 0o777), st.booleans())
def test_what_is_created_gets_no_more_than_asked_for(
    permission: int, spec: list[AclEntry], mode: int, folder: bool
):
    parent = from_permission(permission).modified(spec)
    child = parent.child(mode, folder=folder)
    assert child.permission & ~mode == 0
    assert child.default == (parent.default if folder else {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "user",
        "user::",
        "user::rw",
        "user::rwxx",
        "user::xwr",
        "owner::rwx",
        "mask:somebody:rwx",
        "other:somebody:rwx",
        "user:a b:rwx",
        "user::rwx,",
        "user::rwx,user::r--",
        "default:default:user::rwx",
        "user:a:b:rwx",
    ],
)
def test_what_is_no_list_is_refused(text: str):
    with pytest.raises(AclError):
        parse_entries(text)


def test_entries_to_remove_have_no_permissions():
    assert parse_entries("user:ann,default:group:team:", permissions=False) == (
        AclEntry(False, "user", "ann", 0),
        AclEntry(True, "group", "team", 0),
    )
    with pytest.raises(AclError):
        parse_entries("user:ann:rwx", permissions=False)


def acl(spec: str, permission: int = 0o770) -> Acl:
    return from_permission(permission).modified(parse_entries(spec))


def test_the_mask_limits_users_and_groups_but_not_the_owner():
    limited = acl("user:00000000-0000-0000-0000-000000000001:rwx,mask::r--")
    assert limited.allows(OWNER, GROUP, USER, 4)
    assert not limited.allows(OWNER, GROUP, USER, 2)
    assert limited.allows(USER.object_id, GROUP, USER, 7)
    assert limited.permission == 0o740


def test_an_entry_for_the_user_decides_even_when_a_group_would_allow_more():
    own = acl("user:00000000-0000-0000-0000-000000000001:r--,group:g1:rwx")
    assert own.allows(OWNER, GROUP, USER, 4)
    assert not own.allows(OWNER, GROUP, USER, 2)


def test_one_of_the_groups_must_allow_everything_at_once():
    two = acl("group:g1:r--,group:g2:-w-,other::rwx")
    assert two.allows(OWNER, GROUP, USER, 4)
    assert two.allows(OWNER, GROUP, USER, 2)
    assert not two.allows(OWNER, GROUP, USER, 6)


def test_the_owning_group_counts_as_a_group():
    assert from_permission(0o750).allows(OWNER, "g2", USER, 5)
    assert not from_permission(0o750).allows(OWNER, GROUP, USER, 5)


def test_who_matches_a_group_does_not_get_what_others_get():
    assert not from_permission(0o707).allows(OWNER, "g1", USER, 4)
    assert from_permission(0o707).allows(OWNER, GROUP, USER, 7)


def test_removing_the_last_named_entry_keeps_the_mask():
    left = acl("user:ann:-w-").without(parse_entries("user:ann", permissions=False))
    assert format_entries(left.entries()) == ("user::rwx", "group::rwx", "mask::rwx", "other::---")
    assert format_entries(left.minimal().entries()) == ("user::rwx", "group::rwx", "other::---")


@pytest.mark.parametrize("spec", ["user:", "group:", "other:", "default:user:"])
def test_the_three_entries_that_must_be_there_cannot_be_removed(spec: str):
    with pytest.raises(AclError):
        acl("default:user:ann:r--").without(parse_entries(spec, permissions=False))


def test_a_needed_mask_cannot_be_removed():
    with pytest.raises(AclError, match="mask"):
        acl("user:ann:r--").without(parse_entries("mask:", permissions=False))


def test_replacing_needs_the_three_entries_and_keeps_defaults_that_are_not_named():
    before = acl("default:user:ann:r--")
    with pytest.raises(AclError, match="must be given"):
        before.replaced(parse_entries("user:ann:rwx"))
    after = before.replaced(parse_entries("user::rwx,group::---,other::---"))
    assert after.default == before.default
    assert after.permission == 0o700


def test_defaults_are_completed_from_the_access_entries():
    made = acl("default:user:ann:r--", 0o750)
    assert format_entries(made.entries())[3:] == (
        "default:user::rwx",
        "default:user:ann:r--",
        "default:group::r-x",
        "default:mask::r-x",
        "default:other::---",
    )


def test_mode_bits_set_the_mask_when_there_is_one():
    changed = acl("user:ann:rwx").with_permission(0o640)
    assert changed.permission == 0o640
    assert changed.access["mask", ""] == 4
    assert changed.access["group", ""] == 7
    assert changed.access["user", "ann"] == 7
