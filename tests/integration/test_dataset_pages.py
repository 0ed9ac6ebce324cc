"""The pages about datasets, as a browser without scripts gets them."""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import uuid
from typing import TYPE_CHECKING
from urllib.parse import quote

import pandas as pd
import pytest
import requests

from airflow_provider_datalake.clients.ml_studio import Dataset, Workspace
from demo import azureml_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.conftest import Emulator

HEADERS = {"x-ms-metaanalytics-authorizationtoken": "emulator-token"}
CSV = b"kind,<i>value</i>\na,1\nb,2\n<script>alert(1)</script>,4\n"


@pytest.fixture
def workspace(emulator: Emulator) -> Iterator[Workspace]:
    found = Workspace("emulator", "emulator-token", f"{emulator.address}/studio/")
    yield found
    found.close()


@pytest.fixture
def name() -> str:
    return f"<b>set</b> '{uuid.uuid4().hex[:8]}' & \"more\""


@pytest.fixture
def dataset(workspace: Workspace, name: str) -> Dataset:
    return workspace.create(name, CSV, data_type_id="GenericCSV", description="<u>words</u>")


def get(emulator: Emulator, *parts: str) -> requests.Response:
    return requests.get("/".join([emulator.address, "datasets", *(quote(part, safe="") for part in parts)]))


def show(emulator: Emulator, *parts: str) -> str:
    answer = get(emulator, *parts)
    assert answer.status_code == 200, answer.text
    return answer.text


def code_of(text: str) -> str:
    found = re.search(r'<pre class="copy">(.*?)</pre>', text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def test_my_datasets_and_the_samples_are_listed(emulator: Emulator, dataset: Dataset, name: str) -> None:
    text = show(emulator)
    mine, samples = text.split("<h2>Samples")
    assert f'href="/datasets/emulator/{dataset.id}">{html.escape(name).replace("&#x27;", "&#39;")}' in (
        mine.replace("&#34;", "&quot;")
    )
    assert 'href="/datasets/emulator/506153734175476c4f62416c57734963.' in samples
    assert 'href="/datasets" aria-current="page"' in text


def test_a_dataset_is_shown_with_rows_and_histograms(emulator: Emulator, dataset: Dataset) -> None:
    text = show(emulator, "emulator", dataset.id)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "&lt;u&gt;words&lt;/u&gt;" in text
    assert "<title>1: 1</title>" in text
    assert re.search(r"<dt>Mean</dt><dd>2\.33333</dd>", text)
    assert text.count('<svg class="histogram"') == 1


def test_nothing_of_a_dataset_is_taken_for_html(emulator: Emulator, dataset: Dataset) -> None:
    for text in (show(emulator), show(emulator, "emulator", dataset.id)):
        assert not re.search(r"<(script|b|i|u)>", text)


def run_code(text: str, folder: Path) -> pd.DataFrame:
    """Run a page's access code with the vendor's own library, in the environment that it needs."""
    program = f"{code_of(text)}\nimport sys\nframe.to_json(sys.stdout, orient='split')\n"
    done = subprocess.run(
        [str(azureml_environment.python()), "-c", program],
        # The library would read settings from the home folder.
        env={**os.environ, "HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return pd.read_json(io.StringIO(done.stdout), orient="split")


def test_the_access_code_reads_the_dataset(emulator: Emulator, dataset: Dataset, tmp_path: Path) -> None:
    frame = run_code(show(emulator, "emulator", dataset.id), tmp_path)
    pd.testing.assert_frame_equal(frame, pd.read_csv(io.BytesIO(CSV)))


def test_the_access_code_is_hidden_until_it_is_asked_for(emulator: Emulator, dataset: Dataset) -> None:
    text = show(emulator, "emulator", dataset.id)
    assert '<details class="code">' in text
    assert text.count("emulator-token") == 1


def test_the_versions_of_a_dataset_are_listed(emulator: Emulator, dataset: Dataset) -> None:
    newer = dataset.update(b"a\n1\n", name=f"renamed {uuid.uuid4().hex}")
    text = show(emulator, "emulator", newer.id)
    assert "2 of 2" in text
    assert f'href="/datasets/emulator/{dataset.id}"' in text
    older = show(emulator, "emulator", dataset.id)
    assert "an older version" in older
    assert "The client library reads the newest version only." in older
    assert "emulator-token" not in older


@pytest.mark.parametrize("sample", range(5))
def test_samples_of_all_formats_have_a_page(emulator: Emulator, workspace: Workspace, sample: int) -> None:
    found = workspace.example_datasets[sample]
    text = show(emulator, "emulator", found.id)
    assert found.name in text
    assert "cannot be read" not in text
    assert "Show the access code" in text


def test_an_output_of_an_experiment_has_its_access_code(emulator: Emulator, tmp_path: Path) -> None:
    experiment = f"emulator.f-id.{uuid.uuid4().hex}"
    address = f"{emulator.address}/studio/api/workspaces/emulator/experiments/{experiment}"
    requests.put(address, json={"Description": "<b>model</b>"}, headers=HEADERS).raise_for_status()
    requests.put(
        f"{address}/outputdata/node-1/Results dataset?dataTypeId=GenericCSV", data=CSV, headers=HEADERS
    ).raise_for_status()
    assert f'href="/datasets/emulator/experiments/{experiment}">&lt;b&gt;model&lt;/b&gt;' in show(emulator)
    text = show(emulator, "emulator", "experiments", experiment)
    pd.testing.assert_frame_equal(run_code(text, tmp_path), pd.read_csv(io.BytesIO(CSV)))
    assert '<svg class="histogram"' in text
    assert "<script>" not in text


@pytest.mark.parametrize(
    "parts",
    [("emulator", "emulator.0"), ("nowhere", "x.0"), ("emulator", "experiments", "nothing"), ("a", "b", "c")],
    ids="-".join,
)
def test_what_is_not_there_is_said(emulator: Emulator, parts: tuple[str, ...]) -> None:
    assert get(emulator, *parts).status_code == 404


def test_the_pages_ask_for_the_token_where_there_is_one(own_emulator: Callable[..., Emulator]) -> None:
    emulator = own_emulator("own", "--page-token", "secret-page")
    for parts in ((), ("emulator", "x"), ("emulator", "experiments", "x")):
        answer = get(emulator, *parts)
        assert "emulator-token" not in answer.text
        assert "token" in answer.text
        assert "My datasets" not in answer.text


def test_the_overview_leads_to_the_datasets(emulator: Emulator, dataset: Dataset) -> None:
    text = requests.get(emulator.address).text
    assert '<a href="/datasets">datasets</a>' in text
    assert f"{emulator.address}/studio/" in text
