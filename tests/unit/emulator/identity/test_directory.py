from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_datalake.emulator.config import Config
from airflow_provider_datalake.emulator.identity import device_codes
from airflow_provider_datalake.emulator.identity.device_codes import DeviceCodes
from airflow_provider_datalake.emulator.identity.directory import Directory, object_id
from airflow_provider_datalake.emulator.identity.errors import TokenError
from airflow_provider_datalake.emulator.identity.principals import Principal, Unauthorized
from airflow_provider_datalake.emulator.identity.service import IdentityService
from airflow_provider_datalake.emulator.identity.tokens import (
    DATA_PLANE,
    MANAGEMENT,
    SigningKey,
    Tokens,
    plain_resource,
)

ARM = "https://management.azure.com/"
USERS = (("ann@example.com", "pw"), ("bob", "pw"))


def directory(**changed: Any) -> Directory:
    given = {"data_dir": Path("/nowhere"), "users": USERS, "groups": (("team", ("bob",)),), **changed}
    return Directory(Config(**given))


def test_only_the_access_id_owns_everything() -> None:
    found = directory()
    assert found.with_secret("emulator", "emulator-secret").is_owner
    assert not found.with_secret("bob", "pw").is_owner


def test_people_belong_to_groups() -> None:
    found = directory()
    assert found.with_password("BOB", "pw").groups == {object_id("team")}
    assert found.with_password("ann@example.com", "pw").groups == set()


def test_an_application_is_found_by_its_object_id() -> None:
    assert directory().with_secret(object_id("bob").upper(), "pw").name == "bob"


def test_a_principal_is_of_the_kind_that_it_signs_in_as() -> None:
    found = directory()
    assert found.with_secret("bob", "pw").kind == "ServicePrincipal"
    assert found.with_password("bob", "pw").kind == "User"


@pytest.mark.parametrize(
    "tenant", ["emulator", "EMULATOR", "common", "organizations", object_id("tenant emulator")]
)
def test_the_tenant_has_several_names(tenant: str) -> None:
    directory().check_tenant(tenant)


def test_a_guid_is_its_own_id() -> None:
    tenant = str(uuid.uuid4())
    assert directory(tenant=tenant).tenant_id == tenant


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"users": (("bob", "a"), ("BOB", "b"))}, "two principals have the same name"),
        ({"users": (("emulator", "a"),)}, "two principals have the same name"),
        ({"groups": (("team", ("eve",)),)}, "the group 'team' has a member 'eve' who is no --user"),
    ],
)
def test_a_directory_that_cannot_be_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        directory(**{"groups": (), **changed})


def tokens(tmp_path: Path, lifetime: int = 3600) -> Tokens:
    return Tokens(directory(), SigningKey(tmp_path / "identity"), lifetime)


def test_a_token_stands_for_who_got_it(tmp_path: Path) -> None:
    made = tokens(tmp_path)
    for principal in (directory().owner, directory().with_password("bob", "pw")):
        token = made.access_token(principal, ARM, "client")
        assert made.principal_of(token, MANAGEMENT) == principal


def test_a_key_is_kept(tmp_path: Path) -> None:
    token = tokens(tmp_path).access_token(directory().owner, ARM, "client")
    assert tokens(tmp_path).principal_of(token, DATA_PLANE) == directory().owner
    with pytest.raises(Unauthorized, match="invalid"):
        tokens(tmp_path / "other").principal_of(token, DATA_PLANE)


def refused(made: Tokens, token: str, audiences: frozenset[str] = DATA_PLANE) -> str:
    with pytest.raises(Unauthorized) as error:
        made.principal_of(token, audiences)
    assert token not in str(error.value)
    return error.value.code


def test_tokens_that_do_not_do(tmp_path: Path) -> None:
    made, owner = tokens(tmp_path), directory().owner
    data = made.access_token(owner, "https://datalake.azure.net//", "client")
    assert made.principal_of(data, DATA_PLANE) == owner
    assert refused(made, data, MANAGEMENT) == "InvalidAuthenticationTokenAudience"
    storage = made.access_token(owner, "https://storage.azure.com", "client")
    assert refused(made, storage) == "InvalidAuthenticationTokenAudience"
    assert refused(made, data[:-4] + "AAAA") == "InvalidAuthenticationToken"
    assert refused(made, "x") == "InvalidAuthenticationToken"
    assert refused(made, made.refresh_token(owner, "client")) == "InvalidAuthenticationToken"
    old = tokens(tmp_path, lifetime=-1).access_token(owner, ARM, "client")
    assert refused(made, old) == "ExpiredAuthenticationToken"
    gone = made.access_token(Principal(str(uuid.uuid4()), "gone"), ARM, "client")
    assert refused(made, gone) == "InvalidAuthenticationToken"


def test_an_unsigned_token_is_refused(tmp_path: Path) -> None:
    import jwt

    owner = directory().owner
    claims = {"oid": owner.object_id, "aud": ARM, "exp": time.time() + 60}
    made = tokens(tmp_path)
    assert refused(made, jwt.encode(claims, "", "none")) == "InvalidAuthenticationToken"
    assert refused(made, jwt.encode(claims, "s" * 32, "HS256")) == "InvalidAuthenticationToken"


def test_a_refresh_token_is_its_applications_own(tmp_path: Path) -> None:
    made = tokens(tmp_path)
    token = made.refresh_token(directory().with_password("bob", "pw"), "one")
    assert made.refreshed(token, "ONE").name == "bob"
    for given, client in (
        (token, "two"),
        ("x", "one"),
        (made.access_token(directory().owner, ARM, "one"), "one"),
    ):
        with pytest.raises(TokenError):
            made.refreshed(given, client)


def test_resources_are_written_in_several_ways() -> None:
    assert plain_resource("HTTPS://datalake.azure.net//") == "https://datalake.azure.net"


def test_a_code_is_used_once_by_its_application() -> None:
    codes, person = DeviceCodes(), directory().with_password("bob", "pw")
    code = codes.issue("app", {"scope": "s"})
    with pytest.raises(TokenError) as waiting:
        codes.redeem(code.device_code, "app")
    assert waiting.value.error == "authorization_pending"
    assert not codes.decide("WRONGCODE", person)
    assert codes.decide(f" {code.user_code.lower()} ", person)
    assert not codes.decide(code.user_code, None)
    with pytest.raises(TokenError):
        codes.redeem(code.device_code, "other")
    assert codes.redeem(code.device_code, "app") == (person, {"scope": "s"})
    with pytest.raises(TokenError):
        codes.redeem(code.device_code, "app")


def test_a_code_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = DeviceCodes()
    monkeypatch.setattr(device_codes, "LIFETIME_SECONDS", 0)
    code = codes.issue("app", {})
    assert not codes.decide(code.user_code, directory().owner)
    with pytest.raises(TokenError) as ended:
        codes.redeem(code.device_code, "app")
    assert ended.value.error == "expired_token"


def test_secrets_are_in_no_representation(tmp_path: Path) -> None:
    service = IdentityService(
        Config(tmp_path, secret="s3cret", users=(("bob", "s3cret"),), bearer_token="s3cret")
    )
    assert "s3cret" not in repr(service.config)
    assert not (tmp_path / "identity").exists(), "the key is made when it is needed"
