"""Tokens open their workspace, until they are made anew; only owners see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.definitions import InvalidDefinition
from airflow_provider_datalake.emulator.identity.principals import Principal
from airflow_provider_datalake.emulator.ml_studio.errors import StudioError
from airflow_provider_datalake.emulator.ml_studio.models import EXAMPLES, Role
from tests.unit.emulator.ml_studio.studios import WORKSPACE, Studio, open_studio

if TYPE_CHECKING:
    from pathlib import Path

ANN = Principal("aaaaaaaa-0000-0000-0000-000000000001", "Ann@contoso.com")
BOB = Principal("bbbbbbbb-0000-0000-0000-000000000002", "bob@contoso.com")


@pytest.mark.parametrize("token", ["emulator-token", "emulator-second-token"])
def test_both_tokens_open_the_workspace(studio: Studio, token: str):
    assert studio.service.authenticate(WORKSPACE, token).id == WORKSPACE


@pytest.mark.parametrize(
    ("workspace", "token"),
    [(WORKSPACE, ""), (WORKSPACE, "Emulator-Token"), (WORKSPACE, "é"), ("other", "emulator-token"), ("", "")],
)
def test_nothing_else_does_and_the_answer_is_the_same(studio: Studio, workspace: str, token: str):
    with pytest.raises(StudioError, match="does not exist, or the authorization token is not one") as raised:
        studio.service.authenticate(workspace, token)
    assert raised.value.status == 401


@pytest.mark.parametrize("slot", ["primary", "secondary"])
def test_an_old_token_stops_at_once_and_for_good(tmp_path: Path, slot: str):
    studio = open_studio(tmp_path)
    old = getattr(studio.service.workspace(WORKSPACE), f"{slot}_token")
    other = "secondary" if slot == "primary" else "primary"
    kept = getattr(studio.service.workspace(WORKSPACE), f"{other}_token")
    new = getattr(studio.service.regenerate(WORKSPACE, slot), f"{slot}_token")
    for _ in range(2):
        for token in (new, kept):
            studio.service.authenticate(WORKSPACE, token)
        with pytest.raises(StudioError):
            studio.service.authenticate(WORKSPACE, old)
        studio.service.close()
        studio = open_studio(tmp_path)
    studio.service.close()


def test_a_token_that_the_settings_change_counts(tmp_path: Path):
    studio = open_studio(tmp_path)
    second = studio.service.regenerate(WORKSPACE, "secondary").secondary_token
    studio.service.close()
    studio = open_studio(tmp_path, studio_token="chosen")
    found = studio.service.workspace(WORKSPACE)
    assert (found.primary_token, found.secondary_token) == ("chosen", second)
    studio.service.close()


def test_tokens_are_not_printed(studio: Studio):
    assert "emulator-token" not in repr(studio.service.workspace(WORKSPACE))


def test_a_further_workspace_has_tokens_of_its_own(studio: Studio):
    made = studio.service.create_workspace("other")
    assert studio.service.authenticate("other", made.primary_token) == made
    assert len({made.primary_token, made.secondary_token, "emulator-token"}) == 3
    assert [one.id for one in studio.service.workspaces()] == [WORKSPACE, "other"]
    with pytest.raises(StudioError, match="There is a workspace 'other' already"):
        studio.service.create_workspace("other")


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "-a", "x" * 65, EXAMPLES])
def test_a_workspace_that_cannot_be_named_so_is_refused(studio: Studio, tmp_path: Path, name: str):
    with pytest.raises(StudioError, match="A workspace is named with"):
        studio.service.create_workspace(name)
    with pytest.raises(InvalidDefinition, match="an ML Studio workspace is named with"):
        open_studio(tmp_path / "new", studio_workspace=name)


@pytest.mark.parametrize("token", ["", "two words", "é", "a\n"])
def test_a_token_that_no_header_can_carry_is_refused_unprinted(tmp_path: Path, token: str):
    with pytest.raises(InvalidDefinition, match="the secondary token .* printable ASCII") as raised:
        open_studio(tmp_path, studio_second_token=token)
    assert token not in str(raised.value) or not token


def test_roles_tell_owners_from_users(studio: Studio):
    service = studio.service
    service.invite(WORKSPACE, "ann@contoso.com", Role.OWNER)
    service.invite(WORKSPACE, " bob@contoso.com ", Role.USER)
    assert service.users(WORKSPACE) == {
        "ann@contoso.com": Role.OWNER,
        "bob@contoso.com": Role.USER,
        service.identity.owner.name: Role.OWNER,
    }
    assert (service.is_owner(WORKSPACE, ANN), service.is_owner(WORKSPACE, BOB)) == (True, False)
    assert service.is_owner(WORKSPACE, service.identity.owner)
    # As documented: removed, then invited again as an owner.
    service.remove_user(WORKSPACE, "BOB@contoso.com")
    assert service.role_of(WORKSPACE, BOB) is None
    service.invite(WORKSPACE, "bob@contoso.com", Role.OWNER)
    assert service.is_owner(WORKSPACE, BOB)
    with pytest.raises(StudioError, match="There is no user"):
        service.remove_user(WORKSPACE, "nobody")
