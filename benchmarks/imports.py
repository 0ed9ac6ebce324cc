"""What a DAG file pays for importing our modules, on top of ``airflow.sdk``."""

from __future__ import annotations

import json
import pkgutil
import statistics
import subprocess
import sys

from benchmarks.report import Row, Section

PEER = "airflow.providers.alibaba.cloud.operators.maxcompute"
ROOMS = ("operators", "sensors", "triggers", "hooks", "transfers", "links")
PROBE = """
import json, sys, time
def resident():
    with open('/proc/self/statm') as statm:
        return int(statm.read().split()[1]) * 4096
import airflow.sdk, airflow.triggers.base
from airflow.sdk import BaseOperator, BaseHook
from airflow.sdk.bases.sensor import BaseSensorOperator
before, start = resident(), time.perf_counter()
__import__(sys.argv[1])
print(json.dumps([time.perf_counter() - start, resident() - before]))
"""
ROUNDS = 7
LIMIT_SECONDS = 0.03
LIMIT_MEGABYTES = 5


def modules() -> list[str]:
    """List every module that a DAG file may import from us."""
    found = []
    for room in ROOMS:
        package = __import__(f"airflow_provider_datalake.{room}", fromlist=["__path__"])
        found += [f"{package.__name__}.{info.name}" for info in pkgutil.iter_modules(package.__path__)]
    return found


def measure(module: str) -> tuple[float, float]:
    """
    Import a module in a fresh interpreter that has ``airflow.sdk`` loaded.

    :param module: dotted path
    :return: seconds, megabytes of resident memory
    """
    output = subprocess.run(
        [sys.executable, "-c", PROBE, module], check=True, capture_output=True, text=True
    ).stdout
    seconds, size = json.loads(output.strip().splitlines()[-1])
    return seconds, size / 1e6


def run() -> Section:
    """Measure each module and the peer in interleaved rounds."""
    names = [*modules(), PEER]
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            samples[name].append(measure(name))
    middle = {
        name: (statistics.median(s for s, _ in taken), statistics.median(m for _, m in taken))
        for name, taken in samples.items()
    }
    peer_seconds, peer_megabytes = middle.pop(PEER)
    rows = [
        Row(
            name=f"`{name.removeprefix('airflow_provider_datalake.')}`",
            ours=f"{seconds:.3f} s, {megabytes:.1f} MB",
            peer=f"{peer_seconds:.3f} s, {peer_megabytes:.0f} MB",
            ratio=f"{seconds / peer_seconds:.3f}x",
            target=f"{LIMIT_SECONDS} s, {LIMIT_MEGABYTES} MB",
            met=seconds <= LIMIT_SECONDS and megabytes <= LIMIT_MEGABYTES,
        )
        for name, (seconds, megabytes) in middle.items()
    ]
    note = f"Fresh interpreter each, {ROUNDS} interleaved rounds, medians; peer: `{PEER}`."
    return Section("Import on top of airflow.sdk", rows, [note])
