"""A pipeline in a network where every fifth request fails, beside the same one in a network where none does."""

from __future__ import annotations

import hashlib
import json
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.life_cycle import UsqlSide

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import AddDag

FAULTS = ("0.2@adls", "0.2@adla")
DAG_ID = "fault_run"
MONTHS = 96
ROWS_PER_MONTH = 2_000
PIPELINE = '''
    from datetime import timedelta

    from airflow.sdk import Param, chain, dag

    from airflow_provider_datalake.operators.data_lake_analytics import DataLakeAnalyticsJobOperator
    from airflow_provider_datalake.operators.data_lake_store import (
        DataLakeStoreDownloadOperator, DataLakeStoreUploadOperator,
    )
    from airflow_provider_datalake.sensors.data_lake_store import DataLakeStorePathSensor

    SCRIPT = """
        @sales = EXTRACT id int, shop string, amount double, date DateTime
                 FROM "/raw/{date:yyyy}-{date:MM}.csv" USING Extractors.Csv();
        @shops = SELECT date.ToString("yyyy-MM") AS month, shop, COUNT(*) AS sales, MAX(amount) AS highest
                 FROM @sales GROUP BY date.ToString("yyyy-MM"), shop;
        OUTPUT @sales TO "/clean/sales.csv" ORDER BY id USING Outputters.Csv();
        OUTPUT @shops TO "/clean/shops.csv" ORDER BY month, shop USING Outputters.Csv();
    """

    @dag(
        dag_id="DAG_ID",
        schedule=None,
        params={"network": Param("good"), "target": Param("")},
        default_args={"retries": 3, "retry_delay": timedelta(seconds=1)},
    )
    def fault_run():
        store = {"adls_conn_id": "adls_{{ params.network }}"}
        upload = DataLakeStoreUploadOperator(task_id="upload", source="SOURCE", destination="/raw", **store)
        wait = DataLakeStorePathSensor(
            task_id="wait", path="/raw/*.csv", minimum_count=MONTHS, deferrable=True, poke_interval=1, timeout=120,
            **store,
        )
        job = DataLakeAnalyticsJobOperator(
            task_id="job", script=SCRIPT, adla_conn_id="adla_{{ params.network }}", deferrable=True,
            defer_after=0, poll_interval=1.0,
        )
        download = DataLakeStoreDownloadOperator(
            task_id="download", source="/clean", destination="{{ params.target }}", **store
        )
        chain(upload, wait, job, download)

    fault_run()
'''


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def connect(stack: AirflowStack, network: str, emulator: EmulatorProcess) -> None:
    for service, variable in (("adla", "ADLA_DEFAULT"), ("adls", "ADLS_GEN1_DEFAULT")):
        fields = json.loads(emulator.environment[f"AIRFLOW_CONN_{variable}"])
        kind, extra = fields.pop("conn_type"), json.dumps(fields.pop("extra"))
        stack.api.create_connection(f"{service}_{network}", kind, **fields, extra=extra)


@pytest.fixture(scope="module")
def networks(
    stack: AirflowStack,
    add_dag: AddDag,
    new_emulator: Callable[..., EmulatorProcess],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, tuple[EmulatorProcess, Path]]:
    """Both emulators after the pipeline, each with the folder that it was downloaded to."""
    source = tmp_path_factory.mktemp("months")
    for month in range(MONTHS):
        rows = (
            f"{month * ROWS_PER_MONTH + number},shop {number % 7},{number / 8}\n"
            for number in range(ROWS_PER_MONTH)
        )
        (source / f"{2012 + month // 12}-{month % 12 + 1:02}.csv").write_text("".join(rows))
    add_dag(PIPELINE.replace("DAG_ID", DAG_ID).replace("SOURCE", str(source)).replace("MONTHS", str(MONTHS)))
    arguments: dict[str, Any] = {
        "good": (),
        "bad": shlex.split(" ".join(f"--faults {rule}" for rule in FAULTS) + " --fault-seed 20131"),
    }
    made = {}
    for network, options in arguments.items():
        emulator = new_emulator(arguments=options)
        connect(stack, network, emulator)
        target = tmp_path_factory.mktemp(network)
        run_id = stack.api.trigger(DAG_ID, {"network": network, "target": str(target)})
        assert stack.api.wait_for_run(DAG_ID, run_id, timeout=400)["state"] == "success"
        made[network] = (emulator, target)
    return made


def test_a_fifth_of_the_requests_did_fail(networks: dict[str, tuple[EmulatorProcess, Path]]) -> None:
    bad, _ = networks["bad"]
    assert bad.log.read_text().count("Fault ") >= 10


def test_the_files_are_the_same(networks: dict[str, tuple[EmulatorProcess, Path]]) -> None:
    good, bad = (hashes(folder) for _, folder in (networks["good"], networks["bad"]))
    assert set(good) == {"sales.csv", "shops.csv"}
    assert bad == good


def test_one_job_has_run(networks: dict[str, tuple[EmulatorProcess, Path]]) -> None:
    bad, _ = networks["bad"]
    assert [job.result for job in UsqlSide(bad).client().list()] == ["Succeeded"]


def test_nothing_half_written_is_left(networks: dict[str, tuple[EmulatorProcess, Path]]) -> None:
    found, wanted = (
        {entry.name for folder in ("/raw", "/clean") for entry in emulator.store().children(folder)}
        for emulator, _ in (networks["bad"], networks["good"])
    )
    assert found == wanted
    assert len(found) == MONTHS + 2
