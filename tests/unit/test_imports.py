"""What importing our modules loads, and which way imports may run."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_datalake

ROOT = Path(airflow_provider_datalake.__file__).parent
NAME = airflow_provider_datalake.__name__
ROOMS = ("operators", "sensors", "triggers", "hooks", "transfers", "links", "filesystems", "assets")
HEAVY = ("odps", "pandas", "pyarrow", "numpy", "azure", "requests", "duckdb", "sqlglot")

# Who may import whom, by the first folder below the package; exceptions.py is for all, everybody may import itself.
ALLOWED = {
    "": set(),
    "clients": {"jobs"},  # one floor of the house: the database cursor waits for jobs, jobs use the clients
    "jobs": {"clients"},
    "hooks": {"clients", "jobs"},
    "links": set(),
    "assets": {"clients"},
    "filesystems": {"hooks", "clients"},
    "triggers": {"hooks", "clients", "jobs"},
    "sensors": {"hooks", "triggers", "clients", "jobs"},
    "operators": {"hooks", "triggers", "links", "filesystems", "clients", "jobs"},
    "transfers": {"hooks", "triggers", "links", "filesystems", "operators", "clients", "jobs"},
    "usql": set(),
    "emulator": {"usql"},
    "testing": {"clients"},
}
# Below a folder: the emulator's command line is a client of the emulator, too.
ALLOWED_BELOW = {"emulator/commands": {"clients"}}
AIRFLOW_FREE = {"clients", "jobs", "usql", "emulator"}


def entry_modules() -> list[str]:
    """Every module that a DAG file may import."""
    names = []
    for room in ROOMS:
        package = importlib.import_module(f"{NAME}.{room}")
        names += [info.name for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")]
    return names


def loaded_by(*modules: str) -> dict[str, list[str]]:
    """Import modules in a fresh interpreter that has Airflow's bases; list the heavy packages that each adds."""
    code = f"""
import json, sys
import airflow.sdk, airflow.triggers.base
from airflow.sdk import BaseHook, BaseOperator, BaseSensorOperator
added = {{}}
for module in {modules!r}:
    before = set(sys.modules)
    __import__(module)
    added[module] = sorted({{name.partition(".")[0] for name in set(sys.modules) - before}})
print(json.dumps(added))
"""
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    added = json.loads(output.splitlines()[-1])
    return {module: [name for name in names if name in HEAVY] for module, names in added.items()}


def test_there_are_modules_to_look_at() -> None:
    assert f"{NAME}.operators.maxcompute" in entry_modules()
    assert f"{NAME}.hooks.maxcompute" in entry_modules()


def test_importing_any_of_them_loads_nothing_heavy() -> None:
    modules = entry_modules()
    assert loaded_by(*modules) == {module: [] for module in modules}


def test_the_heavy_ones_would_be_noticed() -> None:
    assert "odps" in loaded_by("odps")["odps"]


def room_of(name: str) -> str:
    """The first folder below the package, empty for modules directly in it."""
    parts = name.split(".")[1:]
    return parts[0] if parts and (ROOT / parts[0]).is_dir() else ""


def imports(path: Path) -> set[str]:
    """All modules that a file imports, at any level and inside functions; those for type checking too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            found |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = sorted(path for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way_only(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0] if path.parent != ROOT else ""
    ours = {name for name in imports(path) if name.split(".")[0] == NAME}
    below = ALLOWED_BELOW.get(path.parent.relative_to(ROOT).as_posix(), set())
    assert {room_of(name) for name in ours} - {room, ""} <= ALLOWED[room] | below


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.relative_to(ROOT).parts[0] in AIRFLOW_FREE],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_inner_rooms_know_no_airflow(path: Path) -> None:
    assert {name for name in imports(path) if name.split(".")[0] == "airflow"} == set()
