"""The package as it is installed: the file system is found by its entry points, not by the source tree."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import airflow_provider_datalake
from tests.integration.store_connections import TOKEN, address, as_variable

if TYPE_CHECKING:
    from tests.integration.conftest import Emulator

SOURCES = Path(airflow_provider_datalake.__file__).parent.parent
PROGRAM = """
import sys
from importlib.metadata import entry_points

# The developer's environment has the source tree on its path: what is tested comes first, or not at all.
sys.path[:] = [entry for entry in sys.path if entry.rstrip("/") != {sources!r}]
sys.meta_path[:] = [finder for finder in sys.meta_path if "__editable__" not in str(finder)]
import airflow_provider_datalake
assert airflow_provider_datalake.__file__.startswith({installed!r}), airflow_provider_datalake.__file__

import fsspec
fs = fsspec.filesystem("adls1", host={address!r}, bearer_token={token!r})
fs.pipe("emulator/wheel/a.txt", b"from fsspec")

from airflow.sdk import ObjectStoragePath
path = ObjectStoragePath("adls1://adls_gen1_default@emulator/wheel")
assert str(path) == "adls1://adls_gen1_default@emulator/wheel"
assert (path / "a.txt").open().read() == "from fsspec"
(path / "a.txt").rename(path / "b.txt")
print(",".join(str(one) for one in path.iterdir()))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built wheel unpacked in it, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(SOURCES)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode and "hatchling" in done.stderr:
        build.remove("--no-build-isolation")
        done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    target = folder / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True
    )
    return target


def test_the_file_system_works_from_an_installed_wheel(
    emulator: Emulator, installed: Path, tmp_path: Path
) -> None:
    program = PROGRAM.format(
        sources=str(SOURCES), installed=str(installed), address=address(emulator), token=TOKEN
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(installed),
        "AIRFLOW_CONN_ADLS_GEN1_DEFAULT": as_variable(emulator),
    }
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (entry_points,) = installed.glob("airflow_provider_datalake-*.dist-info/entry_points.txt")
    assert "[fsspec.specs]\nadls1 = " in entry_points.read_text()
    assert done.stdout.splitlines()[-1] == "adls1://adls_gen1_default@emulator/wheel/b.txt"
