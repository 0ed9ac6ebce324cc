"""An emulator that is killed at any step of an upload leaves the dataset as it was, or as it will be."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from airflow_provider_datalake.emulator.ml_studio.errors import StudioError
from airflow_provider_datalake.emulator.ml_studio.models import NewDataset
from tests.integration.test_ml_studio_emulator_wire import Wire, url_of
from tests.unit.emulator.ml_studio.studios import WORKSPACE, open_studio

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.conftest import Emulator

# Kills the process before or after the n-th call of something on the way.
PROGRAM = """
import importlib, os, pathlib, signal, sys
from tests.unit.emulator.ml_studio.studios import WORKSPACE, open_studio
from airflow_provider_datalake.emulator.ml_studio.models import NewDataset

data_dir, where, when, family, *blocks = sys.argv[1:]
studio = open_studio(pathlib.Path(data_dir))
package, _, names = where.partition(":")
cls, _, name = names.rpartition(".")
holder = importlib.import_module(package)
holder = getattr(holder, cls) if cls else holder
original = getattr(holder, name)

def killing(*arguments, **options):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(holder, name, killing)
upload_id = studio.upload(*(block.encode() for block in blocks))
print(upload_id, flush=True)
studio.service.publishing.create(WORKSPACE, upload_id, NewDataset("d", "GenericCSV", family=family))
"""
MODULE = "airflow_provider_datalake.emulator.ml_studio"
# What is called while a dataset is made, and whether it is made when the process dies there.
CASES = [
    (f"{MODULE}.uploads:Uploads._assembled", "before", False),
    (f"{MODULE}.uploads:Uploads._assembled", "after", False),
    (f"{MODULE}.publishing:Publishing._new_version", "after", False),
    ("os:link", "before", False),
    ("os:link", "after", False),
    (f"{MODULE}.publishing:._sync_folder", "after", False),
    (f"{MODULE}.records:Records.add", "after", False),
    (f"{MODULE}.uploads:Uploads._forget", "before", True),
    ("shutil:.rmtree", "after", True),
]


@pytest.mark.parametrize(
    ("where", "when", "is_made"), CASES, ids=[f"{when} {where}" for where, when, _ in CASES]
)
def test_a_kill_at_any_step_leaves_the_old_version_or_the_new_one(
    tmp_path: Path, where: str, when: str, is_made: bool
):
    studio = open_studio(tmp_path)
    first = studio.create("d", b"old")
    studio.service.close()

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path), where, when, first.family, "one,", "two,", "three"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    upload_id = done.stdout.strip()

    studio = open_studio(tmp_path)
    assert studio.contents() == {"d": b"one,two,three" if is_made else b"old"}
    known = {one.id for one in studio.service.versions(WORKSPACE, first.family)}
    assert studio.files() == known
    assert (studio.pending() == []) is is_made
    # The client that got no answer asks again: it is told what has happened, or succeeds.
    again = NewDataset("d", "GenericCSV", family=first.family)
    status = 200
    try:
        studio.service.publishing.create(WORKSPACE, upload_id, again)
    except StudioError as error:
        status = error.status
    assert status == (409 if is_made else 200)
    assert studio.contents() == {"d": b"one,two,three"}
    assert studio.pending() == []
    studio.service.close()


class Client(threading.Thread):
    """
    Uploads one dataset after the other, and repeats what gets no answer.

    :param emulator: where to, whatever its address is at the moment
    :param seed: for the contents
    """

    def __init__(self, emulator: Emulator, seed: int) -> None:
        super().__init__(daemon=True)
        self.emulator = emulator
        self.done: dict[str, str] = {}
        """Hashes of the contents of what was acknowledged, by name."""
        self.pending = ""
        self.over = threading.Event()
        self.failure: BaseException | None = None
        self._random = random.Random(seed)

    def run(self) -> None:
        try:
            while not self.over.is_set():
                self._upload(f"dataset {len(self.done)}")
        except BaseException as error:
            self.failure = error

    def _upload(self, name: str) -> None:
        blocks = [self._random.randbytes(400_000) for _ in range(self._random.randint(1, 8))]
        self.pending = name
        digest = hashlib.sha256(b"".join(blocks)).hexdigest()
        while not self.over.is_set():
            upload_id = self._answer(lambda wire: wire.begin())
            if upload_id is None or not self._send(upload_id, blocks):
                continue
            answer = self._answer(lambda wire, made_of=upload_id: wire.create(made_of, name))
            if answer is None:
                return
            assert answer.status_code == 200 or "has become dataset" in answer.text, answer.text
            self.done[name] = digest
            return

    def _send(self, upload_id: str, blocks: list[bytes]) -> bool:
        for number, block in enumerate(blocks):
            answer = self._answer(lambda wire, n=number, b=block: wire.block(upload_id, n, len(blocks), b))
            if answer is None:
                return False
            assert answer.status_code == 200, answer.text
        return True

    def _answer(self, ask):
        while not self.over.is_set():
            try:
                return ask(Wire(self.emulator.address))
            except requests.ConnectionError:
                self.over.wait(0.05)
        return None


def test_kills_while_datasets_are_made_lose_nothing_and_make_nothing_twice(
    own_emulator: Callable[..., Emulator], wait_until: Callable[..., None]
):
    emulator = own_emulator()
    client = Client(emulator, seed=11)
    client.start()
    chance = random.Random(12)
    for _ in range(6):
        before = len(client.done)
        wait_until(lambda before=before: len(client.done) > before or client.failure is not None)
        # No event tells where in the next upload the client is: any moment will do.
        time.sleep(chance.uniform(0, 0.15))
        emulator.kill()
        emulator.start()
    before = len(client.done)
    wait_until(lambda: len(client.done) > before or client.failure is not None)
    client.over.set()
    client.join(60)
    assert client.failure is None
    emulator.kill()
    emulator.start()

    wire = Wire(emulator.address)
    listed = [
        one for one in wire("GET", "workspaces/{w}/datasources").json() if one["Name"].startswith("dataset ")
    ]
    found = {
        one["Name"]: hashlib.sha256(requests.get(url_of(one), timeout=60).content).hexdigest()
        for one in listed
    }
    assert len(found) == len(listed)
    # What was under way at the end may have been made as well; its answer was not awaited.
    if client.pending not in client.done:
        found.pop(client.pending, None)
    assert found == client.done
    contents = emulator.data_dir / "ml_studio" / "contents"
    assert {path.name for path in contents.iterdir()} == {one["Id"] for one in listed}


def test_an_upload_goes_on_after_a_restart(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator()
    blocks = [os.urandom(100_000) for _ in range(4)]
    upload_id = Wire(emulator.address).begin()
    for number in (3, 0):
        Wire(emulator.address).block(upload_id, number, 4, blocks[number]).raise_for_status()
    emulator.kill()
    emulator.start()
    wire = Wire(emulator.address)
    assert "are missing: 1, 2" in wire.create(upload_id, "d").text
    for number in (2, 1):
        wire.block(upload_id, number, 4, blocks[number]).raise_for_status()
    made = wire.get(wire.create(upload_id, "d").json())
    assert requests.get(url_of(made), timeout=60).content == b"".join(blocks)


def test_memory_does_not_grow_with_the_contents(own_emulator: Callable[..., Emulator]):
    emulator = own_emulator()
    wire = Wire(emulator.address)
    # What the server loads for other services is none of this.
    emulator.client().execute_sql("SELECT 1")
    size = 2 * 1024 * 1024
    wire.make("small", bytes(10 * size))
    assert emulator.process is not None
    before = peak(emulator.process.pid)
    upload_id = wire.begin()
    for number in range(100):
        wire.block(upload_id, number, 100, bytes(size)).raise_for_status()
    made = wire.get(wire.create(upload_id, "large").json())
    with requests.get(url_of(made), stream=True, timeout=60) as answer:
        assert sum(map(len, answer.iter_content(1024 * 1024))) == 100 * size
    whole = wire.make("at once", bytes(100 * size))
    assert whole["Size"] == 100 * size
    assert peak(emulator.process.pid) - before < 40 * 1024


def peak(pid: int) -> int:
    """Give the most memory that a process has had, in KiB."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
