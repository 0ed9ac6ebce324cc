"""Every operator and sensor is shown: in an example DAG, and in a how-to page that includes its code."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest
from airflow.sdk import BaseOperator

import airflow_provider_datalake
from airflow_provider_datalake.get_provider_info import get_provider_info

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "example_dags" / "howto"
PAGES = sorted((ROOT / "docs").rglob("*.md"))
NAME = airflow_provider_datalake.__name__
BASES = {
    "AccountOperator",
    "DataLakeStoreOperator",
    "DeferrableSensor",
    "MLStudioOperator",
    "MLStudioReceivingOperator",
    "MLStudioSendingOperator",
    "MaxComputeJobOperator",
    "MaxComputeSensor",
    "RemoteJobOperator",
    "ResourceManagerOperator",
    "TransferOperator",
}
"""What only other operators are made of."""


def operators() -> list[str]:
    """Names of all classes of tasks that the package defines."""
    found = set()
    for room in ("operators", "sensors", "transfers"):
        package = importlib.import_module(f"{NAME}.{room}")
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            module = importlib.import_module(info.name)
            found |= {
                name
                for name, kind in inspect.getmembers(module, inspect.isclass)
                if issubclass(kind, BaseOperator) and kind.__module__.startswith(NAME)
            }
    return sorted(found)


def blocks(source: str) -> dict[str, str]:
    """The parts of an example between its markers, by name."""
    found = re.findall(r"# \[START (\w+)\]\n(.*?)# \[END \1\]", source, re.DOTALL)
    return dict(found)


def shown_code(page: Path) -> dict[str, str]:
    """The code that a page includes, by marker."""
    code = {}
    for path, options in re.findall(r"```\{literalinclude\} (\S+)\n(.*?)```", page.read_text(), re.DOTALL):
        markers = re.findall(r':(?:start-after|end-before): "\[(?:START|END) (\w+)\]"', options)
        assert len(markers) == 2, f"{page.name}: {path} is included without markers"
        assert markers[0] == markers[1], f"{page.name}: {markers}"
        code[markers[0]] = blocks((page.parent / path).read_text())[markers[0]]
    return code


SHOWN = {page.relative_to(ROOT).as_posix(): shown_code(page) for page in PAGES}
OPERATORS = [name for name in operators() if name not in BASES]


def test_bases_are_classes_of_the_package() -> None:
    assert set(operators()) >= BASES


@pytest.mark.parametrize("name", OPERATORS)
def test_operator_has_a_how_to_with_its_code(name: str) -> None:
    pages = [
        page
        for page, code in SHOWN.items()
        if page.startswith(("docs/howto/", "docs/ml-studio"))
        and any(f"{name}(" in block or f"{name}.partial(" in block for block in code.values())
        and f"`{name}`" in (ROOT / page).read_text()
    ]
    assert pages, f"no page below docs/howto names {name} and includes an example of it"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_every_marked_part_of_an_example_is_shown(path: Path) -> None:
    shown = {marker for code in SHOWN.values() for marker in code}
    assert set(blocks(path.read_text())) <= shown


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_example_runs_on_demand_only_and_is_tried_again(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id != "dag":
            continue
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        assert given["schedule"] == "None"
        assert given["default_args"] == "{'retries': 2}"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_parts_of_an_example_fit_on_a_screen(path: Path) -> None:
    lines = {name: len(block.splitlines()) for name, block in blocks(path.read_text()).items()}
    assert lines
    assert max(lines.values()) <= 40, lines


def test_every_example_dag_is_run_by_the_system_tests() -> None:
    from tests.system.test_examples import DAG_IDS

    defined = {
        node.name
        for path in EXAMPLES.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
        and any("dag(" in ast.unparse(decorator) for decorator in node.decorator_list)
    }
    assert set(DAG_IDS) == defined


def connection_fields() -> list[tuple[str, str]]:
    """Connection type and field, of all forms."""
    types = get_provider_info()["connection-types"]
    assert isinstance(types, list)
    return [(one["connection-type"], field) for one in types for field in one["conn-fields"]]


SECTIONS = {
    "odps": "## MaxCompute",
    "adla": "## Azure data lake",
    "adls_gen1": "## Azure data lake",
    "azureml_studio": "## ML Studio",
}


def section(conn_type: str) -> str:
    """What the page on connections says of a type."""
    page = (ROOT / "docs" / "connections.md").read_text()
    return page.partition(f"\n{SECTIONS[conn_type]}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("conn_type", "field"), connection_fields())
def test_connection_field_is_documented(conn_type: str, field: str) -> None:
    assert f"`extra.{field}`" in section(conn_type)


@pytest.mark.parametrize("conn_type", SECTIONS)
def test_no_documented_connection_field_is_unknown(conn_type: str) -> None:
    known = {field for one, field in connection_fields() if one == conn_type}
    assert set(re.findall(r"^\|.*?`extra\.(\w+)`.*\|", section(conn_type), re.MULTILINE)) <= known


@pytest.mark.parametrize("name", OPERATORS)
def test_arguments_of_the_operator_are_listed(name: str) -> None:
    assert f".. autoclass:: {name}\n" in (ROOT / "docs" / "reference.md").read_text()
