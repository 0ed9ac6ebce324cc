"""An emulator of its own for a benchmark, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from odps import ODPS

START_LIMIT_SECONDS = 60


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_answer(url: str, process: subprocess.Popen[bytes]) -> None:
    """
    Wait until the address answers at all.

    :param url: what to ask for
    :param process: the server, whose death ends the waiting
    :raises RuntimeError: when it does not answer
    """
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.005)
        else:
            return
    raise RuntimeError(f"the emulator did not answer at {url}")


@contextmanager
def emulator() -> Iterator[str]:
    """Serve an emulator on a free port with an empty data directory; yield its address."""
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        port = free_port()
        command = [
            str(Path(sys.executable).with_name("datalake-emulator")),
            *("serve", "--port", str(port), "--data-dir", directory),
        ]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for_answer(f"{url}/", process)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def client(url: str) -> ODPS:
    """
    Open an unmodified PyODPS client on the emulator.

    :param url: the emulator's address
    :return: the client
    """
    from odps import ODPS

    return ODPS(
        access_id="emulator",
        secret_access_key="emulator-secret",
        project="demo",
        endpoint=f"{url}/api",
        overwrite_global=False,
    )
