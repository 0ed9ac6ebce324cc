"""A process that is killed at any step of a change to a store leaves what was before or what is after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.data_lake_store.machine import FAILPOINT_VARIABLE, FAILPOINTS
from airflow_provider_datalake.emulator.data_lake_store.nodes import committed_lengths
from tests.unit.emulator.data_lake_store.stores import Store, open_store

if TYPE_CHECKING:
    from pathlib import Path

Files = dict[str, bytes]

BEFORE: Files = {"/d/a": b"1" * 1000, "/d/b": b"2" * 2000, "/d/e/c": b"3"}
# What the killed process does to these files, and what they are afterwards.
PROGRAMS: dict[str, tuple[str, Files]] = {
    "create": ('store.write("/new/f", b"4" * 5000)', {**BEFORE, "/new/f": b"4" * 5000}),
    "replace": ('store.write("/d/a", b"4" * 5000)', {**BEFORE, "/d/a": b"4" * 5000}),
    "append": ('store.append("/d/a", b"4" * 5000, 1000)', {**BEFORE, "/d/a": b"1" * 1000 + b"4" * 5000}),
    "append with more to come": (
        'store.append("/d/a", b"4" * 5000, 1000, close=False)',
        {**BEFORE, "/d/a": b"1" * 1000 + b"4" * 5000},
    ),
    "rename": (
        'store.rename("/d", "/moved")',
        {path.replace("/d/", "/moved/"): data for path, data in BEFORE.items()},
    ),
    "concatenate": (
        'store.concatenate("/all", "/d/b", "/d/a", "/d/e/c")',
        {"/all": b"2" * 2000 + b"1" * 1000 + b"3"},
    ),
    "concatenate without copying": (
        'joining.COPIED_BYTES = 0\nstore.concatenate("/all", "/d/b", "/d/a", "/d/e/c")',
        {"/all": b"2" * 2000 + b"1" * 1000 + b"3"},
    ),
    "delete": ('store.delete("/d", recursive=True)', {}),
    "publish": (
        """
files = []
for number, path in enumerate(("/d/a", "/out/x", "/out/y")):
    local = pathlib.Path(sys.argv[1]) / f"staged{number}"
    local.write_bytes(b"5" * 3000)
    files.append(("emulator", path, local))
store.service.publish("job", files, store.principal)
""",
        {**BEFORE, "/d/a": b"5" * 3000, "/out/x": b"5" * 3000, "/out/y": b"5" * 3000},
    ),
}
PREAMBLE = """
import pathlib, sys
from airflow_provider_datalake.emulator.data_lake_store import joining
from tests.unit.emulator.data_lake_store.stores import open_store
store = open_store(pathlib.Path(sys.argv[1]))
"""
# Steps that each program comes to; every one of them must kill it.
COMES_TO = {
    "create": ("create:", "change:"),
    "replace": ("create:", "change:", "discard:"),
    "append": ("append:", "change:"),
    "append with more to come": ("append:", "change:"),
    "rename": ("change:",),
    "concatenate": ("concat:", "change:", "discard:"),
    "concatenate without copying": ("concat:", "change:"),
    "delete": ("change:", "discard:"),
    "publish": ("publish:", "change:", "discard:"),
}
CASES = [
    (name, failpoint)
    for name, steps in COMES_TO.items()
    for failpoint in (*FAILPOINTS, None)
    if failpoint is None or failpoint.startswith(steps)
]


def run(data_dir: Path, program: str, failpoint: str | None) -> int:
    environment = {key: value for key, value in os.environ.items() if key != FAILPOINT_VARIABLE}
    if failpoint:
        environment[FAILPOINT_VARIABLE] = failpoint
    done = subprocess.run(
        [sys.executable, "-c", PREAMBLE + program, str(data_dir)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def files_of(store: Store, folder: str = "") -> Files:
    """Read all files, by path."""
    found: Files = {}
    for name in store.names(folder or "/"):
        path = f"{folder}/{name}"
        found |= files_of(store, path) if store.status(path).is_folder else {path: store.read(path)}
    return found


@pytest.mark.parametrize(("name", "failpoint"), CASES)
def test_a_kill_at_any_step_leaves_all_or_nothing(tmp_path: Path, name: str, failpoint: str | None):
    program, after = PROGRAMS[name]
    store = open_store(tmp_path)
    for path, data in BEFORE.items():
        store.write(path, data)
    store.service.close()

    status = run(tmp_path, program, failpoint)
    assert status == (0 if failpoint is None else -signal.SIGKILL)

    store = open_store(tmp_path)
    committed = failpoint is None or failpoint in ("change:committed", "discard:first")
    assert files_of(store) == (after if committed else BEFORE)
    assert store.service.is_committed("job") == (committed and name == "publish")
    check_objects(store)
    assert list(store.service.temporary.iterdir()) == []
    store.write("/d/a", b"again")
    store.append("/d/a", b"!", 5)
    assert store.read("/d/a") == b"again!"
    store.service.close()


def check_objects(store: Store) -> None:
    """There is one file for each that is listed, with its bytes and no others."""
    assert store.objects_on_disk() == store.listed_objects()
    with store.service.database.read() as connection:
        lengths = {name: length for _, name, length in committed_lengths(connection)}
    for path in store.objects_on_disk():
        assert path.stat().st_size == lengths[path.name]
