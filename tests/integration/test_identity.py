"""The token endpoint, as Microsoft's own clients see it."""

from __future__ import annotations

import datetime
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientSecretCredential,
    DeviceCodeCredential,
    ManagedIdentityCredential,
    UsernamePasswordCredential,
    WorkloadIdentityCredential,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from msrestazure.azure_active_directory import ServicePrincipalCredentials, UserPassCredentials

from airflow_provider_datalake.emulator.identity.service import object_id

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.conftest import Emulator as EmulatorProcess

ARM = "https://management.azure.com/.default"
DATA_LAKE = "https://datalake.azure.net//.default"
TENANT = "emulator"


def write_certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate with its private key; beside of it the certificate alone."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{name}.crt").write_bytes(public)
    (folder / f"{name}.pem").write_bytes(private + public)
    return folder / f"{name}.pem"


@dataclass
class Directory:
    """An emulator with users and a certificate, behind its TLS proxy."""

    emulator: EmulatorProcess
    proxy: str
    folder: Path
    certificate: Path

    @property
    def address(self) -> str:
        return self.emulator.address

    @property
    def client_options(self) -> dict[str, Any]:
        return {
            "proxies": {"https": self.proxy, "http": self.proxy},
            "connection_verify": str(self.folder / "data" / "tls" / "ca.pem"),
            "retry_total": 0,
        }

    def token(self, version: str = "/v2.0", tenant: str = TENANT, **form: str) -> requests.Response:
        return requests.post(f"{self.address}/aad/{tenant}/oauth2{version}/token", data=form, timeout=30)

    def jobs(self, token: str) -> requests.Response:
        return requests.get(
            f"{self.address}/adla/emulator/jobs", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )

    def groups(self, token: str) -> requests.Response:
        return requests.get(
            f"{self.address}/arm/subscriptions/00000000-0000-0000-0000-000000000001/resourcegroups",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from tests.integration.conftest import Emulator

    folder = tmp_path_factory.mktemp("identity")
    certificate = write_certificate(folder, "owner")
    emulator = Emulator(
        folder / "data",
        (
            *(
                "--tls-proxy",
                "0",
                "--user",
                "ann@example.com=ann-password",
                "--group",
                "team=ann@example.com",
            ),
            *("--client-certificate", str(certificate.with_suffix(".crt"))),
        ),
        {"DATALAKE_EMULATOR_USERS": "bob@example.com=bob-password"},
    ).start()
    assert emulator.process is not None
    assert emulator.process.stdout is not None
    proxy = emulator.process.stdout.readline().strip().rpartition(" ")[2]
    yield Directory(emulator, proxy, folder, certificate)
    assert emulator.stop() == 0, emulator.log()


@pytest.mark.parametrize("scope", [ARM, DATA_LAKE, "https://datalake.azure.net/.default"])
def test_a_client_secret_gives_a_token(directory: Directory, scope: str) -> None:
    credential = ClientSecretCredential(TENANT, "emulator", "emulator-secret", **directory.client_options)
    token = credential.get_token(scope)
    assert token.expires_on - time.time() == pytest.approx(3600, abs=30)
    assert directory.jobs(token.token).status_code == 200
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert (claims["oid"], claims["appid"]) == (object_id("emulator"), "emulator")


def test_a_token_can_be_checked_with_the_published_key(directory: Directory) -> None:
    found = directory.token(
        grant_type="client_credentials", client_id="emulator", client_secret="emulator-secret", scope=ARM
    ).json()
    configuration = requests.get(
        f"{directory.address}/aad/{TENANT}/v2.0/.well-known/openid-configuration", timeout=30
    ).json()
    key = jwt.PyJWKClient(configuration["jwks_uri"]).get_signing_key_from_jwt(found["access_token"])
    claims = jwt.decode(
        found["access_token"], key, algorithms=["RS256"], audience="https://management.azure.com"
    )
    assert claims["oid"] == object_id("emulator")


def test_the_resource_manager_takes_only_its_own_tokens(directory: Directory) -> None:
    credential = ClientSecretCredential(TENANT, "emulator", "emulator-secret", **directory.client_options)
    assert directory.groups(credential.get_token(ARM).token).status_code == 200
    refused = directory.groups(credential.get_token(DATA_LAKE).token)
    assert (refused.status_code, refused.json()["error"]["code"]) == (
        401,
        "InvalidAuthenticationTokenAudience",
    )


def test_a_certificate_gives_a_token(directory: Directory) -> None:
    credential = CertificateCredential(
        TENANT, "emulator", str(directory.certificate), **directory.client_options
    )
    assert directory.jobs(credential.get_token(ARM).token).status_code == 200


def test_a_foreign_certificate_is_refused(directory: Directory) -> None:
    other = write_certificate(directory.folder, f"other{uuid.uuid4().hex}")
    credential = CertificateCredential(TENANT, "emulator", str(other), **directory.client_options)
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        credential.get_token(ARM)


def federated(directory: Directory, key_file: Path, seconds: int) -> Path:
    now = int(time.time())
    claims = {
        "iss": "https://cluster.example.com",
        "sub": "system:serviceaccount:airflow:worker",
        "aud": "api://AzureADTokenExchange",
        "iat": now + min(0, seconds) - 60,
        "exp": now + seconds,
    }
    key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    path = directory.folder / f"{uuid.uuid4().hex}.jwt"
    path.write_text(jwt.encode(claims, key, "RS256"))
    return path


def test_a_workload_identity_gives_a_token(directory: Directory) -> None:
    def token(path: Path) -> str:
        return (
            WorkloadIdentityCredential(
                tenant_id=TENANT, client_id="emulator", token_file_path=str(path), **directory.client_options
            )
            .get_token(ARM)
            .token
        )

    assert directory.jobs(token(federated(directory, directory.certificate, 600))).status_code == 200
    with pytest.raises(ClientAuthenticationError, match="AADSTS700024"):
        token(federated(directory, directory.certificate, -3600))
    other = write_certificate(directory.folder, "cluster")
    with pytest.raises(ClientAuthenticationError, match="AADSTS700027"):
        token(federated(directory, other, 600))


@pytest.mark.parametrize(
    ("tenant", "client", "secret", "code"),
    [
        (TENANT, "emulator", "wrong", "AADSTS7000215"),
        (TENANT, "nobody", "emulator-secret", "AADSTS700016"),
        ("elsewhere", "emulator", "emulator-secret", "AADSTS90002|elsewhere"),
    ],
)
def test_wrong_credentials_get_the_directorys_own_errors(
    directory: Directory, tenant: str, client: str, secret: str, code: str
) -> None:
    credential = ClientSecretCredential(tenant, client, secret, **directory.client_options)
    with pytest.raises((ClientAuthenticationError, ValueError), match=code):
        credential.get_token(ARM)


def test_an_error_has_all_its_fields_and_no_secret(directory: Directory) -> None:
    answer = directory.token(
        grant_type="client_credentials", client_id="emulator", client_secret="not-it", scope=ARM
    )
    assert answer.status_code == 401
    told = answer.json()
    assert (told["error"], told["error_codes"]) == ("invalid_client", [7000215])
    assert told["error_description"].startswith("AADSTS7000215: Invalid client secret provided.")
    assert {"timestamp", "trace_id", "correlation_id"} <= set(told)
    assert "not-it" not in answer.text


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        ({"grant_type": "client_credentials", "client_id": "emulator"}, "invalid_client"),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "emulator",
                "client_secret": "emulator-secret",
                "scope": "https://nothing.example.com/.default",
            },
            "invalid_resource",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "emulator",
                "client_secret": "emulator-secret",
                "scope": "https://management.azure.com/user_impersonation",
            },
            "invalid_scope",
        ),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "emulator",
                "client_assertion": "x.y.z",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            },
            "invalid_client",
        ),
        ({"grant_type": "refresh_token", "client_id": "emulator", "refresh_token": "x"}, "invalid_grant"),
    ],
)
def test_malformed_requests_are_refused(directory: Directory, form: dict[str, str], error: str) -> None:
    answer = directory.token(**form)
    assert (answer.status_code // 100, answer.json()["error"]) == (4, error)


def test_a_password_gives_a_persons_token_and_refreshes_it(directory: Directory) -> None:
    form = {
        "client_id": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        "scope": f"{ARM} openid offline_access",
    }
    found = directory.token(
        grant_type="password", username="ann@example.com", password="ann-password", **form
    ).json()
    claims = jwt.decode(found["access_token"], options={"verify_signature": False})
    assert (claims["upn"], claims["groups"]) == ("ann@example.com", [object_id("team")])
    again = directory.token(grant_type="refresh_token", refresh_token=found["refresh_token"], **form).json()
    claims = jwt.decode(again["access_token"], options={"verify_signature": False})
    assert claims["oid"] == object_id("ann@example.com")
    # A refresh token is no access token.
    assert directory.jobs(found["refresh_token"]).status_code == 401
    # Ann has no role in the account.
    assert directory.jobs(found["access_token"]).status_code == 403


def test_azure_identity_signs_in_with_a_password(directory: Directory) -> None:
    with pytest.warns(DeprecationWarning, match="UsernamePassword"):
        credential = UsernamePasswordCredential(
            "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
            "bob@example.com",
            "bob-password",
            tenant_id=TENANT,
            **directory.client_options,
        )
    assert directory.jobs(credential.get_token(ARM).token).status_code == 403


@pytest.mark.parametrize(
    ("user", "code"), [("ann@example.com", "AADSTS50126"), ("nobody@example.com", "AADSTS50034")]
)
def test_a_wrong_password_is_refused(directory: Directory, user: str, code: str) -> None:
    answer = directory.token(
        grant_type="password",
        username=user,
        password="wrong",
        client_id="04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        scope=ARM,
    )
    assert answer.json()["error_description"].startswith(code)


def test_a_device_code_waits_for_a_person(directory: Directory) -> None:
    shown: list[tuple[str, str]] = []

    def approve(address: str, code: str, expires: object) -> None:
        shown.append((address, code))

        def sign_in() -> None:
            # What the browser of the person does; the real host is reached through the proxy only.
            page = f"{directory.address}/aad/devicelogin"
            assert code not in requests.get(page, timeout=30).text
            form = {"code": code, "user": "emulator", "password": "wrong"}
            assert requests.post(page, data=form, timeout=30).status_code == 403
            answer = requests.post(page, data={**form, "password": "emulator-secret"}, timeout=30)
            assert "Signed in" in answer.text

        thread = threading.Thread(target=sign_in)
        thread.start()
        thread.join()

    credential = DeviceCodeCredential(tenant_id=TENANT, prompt_callback=approve, **directory.client_options)
    assert directory.jobs(credential.get_token(ARM).token).status_code == 200
    assert shown[0][0] == "https://login.microsoftonline.com/devicelogin"


def test_a_device_code_can_be_declined(directory: Directory) -> None:
    begun = requests.post(
        f"{directory.address}/aad/{TENANT}/oauth2/v2.0/devicecode",
        data={"client_id": "emulator", "scope": ARM},
        timeout=30,
    ).json()
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
        "client_id": "emulator",
        "device_code": begun["device_code"],
        "scope": ARM,
    }
    assert directory.token(**form).json()["error"] == "authorization_pending"
    requests.post(
        f"{directory.address}/aad/devicelogin",
        data={"code": begun["user_code"], "user": "emulator", "password": "emulator-secret", "decline": "1"},
        timeout=30,
    ).raise_for_status()
    assert directory.token(**form).json()["error"] == "authorization_declined"
    assert directory.token(**form).json()["error"] == "invalid_grant"


def test_a_managed_identity_gives_a_token(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", f"{directory.address}/aad")
    assert directory.jobs(ManagedIdentityCredential().get_token(ARM).token).status_code == 200
    address = f"{directory.address}/aad/metadata/identity/oauth2/token?resource=https://management.azure.com/"
    assert requests.get(address, timeout=30).status_code == 400
    foreign = {"Metadata": "true", "Host": "attacker.example.com"}
    assert requests.get(address, headers=foreign, timeout=30).status_code == 403


def test_the_old_clients_sign_in(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", directory.proxy)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", directory.client_options["connection_verify"])
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    for credentials in (
        ServicePrincipalCredentials("emulator", "emulator-secret", tenant=TENANT),
        UserPassCredentials("emulator", "emulator-secret"),
    ):
        assert directory.jobs(credentials.token["access_token"]).status_code == 200


def test_the_first_version_writes_numbers_as_texts(directory: Directory) -> None:
    found = directory.token(
        "",
        grant_type="client_credentials",
        client_id="emulator",
        client_secret="emulator-secret",
        resource="https://management.core.windows.net/",
    ).json()
    assert (found["expires_in"], found["resource"]) == ("3600", "https://management.core.windows.net/")
    assert int(found["expires_on"]) - int(found["not_before"]) == 3600


def test_a_token_ends_and_survives_a_restart(own_emulator: Any) -> None:
    emulator = own_emulator("short", "--token-lifetime", "2")
    form = {
        "grant_type": "client_credentials",
        "client_id": "emulator",
        "client_secret": "emulator-secret",
        "resource": "https://management.azure.com/",
    }
    found = requests.post(f"{emulator.address}/aad/emulator/oauth2/token", data=form, timeout=30).json()
    header = {"Authorization": f"Bearer {found['access_token']}"}
    assert (
        requests.get(f"{emulator.address}/adla/emulator/jobs", headers=header, timeout=30).status_code == 200
    )
    deadline = time.monotonic() + 30
    while True:
        answer = requests.get(f"{emulator.address}/adla/emulator/jobs", headers=header, timeout=30)
        if answer.status_code == 401:
            break
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert answer.json()["error"]["code"] == "ExpiredAuthenticationToken"
    other = own_emulator("other")
    answer = requests.get(f"{other.address}/adla/emulator/jobs", headers=header, timeout=30)
    assert answer.json()["error"]["code"] == "InvalidAuthenticationToken"
    key = emulator.data_dir / "identity" / "signing_key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
