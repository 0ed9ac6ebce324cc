"""ML Studio's own client, unmodified and with the pandas of its time, finds in the emulator what it expects."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from airflow_provider_datalake.emulator.ml_studio.examples import example_datasets
from demo import azureml_environment

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.conftest import Emulator

SCRIPT = Path(__file__).with_name("manage_datasets.py")
TOKEN = {"x-ms-metaanalytics-authorizationtoken": "emulator-token"}


def run(address: str, token: str, seed: str, home: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run the article's script; the client would read settings from the home directory."""
    done = subprocess.run(
        [str(azureml_environment.python()), str(SCRIPT), address, "emulator", token, seed],
        capture_output=True,
        text=True,
        env={**environment, "HOME": str(home)},
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def load_experiment(emulator: Emulator, seed: str) -> None:
    """Load what the script expects of an experiment."""
    base = f"{emulator.address}/studio/api/workspaces/emulator/experiments/emulator.f-id.{seed}"
    answer = requests.put(base, json={"Description": "census"}, headers=TOKEN, timeout=30)
    answer.raise_for_status()
    answer = requests.put(
        f"{base}/outputdata/node-1/Results dataset",
        data="a, b\n1, ü\n".encode(),
        params={"dataTypeId": "GenericCSV"},
        headers=TOKEN,
        timeout=30,
    )
    answer.raise_for_status()


@pytest.fixture(scope="module")
def seed() -> str:
    return uuid.uuid4().hex


@pytest.fixture(scope="module")
def seen(emulator: Emulator, seed: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script has seen."""
    load_experiment(emulator, seed)
    home = tmp_path_factory.mktemp("home")
    return run(f"{emulator.address}/studio/", "emulator-token", seed, home, dict(os.environ))


def test_frames_come_back_equal_in_every_tabular_format(seen: dict[str, Any]):
    assert seen["frames"] == dict.fromkeys(
        ("GenericCSV", "GenericTSV", "GenericCSVNoHeader", "GenericTSVNoHeader"), True
    )
    assert seen["csv"] == (
        "name,count,share\nAnn,1,0.5\n"
        '"Bob, Jr.",-2,1.25\n"a ""quoted""",3,-3.0\nZoë 日本,4,1e-09\n"two\nlines",5,2.0\n'
    )


def test_plain_text_and_arff_come_back_as_they_are(seen: dict[str, Any]):
    assert seen["lines"] == "one\nzwei ü\nthree\n"
    assert seen["arff"] == "@RELATION r\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n"
    assert seen["arff can be a frame"] is False


def test_contents_of_many_blocks_and_of_none_come_back_as_they_are(seen: dict[str, Any]):
    assert seen["large"] == [5_120_003, True]
    assert seen["empty"] == [0, ""]
    assert seen["open"] is True


def test_a_dataset_has_the_metadata_that_the_client_reads(seen: dict[str, Any]):
    found = seen["metadata"]
    assert found.pop("id").startswith("emulator.")
    assert found.pop("family_id").startswith("emulator.")
    assert found.pop("year") >= 2026
    assert found.pop("size") == found.pop("location_size") == len(seen["csv"].encode())
    assert found == {
        "name": True,
        "description": "as GenericCSV",
        "data_type_id": "GenericCSV",
        "owner": "Python SDK",
        "source_origin": "FromResourceUpload",
        "is_latest": True,
        "is_deprecated": False,
        "is_example": False,
        "file_type": "GenericCSV",
    }


def test_all_own_and_example_datasets_can_be_listed(seen: dict[str, Any]):
    made = ["GenericCSV", "GenericTSV", "GenericCSVNoHeader", "GenericTSVNoHeader"]
    made += ["lines", "arff", "large", "empty"]
    assert seen["all"] == made
    assert seen["mine"] == made
    assert seen["examples"] == [one.name for one in example_datasets()]
    assert seen["index"] is True
    assert seen["count"] is True


def test_examples_can_be_read_and_not_changed(seen: dict[str, Any]):
    assert seen["planets"][:3] == ["Mercury", "Venus", "Earth"]
    assert seen["examples can be changed"] is False


def test_names_differ_by_case(seen: dict[str, Any]):
    assert seen["other case"] == ["IndexError", None]
    assert seen["both cases"] == ["arff", "ARFF"]


def test_a_name_in_use_is_a_conflict(seen: dict[str, Any]):
    assert seen["conflict"] == ["AzureMLConflictHttpError", 409]
    assert seen["rename onto another"] == ["AzureMLConflictHttpError", 409]
    assert seen["after the conflict"] == seen["raw update"] == "name\nraw\n"


def test_an_update_keeps_what_it_is_not_told_to_change(seen: dict[str, Any]):
    assert seen["updates"] == [
        ["GenericCSV", "GenericCSV", "as GenericCSV", True, True],
        ["GenericTSV", "GenericCSV", "as GenericCSV", True, True],
        ["GenericTSV", "GenericCSV", "data up to feb 2015", True, True],
        ["GenericTSV", "existing dataset v2", "renamed", True, True],
    ]
    assert seen["new id"] is True


def test_after_a_rename_only_the_new_name_is_known(seen: dict[str, Any]):
    assert seen["renamed"] == ["GenericTSV", "existing dataset v2", "renamed"]
    assert seen["old name"] == ["IndexError", None]


def test_what_a_node_has_given_can_be_read(seen: dict[str, Any]):
    assert seen["experiment"] == ["census", "Finished", False]
    assert seen["experiment year"] >= 2026
    assert seen["intermediate"] == ["a, b\n1, ü\n", "a, b\n1, ü\n", {"a": [1], "b": ["ü"]}]
    assert seen["intermediate open"] == "a, b\n1, ü\n"


def test_a_wrong_token_is_refused(seen: dict[str, Any]):
    assert seen["wrong token"] == ["AzureMLUnauthorizedError", 401]
    assert seen["other workspace"] == ["AzureMLUnauthorizedError", 401]


def test_the_secondary_token_serves_as_well_with_the_real_host_name(
    own_emulator: Callable[..., Emulator], tmp_path: Path
):
    emulator = own_emulator("data", "--tls-proxy", "0")
    assert emulator.process is not None
    assert emulator.process.stdout is not None
    port = emulator.process.stdout.readline().strip().rpartition(":")[2]
    seed = uuid.uuid4().hex
    load_experiment(emulator, seed)
    proxied = {
        **{name: value for name, value in os.environ.items() if name.lower() != "no_proxy"},
        "HTTPS_PROXY": f"http://127.0.0.1:{port}",
        "REQUESTS_CA_BUNDLE": str(next((emulator.data_dir / "tls").glob("*ca*.pem"))),
    }

    seen = run("https://studio.azureml.net", "emulator-second-token", seed, tmp_path, proxied)

    assert seen["updates"][-1] == ["GenericTSV", "existing dataset v2", "renamed", True, True]
    assert seen["large"] == [5_120_003, True]
