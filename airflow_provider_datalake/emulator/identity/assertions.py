"""Client assertions: tokens that an application signs itself, or that its cluster signs for it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.identity.errors import invalid_client
from airflow_provider_datalake.emulator.identity.tokens import clock_skew

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from cryptography.x509 import Certificate

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
EXCHANGE = "api://AzureADTokenExchange"
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
_OTHER_KEY = (
    "The certificate with identifier used to sign the client assertion is not registered on application. "
    "Client assertion failed signature validation."
)


@dataclass(frozen=True)
class Signer:
    """
    A certificate whose owner may sign assertions.

    :param certificate: the certificate
    :param thumbprints: how assertions name it
    """

    certificate: Certificate
    thumbprints: frozenset[str]


def read_signers(paths: Collection[Path]) -> tuple[Signer, ...]:
    """
    Read certificates.

    :param paths: PEM files, each with one or more certificates; private keys in them are not read
    :return: the certificates
    :raises ValueError: when a file cannot be read or holds none
    """
    if not paths:
        return ()
    from cryptography import x509

    found: list[Signer] = []
    for path in paths:
        try:
            certificates = x509.load_pem_x509_certificates(path.read_bytes())
        except (OSError, ValueError) as error:
            raise ValueError(f"cannot read a certificate from {path}: {error}") from error
        found += [Signer(certificate, _thumbprints(certificate)) for certificate in certificates]
    return tuple(found)


def _thumbprints(certificate: Certificate) -> frozenset[str]:
    from cryptography.hazmat.primitives import hashes

    # SHA-1 is how the directory has always named certificates; nothing is secured by it.
    digests = [certificate.fingerprint(kind) for kind in (hashes.SHA1(), hashes.SHA256())]
    texts = [base64.urlsafe_b64encode(digest).decode().rstrip("=") for digest in digests]
    return frozenset((*texts, *(digest.hex() for digest in digests)))


def check_assertion(
    assertion: str, client_id: str, signers: Collection[Signer], audiences: Collection[str]
) -> None:
    """
    Check that an assertion was signed for an application by one who may.

    :param assertion: the token
    :param client_id: the application
    :param signers: who may sign
    :param audiences: addresses of the endpoint that it may be meant for
    :raises TokenError: when it does not do
    """
    import jwt

    try:
        header = jwt.get_unverified_header(assertion)
    except jwt.InvalidTokenError as error:
        raise invalid_client(50027, f"JWT token is invalid or malformed: {error}.") from error
    claims = _verified(assertion, header, signers)
    audience = claims.get("aud")
    given = {audience} if isinstance(audience, str) else set(audience or ())
    if EXCHANGE.lower() in {text.lower() for text in given}:
        return
    if not {text.lower().rstrip("/") for text in given} & {text.lower() for text in audiences}:
        raise invalid_client(
            700023,
            f"Client assertion audience claim does not match Realm issuer: {', '.join(map(str, given))}.",
        )
    for claim in ("iss", "sub"):
        if str(claims.get(claim)).lower() != client_id.lower():
            raise invalid_client(
                700021 if claim == "iss" else 700211,
                f"Client assertion application identifier doesn't match 'client_id' parameter: {claim}.",
            )


def _verified(assertion: str, header: dict[str, Any], signers: Collection[Signer]) -> dict[str, Any]:
    import jwt

    named = {str(header[name]).lower() for name in ("x5t", "x5t#S256", "kid") if header.get(name)}
    candidates = [
        signer for signer in signers if named & {text.lower() for text in signer.thumbprints}
    ] or list(signers)
    options: Any = {"verify_aud": False, "require": ["exp", "iss", "sub"]}
    for signer in candidates:
        try:
            key: Any = signer.certificate.public_key()
            return jwt.decode(assertion, key, algorithms=_ALGORITHMS, options=options, leeway=clock_skew())
        except (jwt.InvalidSignatureError, jwt.InvalidKeyError, jwt.InvalidAlgorithmError, TypeError):
            # Signed by another one, or by a key of another kind.
            continue
        except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError) as error:
            raise invalid_client(700024, "Client assertion is not within its valid time range.") from error
        except jwt.InvalidTokenError as error:
            raise invalid_client(50027, f"JWT token is invalid or malformed: {error}.") from error
    raise invalid_client(700027, _OTHER_KEY)
