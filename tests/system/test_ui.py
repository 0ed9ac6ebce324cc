"""What a person sees in a real browser. Every test leaves a screenshot in tests/system/screenshots."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from demo import browser
from demo.lakehouse_report import DATASET
from demo.playground import DAG_ID, LAKEHOUSE_DAG_ID, USQL_DAG_ID
from demo.processes import poll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

    from demo.emulator_process import EmulatorProcess
    from demo.stack import AirflowStack
    from tests.system.conftest import AddDag, FlightsRun

pytestmark = pytest.mark.browser

SCREENSHOTS = Path(__file__).parent / "screenshots"
SLOW_DAG = "ui_slow"
LINK = "MaxCompute Logview"
USQL_LINK = "Data Lake Analytics job"
DATASET_LINK = "ML Studio dataset"
# Minutes of counting; the job is cancelled when the tests have seen enough of it.
SLOW_SQL = (
    "SELECT COUNT(*) FROM flights a JOIN flights b ON a.origin = b.origin WHERE a.distance + b.distance > 100"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = browser.find()
    if path is None:
        pytest.skip(f"no Chromium here; to run the browser tests: {browser.HINT}")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1400, "height": 1000}, color_scheme="light")
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)  # it may be busy with the other tests
    yield context.new_page()
    context.close()


@pytest.fixture
def screenshot(page: Page, request: pytest.FixtureRequest) -> Iterator[None]:
    """Take the picture at the end of the test, also of a failed one: it shows why."""
    yield
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{request.node.name.removeprefix('test_')}.png", full_page=True)


def run_url(stack: AirflowStack, dag_id: str, run_id: str) -> str:
    return f"{stack.url}/dags/{dag_id}/runs/{quote(run_id, safe='')}"


def task_url(stack: AirflowStack, dag_id: str, run_id: str, task_id: str, tab: str = "") -> str:
    return f"{run_url(stack, dag_id, run_id)}/tasks/{quote(task_id, safe='')}{tab}"


@pytest.mark.usefixtures("screenshot")
def test_run_page_shows_the_whole_pipeline_green(
    page: Page, stack: AirflowStack, flights: FlightsRun
) -> None:
    page.goto(run_url(stack, DAG_ID, flights.run_id))
    for task in ("wait_for_months", "daily_delays", "check_table", "merge_files", "archive_oldest", "export"):
        expect(page.get_by_text(re.compile(rf"^{task}")).first).to_be_visible()
    expect(page.get_by_text("Success").first).to_be_visible()
    expect(page.get_by_text("Failed", exact=True)).to_have_count(0)


@pytest.mark.usefixtures("screenshot")
def test_graph_shows_the_steps(page: Page, stack: AirflowStack, flights: FlightsRun) -> None:
    page.goto(run_url(stack, DAG_ID, flights.run_id))
    page.get_by_label("Graph").first.click()
    expect(page.locator(".react-flow__node").filter(has_text="archive_oldest")).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_dag_page_explains_the_pipeline(page: Page, stack: AirflowStack, flights: FlightsRun) -> None:
    page.goto(f"{stack.url}/dags/{DAG_ID}")
    page.get_by_role("button", name=re.compile("Dag Docs", re.IGNORECASE)).first.click()
    expect(page.get_by_text("336,776 flights")).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_connection_form_has_our_fields(page: Page, stack: AirflowStack) -> None:
    page.goto(f"{stack.url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=connection_id]").fill("my_odps")
    types = dialog.get_by_role("combobox").first
    types.click()
    types.fill("MaxCompute (ODPS)")
    page.get_by_role("option", name="MaxCompute (ODPS)").wait_for()
    page.keyboard.press("Enter")
    for label in ("Endpoint", "Access key id", "Access key secret"):
        expect(dialog.get_by_text(label, exact=False).first).to_be_visible()
    dialog.get_by_text("Extra Fields").first.click()
    for label in ("Project", "Schema", "Tunnel endpoint", "Region", "Quota", "STS token", "Bearer token"):
        expect(dialog.get_by_text(re.compile(f"^{label}", re.IGNORECASE)).first).to_be_visible()


@pytest.mark.parametrize(
    ("kind", "fields", "extras"),
    [
        ("Azure Data Lake Analytics", ("Account", "Application id", "Secret"), ("Tenant", "Subscription")),
        ("Azure Data Lake Store (Gen1)", ("Store", "Application id", "Secret"), ("Tenant", "Subscription")),
        ("Azure ML Studio (classic)", ("Endpoint", "Workspace id", "token"), ("CA bundle",)),
    ],
    ids=["adla", "adls_gen1", "azureml_studio"],
)
@pytest.mark.usefixtures("screenshot")
def test_connection_forms_of_azure_have_our_fields(
    page: Page, stack: AirflowStack, kind: str, fields: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    page.goto(f"{stack.url}/connections")
    page.get_by_role("button", name="Add Connection").first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("input[name=connection_id]").fill("my_lake")
    types = dialog.get_by_role("combobox").first
    types.click()
    types.fill(kind)
    page.get_by_role("option", name=kind).wait_for()
    page.keyboard.press("Enter")
    for label in fields:
        expect(dialog.get_by_text(label, exact=False).first).to_be_visible()
    dialog.get_by_text("Extra Fields").first.click()
    for label in extras:
        expect(dialog.get_by_text(re.compile(f"^{label}", re.IGNORECASE)).first).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_the_link_of_a_u_sql_task_leads_to_its_job(
    page: Page, stack: AirflowStack, usql_flights: FlightsRun
) -> None:
    page.goto(task_url(stack, USQL_DAG_ID, usql_flights.run_id, "daily_delays", "/details"))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=USQL_LINK).click()
    job = opened.value
    expect(job.get_by_text("daily delays").first).to_be_visible()
    expect(job.get_by_text("Succeeded").first).to_be_visible()
    expect(job.get_by_role("img", name=re.compile("^The plan"))).to_be_visible()
    expect(job.get_by_text("USING Extractors.Csv").first).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    job.screenshot(path=SCREENSHOTS / "u_sql_job.png", full_page=True)


@pytest.fixture(scope="module")
def slow_run(stack: AirflowStack, flights: FlightsRun, add_dag: AddDag) -> Iterator[str]:
    """A run whose only task waits in the triggerer for a long query."""
    add_dag(f'''
        from airflow.sdk import dag
        from airflow_provider_datalake.operators.maxcompute import MaxComputeSQLOperator

        @dag(dag_id="{SLOW_DAG}", schedule=None)
        def slow_dag():
            MaxComputeSQLOperator(
                task_id="slow", sql="{SLOW_SQL}", deferrable=True, defer_after=0, poll_interval=1
            )

        slow_dag()
    ''')
    run_id = stack.api.trigger(SLOW_DAG)
    yield run_id
    stack.api.set_state(SLOW_DAG, run_id, "slow", "failed")
    stack.api.wait_for_run(SLOW_DAG, run_id)


@pytest.mark.usefixtures("screenshot")
def test_logview_link_is_there_while_the_task_is_deferred(
    page: Page, stack: AirflowStack, slow_run: str
) -> None:
    stack.api.wait_for_task(SLOW_DAG, slow_run, "slow", ["deferred"])
    page.goto(task_url(stack, SLOW_DAG, slow_run, "slow", "/details"))
    expect(page.get_by_role("link", name=LINK)).to_be_visible()
    assert stack.api.task_instance(SLOW_DAG, slow_run, "slow")["state"] == "deferred"


@pytest.mark.usefixtures("screenshot")
def test_logview_page_of_a_running_query_shows_its_progress(
    page: Page, stack: AirflowStack, slow_run: str
) -> None:
    page.goto(str(stack.api.links(SLOW_DAG, slow_run, "slow")[LINK]))
    expect(page.get_by_text("JOIN flights b").first).to_be_visible()
    expect(page.get_by_text("Running").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"\d+(\.\d+)?\s?%")).first).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_task_log_shows_progress(page: Page, stack: AirflowStack, slow_run: str) -> None:
    page.goto(task_url(stack, SLOW_DAG, slow_run, "slow"))
    deadline = time.monotonic() + 120
    while len(seen := set(re.findall(r"(\d+)%", page.locator("main, body").first.inner_text()))) < 2:
        poll(1, deadline, f"two different percentages in the log, there are {seen}")


@pytest.mark.usefixtures("screenshot")
def test_logview_link_of_a_finished_task_leads_to_its_page(
    page: Page, stack: AirflowStack, flights: FlightsRun
) -> None:
    page.goto(task_url(stack, DAG_ID, flights.run_id, "daily_delays", "/mapped/0/details"))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=LINK).click()
    logview = opened.value
    expect(logview.get_by_text("INSERT OVERWRITE TABLE daily_delays").first).to_be_visible()
    expect(logview.get_by_text("Success").first).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    logview.screenshot(path=SCREENSHOTS / "logview_page.png", full_page=True)


@pytest.mark.usefixtures("screenshot")
def test_emulator_start_page_lists_tables_and_jobs(
    page: Page, emulator: EmulatorProcess, flights: FlightsRun
) -> None:
    page.goto(f"{emulator.url}/")
    expect(page.get_by_text("demo").first).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_graph_of_the_lakehouse_shows_all_three_services(
    page: Page, stack: AirflowStack, lakehouse: FlightsRun
) -> None:
    page.goto(run_url(stack, LAKEHOUSE_DAG_ID, lakehouse.run_id))
    page.get_by_label("Graph").first.click()
    for task in ("clean", "carriers", "training_set"):
        expect(page.locator(".react-flow__node").filter(has_text=task).first).to_be_visible()


@pytest.mark.usefixtures("screenshot")
def test_the_link_of_an_upload_leads_to_its_dataset_with_rows_and_histograms(
    page: Page, stack: AirflowStack, lakehouse: FlightsRun
) -> None:
    page.goto(task_url(stack, LAKEHOUSE_DAG_ID, lakehouse.run_id, "training_set", "/details"))
    with page.context.expect_page() as opened:
        page.get_by_role("link", name=DATASET_LINK).click()
    dataset = opened.value
    expect(dataset.get_by_role("heading", name=DATASET)).to_be_visible()
    expect(dataset.get_by_text("flight_month").first).to_be_visible()
    expect(dataset.get_by_role("img", name="Histogram of distance")).to_be_visible()
    dataset.get_by_text("Show the access code").click()
    expect(dataset.get_by_text("from azureml import Workspace")).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    dataset.screenshot(path=SCREENSHOTS / "ml_studio_dataset.png", full_page=True)
