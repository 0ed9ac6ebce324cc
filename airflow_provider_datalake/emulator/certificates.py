"""
A throw-away certificate authority: it vouches for the host names that the emulator stands for, and no others.

Its key lies in the data directory, readable by its owner only, so that clients go on trusting an emulator
after a restart. Its certificate is limited to those domains: nobody can pose as another site with it.
"""

from __future__ import annotations

import datetime
import os
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes

DOMAINS = (
    "microsoftonline.com",
    "microsoftonline.us",
    "windows.net",
    "azure.com",
    "usgovcloudapi.net",
    "chinacloudapi.cn",
    "azuredatalakestore.net",
    "azuredatalakeanalytics.net",
    "azureml.net",
    "aliyun.com",
    "aliyun-inc.com",
)
_YEAR = datetime.timedelta(days=365)
_LEAF = datetime.timedelta(days=90)
_SLACK = datetime.timedelta(days=1)


class CertificateAuthority:
    """
    Signs certificates for host names.

    :param directory: where its certificate (``ca.pem``) and its key are kept; created when missing
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / "ca.pem"
        self._key_path = directory / "ca.key"
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key, self._certificate = self._load() or self._create()

    def context(self, host: str) -> ssl.SSLContext:
        """
        Give the server's side of TLS for a host name.

        :param host: the name that the client asks for
        :return: a context with a certificate for it
        """
        if host not in self._contexts:
            self._contexts[host] = self._make_context(host)
        return self._contexts[host]

    def _load(self) -> tuple[CertificateIssuerPrivateKeyTypes, x509.Certificate] | None:
        if not (self.path.exists() and self._key_path.exists()):
            return None
        certificate = x509.load_pem_x509_certificate(self.path.read_bytes())
        soon = datetime.datetime.now(datetime.UTC) + _LEAF
        if certificate.not_valid_after_utc < soon:
            return None
        key = serialization.load_pem_private_key(self._key_path.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            return None
        return key, certificate

    def _create(self) -> tuple[CertificateIssuerPrivateKeyTypes, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("datalake-emulator throw-away CA")
        names = [x509.DNSName(domain) for domain in DOMAINS]
        certificate = (
            _builder(name, name, key.public_key(), 10 * _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.NameConstraints(names, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write_secret(self._key_path, _pem_key(key))
        _write_secret(self.path, certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def _make_context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self._certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        certificate = (
            _builder(_name(host), self._certificate.subject, key.public_key(), _LEAF)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The standard library takes them from a file only.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "leaf.pem"
            _write_secret(path, _pem_key(key) + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(path)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: datetime.timedelta
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SLACK)
        .not_valid_after(now + life)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_secret(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.unlink(missing_ok=True)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    temporary.replace(path)
