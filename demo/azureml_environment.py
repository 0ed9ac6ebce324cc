"""The environment of azureml 0.2.7, ML Studio's own client: it needs an older pandas than the rest has."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".demo" / "azureml-0.2.7"
# pandas 3 closes the stream that the client reads from; numpy is the newest that pandas 2.3 was built for.
PACKAGES = (
    "azureml==0.2.7",
    "numpy==2.4.6",
    "pandas==2.3.3",
    "python-dateutil==2.9.0.post0",
    "requests==2.32.5",
    "urllib3==2.5.0",
)
SECONDS = 600


def python() -> Path:
    """
    Give the interpreter that imports the unmodified client; make its environment when there is none.

    :return: the path of the interpreter
    :raises RuntimeError: when the environment cannot be made
    """
    FOLDER.parent.mkdir(exist_ok=True)
    made = FOLDER / "made"
    interpreter = FOLDER / "bin" / "python"
    wanted = "\n".join((sys.version, *PACKAGES))
    # Processes that come at the same time wait for the one that makes it.
    with FOLDER.with_name("azureml.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists() or made.read_text() != wanted:
            shutil.rmtree(FOLDER, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(FOLDER))
            _run(str(interpreter), "-m", "pip", "--disable-pip-version-check", "install", "-q", *PACKAGES)
            made.write_text(wanted)
    return interpreter


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()}")


if __name__ == "__main__":
    print(python())
