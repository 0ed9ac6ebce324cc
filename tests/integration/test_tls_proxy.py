"""The zero-touch mode: a script with the real host names, unmodified clients, and an environment."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

ARTICLE = Path(__file__).with_name("manage_with_python.py")


@pytest.fixture
def zero_touch(own_emulator: Callable[..., Emulator]) -> Emulator:
    """An emulator behind its proxy."""
    return own_emulator("data", "--tls-proxy", "0")


def proxy_port(emulator: Emulator) -> str:
    """The port that the emulator says its proxy has."""
    assert emulator.process is not None
    assert emulator.process.stdout is not None
    return emulator.process.stdout.readline().strip().rpartition(":")[2]


def printed_environment(emulator: Emulator) -> dict[str, str]:
    """What ``eval "$(datalake-emulator env --tls-proxy)"`` makes of a shell's environment."""
    command = [sys.executable, "-m", "airflow_provider_datalake.emulator.cli", "env"]
    command += ["--data-dir", str(emulator.data_dir), "--tls-proxy", proxy_port(emulator)]
    script = 'eval "$("$@")"; env -0'
    clean = {name: value for name, value in os.environ.items() if name.lower() not in ("no_proxy",)}
    printed = subprocess.run(
        ["sh", "-c", script, "sh", *command], capture_output=True, check=True, env=clean, timeout=60
    )
    return dict(line.split("=", 1) for line in printed.stdout.decode().split("\0") if line)


def test_the_articles_script_runs_with_the_real_host_names(zero_touch: Emulator, tmp_path: Path) -> None:
    files = {f"{number % 3}/{number}.bin": os.urandom(number * 1_000) for number in range(1, 8)}
    for name, content in files.items():
        path = tmp_path / "up" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    run = subprocess.run(
        [sys.executable, str(ARTICLE), str(tmp_path)],
        capture_output=True,
        text=True,
        env=printed_environment(zero_touch),
        timeout=240,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert result["data"] == '"Contoso",1500\r\n"Woodgrove",2700\r\n'
    assert result["result"] == "Succeeded"
    assert result["group"] == "article"
    assert result["store"] == "articlestore.azuredatalakestore.net"
    assert result["analytics"] == "articleanalytics.azuredatalakeanalytics.net"
    assert result["policies"] == [["GaryMcDaniel", "User", 50, 250]]
    assert "master" in result["databases"]
    assert {name: (tmp_path / "down" / name).read_bytes() for name in files} == files


def test_other_hosts_are_refused_by_name(zero_touch: Emulator) -> None:
    proxy = f"http://127.0.0.1:{proxy_port(zero_touch)}"
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.exceptions.ProxyError, match="403 Forbidden"):
            session.get("https://example.com/", proxies={"https": proxy}, timeout=30)


def test_plain_requests_to_the_proxy_are_told_what_it_takes(zero_touch: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", int(proxy_port(zero_touch))), timeout=30) as plain:
        plain.sendall(b"GET http://emulator.azuredatalakestore.net/ HTTP/1.1\r\n\r\n")
        answer = plain.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 405 Method Not Allowed")
    assert b"CONNECT only" in answer
