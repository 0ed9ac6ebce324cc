"""
Make the virtual environment that everything else runs in; run by the system's Python, standard library only.

Does nothing when the environment is already what pyproject.toml and constraints.txt ask for.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".setup"
OLDEST = (3, 11)
PIP = "pip==25.3"  # the first to know dependency groups is 25.1; Debian 12 brings 23.0


class SetupFailed(Exception):
    """The environment cannot be made; the message says what a person has to do."""


def fingerprint() -> str:
    """
    Describe what the environment has to hold.

    :return: a hash of the files that say it
    """
    # The path is part of it: an environment does not survive a move of the checkout.
    digest = hashlib.sha256(f"{PIP} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_ready() -> bool:
    """Say whether the environment is complete and works: a system upgrade can take its Python away."""
    if not (STAMP.exists() and STAMP.read_text() == fingerprint()):
        return False
    return succeeds(PYTHON, "-c", "")


def succeeds(*command: str | Path) -> bool:
    """
    Try a command whose output does not matter.

    :param command: the program and its arguments
    :return: whether it is there and ended well
    """
    try:
        done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
    except FileNotFoundError:
        return False
    return done.returncode == 0


def apt_install(*packages: str) -> bool:
    """
    Install Debian packages where this is allowed without asking.

    :param packages: their names
    :return: False when there is no apt here, or no right to use it, or it failed
    """
    if not shutil.which("apt-get"):
        return False
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if sudo and not succeeds(*sudo, "true"):
        return False
    print(f"installing {' '.join(packages)} with apt", flush=True)
    apt = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120"]
    # Stale package lists are the usual cause of a failure, and the update alone may fail on one dead mirror.
    subprocess.run([*apt, "update"], check=False, stdin=subprocess.DEVNULL)
    install = [*apt, "install", "-y", "--no-install-recommends", *packages]
    return subprocess.run(install, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode == 0


def create_venv() -> None:
    """
    Create the virtual environment with pip in it.

    :raises SetupFailed: when this Python cannot
    """
    if importlib.util.find_spec("ensurepip") is None:
        # Debian keeps this part of Python in a package of its own.
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not apt_install(package):
            raise SetupFailed(
                f"{sys.executable} cannot make a virtual environment. Run: sudo apt-get install {package}"
            )
    subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=True)


def has_pip() -> bool:
    """Say whether there is an environment that can install packages."""
    return (
        PYTHON.exists()
        and not subprocess.run(
            [PYTHON, "-m", "pip", "--version"], check=False, capture_output=True
        ).returncode
    )


def install() -> None:
    """Install the pinned dependencies, and this package as it stands in the working tree."""
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, PIP], check=True, cwd=ROOT)
    wanted = ["--constraint", "constraints.txt", "--group", "dev", "--editable", ".[emulator,demo]"]
    subprocess.run([*pip, *wanted], check=True, cwd=ROOT)


@contextmanager
def alone() -> Iterator[None]:
    """Wait for another command that is making the same environment."""
    lock = ROOT / ".demo" / "setup.lock"
    lock.parent.mkdir(exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main() -> int:
    """
    Bring the environment up to date.

    :return: the exit code
    """
    if sys.version_info < OLDEST:
        version = sys.version.split()[0]
        print(f"Python 3.11 or newer is needed, {sys.executable} is {version}.", file=sys.stderr)
        print("Name another one: make setup PYTHON=/path/to/python3.11", file=sys.stderr)
        return 1
    with alone():
        if is_ready():
            return 0
        try:
            if not has_pip():
                print(f"creating {VENV}", flush=True)
                create_venv()
            print("installing the pinned dependencies, which takes a minute or two", flush=True)
            install()
        except (SetupFailed, subprocess.CalledProcessError) as error:
            print(f"setup failed: {error}", file=sys.stderr)
            return 1
        STAMP.write_text(fingerprint())
    return 0


if __name__ == "__main__":
    sys.exit(main())
