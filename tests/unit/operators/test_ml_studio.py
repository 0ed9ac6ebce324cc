"""The operators as Airflow sees them: arguments, templates, tries, errors."""

from __future__ import annotations

import copy
import inspect
from collections import defaultdict
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk import DAG, Asset
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_datalake.clients.ml_studio import Workspace
from airflow_provider_datalake.exceptions import ServiceError, TransferError
from airflow_provider_datalake.hooks.maxcompute import MaxComputeHook
from airflow_provider_datalake.hooks.ml_studio import MLStudioHook
from airflow_provider_datalake.operators.ml_studio import (
    MLStudioDownloadDatasetOperator,
    MLStudioIntermediateDatasetOperator,
    MLStudioUpdateDatasetOperator,
    MLStudioUploadDatasetOperator,
)
from tests.unit.clients.studio_fakes import BROKEN, CUT, FakeStudio, refusal
from tests.unit.jobs.fakes import FakeStore, FakeTaskInstance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*outside of the Task Runner.*")

OPERATORS: list[tuple[Any, dict[str, Any]]] = [
    (MLStudioUploadDatasetOperator, {"dataset": "d {{ ds }}", "source": "/tmp/{{ ds }}"}),
    (MLStudioUpdateDatasetOperator, {"dataset": "d {{ ds }}", "table": "t_{{ ds_nodash }}"}),
    (MLStudioDownloadDatasetOperator, {"dataset": "d {{ ds }}", "destination": "/tmp/{{ ds }}"}),
    (
        MLStudioIntermediateDatasetOperator,
        {"experiment_id": "e", "module_node_id": "n", "port_name": "p", "destination": "/tmp/{{ ds }}"},
    ),
]


@pytest.fixture
def studio(monkeypatch: pytest.MonkeyPatch) -> FakeStudio:
    """A workspace that all hooks reach."""
    fake = FakeStudio()
    monkeypatch.setattr(MLStudioHook, "get_client", lambda self: fake.workspace())
    return fake


@pytest.fixture
def context() -> Any:
    return {
        "task_state_store": FakeStore(),
        "ti": FakeTaskInstance(),
        "outlet_events": defaultdict(lambda: SimpleNamespace(extra={})),
    }


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,x\n2,y\n")
    return path


def upload(**kwargs: Any) -> MLStudioUploadDatasetOperator:
    return MLStudioUploadDatasetOperator(**{"task_id": "t", "dataset": "d", **kwargs})


def download(**kwargs: Any) -> MLStudioDownloadDatasetOperator:
    return MLStudioDownloadDatasetOperator(**{"task_id": "t", "dataset": "d", **kwargs})


each_operator = pytest.mark.parametrize(
    ("operator", "arguments"), OPERATORS, ids=[made.__name__ for made, _ in OPERATORS]
)


@each_operator
def test_template_fields_are_arguments_kept_as_given(operator: Any, arguments: dict[str, Any]) -> None:
    parameters = {name for kind in operator.__mro__ for name in inspect.signature(kind.__init__).parameters}
    made = operator(task_id="t", **{name: f"value of {name}" for name in operator.template_fields})
    for name in operator.template_fields:
        assert name in parameters
        assert getattr(made, name) == f"value of {name}"


@each_operator
def test_templates_are_rendered(operator: Any, arguments: dict[str, Any]) -> None:
    made = operator(task_id="t", azureml_studio_conn_id="c_{{ ds }}", **arguments)
    made.render_template_fields({"ds": "2013-01-02", "ds_nodash": "20130102"})
    assert made.azureml_studio_conn_id == "c_2013-01-02"
    for name, value in arguments.items():
        rendered = value.replace("{{ ds }}", "2013-01-02").replace("{{ ds_nodash }}", "20130102")
        assert getattr(made, name) == rendered


@each_operator
def test_operators_can_be_serialized_mapped_and_copied(operator: Any, arguments: dict[str, Any]) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    with DAG("d", schedule=None) as dag:
        made = operator(task_id="t", **arguments)
        operator.partial(task_id="mapped", **arguments).expand(azureml_studio_conn_id=["a", "b"])
    assert DagSerialization.to_dict(dag)
    assert copy.deepcopy(made).azureml_studio_conn_id == "azureml_studio_default"


@each_operator
def test_on_kill_before_execute_is_harmless(operator: Any, arguments: dict[str, Any]) -> None:
    operator(task_id="t", **arguments).on_kill()


@each_operator
def test_arguments_have_names(operator: Any, arguments: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        operator("t", *arguments.values())


def test_a_file_becomes_a_dataset(studio: FakeStudio, context: Any, csv: Path) -> None:
    result = upload(source=str(csv), description="words").execute(context)
    made = studio.datasets[0]
    assert result == {
        "dataset_id": made["Id"],
        "family_id": made["FamilyId"],
        "dataset": "d",
        "bytes": 12,
        "action": "created",
    }
    assert studio.contents[made["Id"]] == csv.read_bytes()


def test_the_link_of_both_directions_leads_to_the_dataset(
    studio: FakeStudio, context: Any, csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Workspace, "page", lambda self, dataset_id: f"http://pages/{dataset_id}")
    for operator in (upload(source=str(csv)), download(destination=str(tmp_path / "out.csv"))):
        (link,) = operator.operator_extra_links
        context["ti"].xcoms.clear()
        operator.execute(context)
        assert context["ti"].xcoms == {link.xcom_key: f"http://pages/{studio.datasets[0]['Id']}"}


def test_a_retry_gives_the_same_dataset(studio: FakeStudio, context: Any, csv: Path) -> None:
    first = upload(source=str(csv)).execute(context)
    assert upload(source=str(csv)).execute(context) == first
    assert len(studio.contents) == 1


def test_a_file_that_has_changed_is_another_request(studio: FakeStudio, context: Any, csv: Path) -> None:
    upload(source=str(csv), if_exists="update").execute(context)
    csv.write_bytes(b"a\n9\n")
    assert upload(source=str(csv), if_exists="update").execute(context)["action"] == "updated"
    assert studio.contents[studio.datasets[0]["Id"]] == b"a\n9\n"


def test_parquet_becomes_text(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.PARQUET"
    pq.write_table(pa.table({"a": [1, None], "b": ["x", "y,z"]}), path)
    result = upload(source=str(path), data_type_id="GenericTSV").execute(context)
    assert result["rows"] == 2
    assert studio.contents[result["dataset_id"]] == b"a\tb\n1\tx\n\ty,z\n"


class Rows:
    """What an unload of MaxCompute gives."""

    def __init__(self, table: pa.Table, count: int = -1) -> None:
        self.table, self.schema, self.count, self.rows = table, table.schema, count, 0

    def tables(self, rows: int, *, most_bytes: int) -> Iterator[pa.Table]:
        for start in range(0, self.table.num_rows, 2):
            piece = self.table.slice(start, 2)
            self.rows += piece.num_rows
            yield piece


def test_a_table_becomes_a_dataset(studio: FakeStudio, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def unload(self: MaxComputeHook, table: str, **arguments: Any) -> Rows:
        asked.update(arguments, table=table, project=self.project)
        return Rows(pa.table({"a": [1, 2, 3]}), 3)

    monkeypatch.setattr(MaxComputeHook, "unload", unload)
    result = upload(table="t", partition="ds=1", columns=["a"], project="p").execute(context)
    assert (asked["table"], asked["partition"], asked["columns"], asked["project"]) == (
        "t",
        "ds=1",
        ["a"],
        "p",
    )
    assert result["rows"] == 3
    assert studio.contents[result["dataset_id"]] == b"a\n1\n2\n3\n"


def test_rows_that_are_missing_make_no_dataset(
    studio: FakeStudio, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MaxComputeHook, "unload", lambda self, table, **_: Rows(pa.table({"a": [1]}), 2))
    with pytest.raises(TransferError, match="read 1 rows"):
        upload(table="t").execute(context)
    assert studio.datasets == []


def test_the_outlets_event_says_which_version_it_is_about(
    studio: FakeStudio, context: Any, csv: Path
) -> None:
    ours, other = Asset("azureml-studio://w/d"), Asset("azureml-studio://w/e")
    result = upload(source=str(csv), outlets=[ours, other]).execute(context)
    assert context["outlet_events"][ours].extra == result
    assert context["outlet_events"][other].extra == {}


def test_an_update_keeps_its_promise(studio: FakeStudio, context: Any, csv: Path) -> None:
    studio.add("d")
    operator = MLStudioUpdateDatasetOperator(
        task_id="t", dataset="d", source=str(csv), new_name="e", data_type_id="PlainText", description="new"
    )
    result = operator.execute(context)
    assert result["action"] == "updated"
    made = studio.datasets[0]
    assert (made["Name"], made["DataTypeId"], made["Description"]) == ("e", "PlainText", "new")
    assert operator.execute(context) == result


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "give exactly one of source, table and sql; found none"),
        ({"source": "x", "table": "t"}, "found source, table"),
        ({"source": "x", "columns": ["a"]}, "partition and columns go with table only"),
        ({"source": "/does/not/exist"}, "no such file"),
        ({"source": "/"}, "is a folder"),
        (
            {"source": "x", "if_exists": "replace"},
            "if_exists must be one of fail, update, skip; got 'replace'",
        ),
        ({"source": "CSV", "data_type_id": "csv"}, "data_type_id must be one of ARFF"),
        ({"source": "CSV", "dataset": ""}, "a dataset needs a name"),
        ({"source": "CSV", "threads": 0}, "threads must be"),
    ],
    ids=["nothing", "two", "columns", "missing", "folder", "if_exists", "format", "name", "threads"],
)
def test_arguments_that_cannot_work_fail_for_good(
    studio: FakeStudio, context: Any, csv: Path, arguments: dict[str, Any], words: str
) -> None:
    given = {name: str(csv) if value == "CSV" else value for name, value in arguments.items()}
    with pytest.raises(AirflowFailException, match=f"Connection 'azureml_studio_default': .*{words}"):
        upload(**given).execute(context)
    assert studio.datasets == []


def test_a_used_name_fails_for_good(studio: FakeStudio, context: Any, csv: Path) -> None:
    studio.add("d")
    with pytest.raises(AirflowFailException, match="there is a dataset 'd' already"):
        upload(source=str(csv)).execute(context)


def test_what_may_pass_is_left_to_a_retry(studio: FakeStudio, context: Any, csv: Path) -> None:
    studio.fates["list"] = [BROKEN]
    with pytest.raises(ServiceError):
        upload(source=str(csv)).execute(context)


def test_a_dataset_is_written_as_it_is(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    made = studio.add("d", b"\xef\xbb\xbfa\n1\n")
    result = download(destination=str(tmp_path / "new" / "f.csv")).execute(context)
    assert (tmp_path / "new" / "f.csv").read_bytes() == b"\xef\xbb\xbfa\n1\n"
    assert result["bytes"] == 7
    assert (result["dataset_id"], result["family_id"]) == (made["Id"], made["FamilyId"])
    assert result["uri"].endswith("/new/f.csv")


def test_a_dataset_is_written_as_parquet(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    studio.add("d", b"a, b\n1, x\n2, y\n")
    result = download(destination=str(tmp_path / "f.parquet"), file_format="parquet").execute(context)
    assert result["rows"] == 2
    assert pq.read_table(tmp_path / "f.parquet").to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_a_download_that_fails_leaves_nothing(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    studio.add("d", b"0")
    studio.fates["blob"] = [CUT] * 9
    with pytest.raises(TransferError):
        download(destination=str(tmp_path / "f")).execute(context)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"dataset": "D"}, "there is no dataset 'D'"),
        ({"file_format": "csv"}, "file_format must be 'as_is' or 'parquet', got 'csv'"),
        ({"destination": ""}, "destination '' must name a file"),
        ({"destination": "/tmp/"}, "must name a file"),
        ({"destination": "/tmp"}, "must name a file"),
    ],
    ids=["name", "format", "nothing", "slash", "folder"],
)
def test_downloads_that_cannot_work_fail_for_good(
    studio: FakeStudio, context: Any, tmp_path: Path, arguments: dict[str, Any], words: str
) -> None:
    studio.add("d")
    with pytest.raises(AirflowFailException, match=words):
        download(**{"destination": str(tmp_path / "f"), **arguments}).execute(context)


def test_arff_cannot_become_parquet(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    studio.add("d", DataTypeId="ARFF")
    with pytest.raises(AirflowFailException, match="ARFF"):
        download(destination=str(tmp_path / "f"), file_format="parquet").execute(context)
    assert studio.ops() == ["list"]


def test_what_a_module_has_given_is_written(studio: FakeStudio, context: Any, tmp_path: Path) -> None:
    studio.outputs[("e", "n", "Results dataset")] = pd.DataFrame({"a": [1]}).to_csv(index=False).encode()
    arguments = {"experiment_id": "e", "module_node_id": "n", "port_name": "Results dataset"}
    operator = MLStudioIntermediateDatasetOperator(
        task_id="t", destination=str(tmp_path / "f.parquet"), file_format="parquet", **arguments
    )
    result = operator.execute(context)
    assert (result["bytes"], result["rows"]) == (4, 1)
    assert pq.read_table(tmp_path / "f.parquet").to_pydict() == {"a": [1]}


def test_a_kill_ends_a_transfer(
    studio: FakeStudio, context: Any, csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = upload(source=str(csv))

    def killed(request: Any) -> Any:
        operator.on_kill()
        assert operator._stop is not None
        assert operator._stop.wait(10)
        return refusal(200, "")

    monkeypatch.setattr(studio, "_block", killed)
    with pytest.raises(TransferError, match="the transfer was stopped"):
        operator.execute(context)
    assert studio.datasets == []
