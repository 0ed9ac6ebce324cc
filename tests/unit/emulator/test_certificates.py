from __future__ import annotations

import socket
import ssl
import stat
import threading
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.certificates import CertificateAuthority

if TYPE_CHECKING:
    from pathlib import Path


def handshake(authority: CertificateAuthority, trusted: Path, host: str) -> None:
    """Speak TLS over a socket pair, as a client that trusts one authority only."""
    ours, theirs = socket.socketpair()
    failures: list[OSError] = []

    def answer() -> None:
        try:
            with authority.context(host).wrap_socket(theirs, server_side=True) as server:
                server.recv(1)
        except OSError as error:
            failures.append(error)  # the client says why

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with ssl.create_default_context(cafile=trusted).wrap_socket(ours, server_hostname=host) as client:
            client.send(b"x")
    finally:
        ours.close()
        thread.join()
        theirs.close()


def test_who_trusts_it_trusts_its_hosts(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    handshake(authority, authority.path, "store.azuredatalakestore.net")


def test_it_cannot_pose_as_another_site(tmp_path: Path) -> None:
    authority = CertificateAuthority(tmp_path / "tls")
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(authority, authority.path, "example.com")


def test_a_restart_keeps_it(tmp_path: Path) -> None:
    before = CertificateAuthority(tmp_path / "tls").path.read_bytes()
    again = CertificateAuthority(tmp_path / "tls")
    assert again.path.read_bytes() == before
    handshake(again, again.path, "management.azure.com")


def test_its_key_is_for_its_owner_only(tmp_path: Path) -> None:
    CertificateAuthority(tmp_path / "tls")
    assert stat.S_IMODE((tmp_path / "tls" / "ca.key").stat().st_mode) == 0o600
