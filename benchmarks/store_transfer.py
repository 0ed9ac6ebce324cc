"""Uploads and downloads of a Data Lake Store, against the vendor's own uploader and downloader."""

from __future__ import annotations

import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.report import Row, Section, show
from benchmarks.transfer import emulator, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.datalake.store.core import AzureDLFileSystem

    from demo.emulator_process import EmulatorProcess

GIGABYTE = 10**9
FILES = 2000
FILE_BYTES = 4096
ROUNDS = 6
TARGET = 1.5
MEMORY_FACTOR = 4
MEMORY_TARGET = 1.2
PROBE = """
import json, pathlib, re, sys
from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook
direction, source, target = sys.argv[1:]
getattr(DataLakeStoreHook(), direction)(source, target)
# Not getrusage: its figure has the peak of the process that started this one in it.
status = pathlib.Path("/proc/self/status").read_text()
print(json.dumps(int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024))
"""


class _Token(NamedTuple):
    token: str
    expires_on: int


class _StaticToken:
    """A credential as the vendor's client takes it, for one token."""

    def get_token(self, *scopes: str, **options: object) -> _Token:
        return _Token("emulator-token", int(time.time()) + 3600)


def peer_client(server: EmulatorProcess) -> AzureDLFileSystem:
    """
    Open the vendor's client on an emulator.

    :param server: the emulator
    :return: the client, as it comes but for its address
    """
    from azure.datalake.store.core import AzureDLFileSystem

    client = AzureDLFileSystem(token_credential=_StaticToken(), store_name="emulator")
    client.azure.url = f"{server.url}/adls/emulator/"
    return client


def write_file(path: Path, size: int) -> None:
    """
    Write a file of bytes that nothing can shorten.

    :param path: where to
    :param size: bytes
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for offset in range(0, size, 10**7):
            file.write(os.urandom(min(10**7, size - offset)))


def contestants(
    server: EmulatorProcess, directory: Path
) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """
    Make the pairs to measure: ours, and the vendor's with as many threads.

    :param server: the emulator
    :param directory: where the files are
    :return: callables by name
    """
    from azure.datalake.store.multithread import ADLDownloader, ADLUploader

    from airflow_provider_datalake.hooks.data_lake_store import DataLakeStoreHook

    hook, peer = DataLakeStoreHook(), peer_client(server)
    large, tree = directory / "large", directory / "tree"

    def peer_uploads(source: Path, target: str) -> None:
        ADLUploader(peer, target, str(source), nthreads=8, overwrite=True)

    def peer_downloads(source: str, target: Path) -> None:
        ADLDownloader(peer, source, str(target), nthreads=8, overwrite=True)

    return {
        "one file of 1 GB, up": (
            lambda: hook.upload(large, "/ours/large"),
            lambda: peer_uploads(large, "peer/large"),
        ),
        "one file of 1 GB, down": (
            lambda: hook.download("/ours/large", directory / "ours.large"),
            lambda: peer_downloads("peer/large", directory / "peer.large"),
        ),
        f"{FILES:,} files of 4 KiB, up": (
            lambda: hook.upload(tree, "/ours/tree"),
            lambda: peer_uploads(tree, "peer/tree"),
        ),
        f"{FILES:,} files of 4 KiB, down": (
            lambda: hook.download("/ours/tree", directory / "ours.tree"),
            lambda: peer_downloads("peer/tree", directory / "peer.tree"),
        ),
    }


def measure(title: str, ours: Callable[[], object], theirs: Callable[[], object]) -> Row:
    """
    Measure a pair in turn, each beginning a round as often as the other.

    :param title: what is measured
    :param ours: our transfer
    :param theirs: the peer's
    :return: the line; its figure is that of the medians
    """
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS):
        for side in (turn % 2, 1 - turn % 2):
            # What the run before has left to be written is not this one's.
            os.sync()
            taken[side].append(timed((ours, theirs)[side])())
    mine, peers = (statistics.median(figures) for figures in taken)
    ratio = peers / mine
    return Row(
        title,
        f"{mine:.2f} s (fastest {min(taken[0]):.2f} s)",
        f"{peers:.2f} s (fastest {min(taken[1]):.2f} s)",
        f"{ratio:.1f}x as fast",
        f"{TARGET}x",
        ratio >= TARGET,
    )


def check(directory: Path) -> None:
    """
    Compare what came back with what went up.

    :param directory: where the files are
    :raises RuntimeError: when a transfer is not faithful
    """
    import filecmp

    for side in ("ours", "peer"):
        if not filecmp.cmp(directory / "large", directory / f"{side}.large", shallow=False):
            raise RuntimeError(f"the large file of {side} came back changed")
        names = [
            path.relative_to(directory / "tree").as_posix() for path in (directory / "tree").rglob("*.bin")
        ]
        _, different, missing = filecmp.cmpfiles(
            directory / "tree", directory / f"{side}.tree", names, shallow=False
        )
        if different or missing:
            raise RuntimeError(f"{len(different) + len(missing)} files of {side} came back changed")


def peak(direction: str, source: str, target: str) -> float:
    """
    Run one transfer in a process of its own.

    :param direction: ``upload`` or ``download``
    :param source: from where
    :param target: to where
    :return: peak resident memory in megabytes
    """
    output = subprocess.run(
        [sys.executable, "-c", PROBE, direction, source, target], check=True, capture_output=True, text=True
    ).stdout
    return float(json.loads(output.strip().splitlines()[-1]) / 1e6)


def memory_rows(directory: Path) -> list[Row]:
    """
    Measure whether the memory grows with the file.

    :param directory: where the files are; the large one is there
    :return: a line for each direction
    """
    small = directory / "small"
    write_file(small, GIGABYTE // MEMORY_FACTOR)
    figures: dict[tuple[str, str], float] = {}
    for name in ("small", "large"):
        figures["upload", name] = peak("upload", str(directory / name), f"/memory/{name}")
        figures["download", name] = peak("download", f"/memory/{name}", str(directory / f"memory.{name}"))
    rows = []
    for direction in ("upload", "download"):
        ratio = figures[direction, "large"] / figures[direction, "small"]
        rows.append(
            Row(
                f"peak memory of the {direction}",
                f"{figures[direction, 'large']:.0f} MB at 1 GB",
                f"{figures[direction, 'small']:.0f} MB at 250 MB",
                f"{ratio:.2f}x",
                f"{MEMORY_TARGET}x",
                ratio <= MEMORY_TARGET,
            )
        )
    return rows


def run() -> Section:
    """Measure both directions, for one large file and for many small ones."""
    rows: list[Row] = []
    # The peer writes a line for each file, which we do not.
    logging.getLogger("azure.datalake.store").setLevel(logging.WARNING)
    with emulator() as server, tempfile.TemporaryDirectory(prefix="datalake-bench-") as name:
        directory = Path(name)
        write_file(directory / "large", GIGABYTE)
        for number in range(FILES):
            write_file(directory / "tree" / f"{number % 20:02}" / f"{number:04}.bin", FILE_BYTES)
        for title, pair in contestants(server, directory).items():
            rows.append(measure(title, *pair))
        check(directory)
        rows += memory_rows(directory)
    note = (
        "Peer: `ADLUploader` and `ADLDownloader` of azure-datalake-store, unmodified, with 8 threads as ours "
        "and without its log; one emulator serves both, on the same cores. Medians of "
        f"{ROUNDS} runs each, in turn, the disk idle before each. The bytes that came back were compared. "
        "Our downloads are on disk at the end, the peer's are not. For the memory, the peer is the smaller "
        "file."
    )
    return Section("Transfers of a Data Lake Store", rows, [note])


if __name__ == "__main__":
    show(run())
