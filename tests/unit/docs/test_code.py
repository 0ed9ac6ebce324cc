"""The code that is printed in the documentation: names exist, arguments are known, commands are taken."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from pathlib import Path

import pytest

import airflow_provider_datalake
from airflow_provider_datalake.emulator.commands.options import make_parser

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
OURS = airflow_provider_datalake.__name__


def blocks(language: str) -> list[pytest.ParameterSet]:
    """All blocks of code in a language, with page and number as their ids."""
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, block in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
        )
    ]


def imported(tree: ast.AST) -> dict[str, object]:
    """What a block imports from the package and from Airflow, by name."""
    return {
        alias.asname or alias.name: getattr(importlib.import_module(str(node.module)), alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith((OURS, "airflow."))
        for alias in node.names
    }


def parameters(kind: type) -> set[str]:
    """Names that the constructors of a class and of its bases take."""
    return {
        name
        for base in kind.__mro__
        if "__init__" in vars(base)
        for name in inspect.signature(inspect.unwrap(vars(base)["__init__"])).parameters
    }


@pytest.mark.parametrize("block", blocks("python"))
def test_names_and_arguments_of_a_block_exist(block: str) -> None:
    tree = ast.parse(block)
    found = imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            kind = found.get(node.func.id)
            if inspect.isclass(kind) and kind.__module__.startswith(OURS):
                given = {keyword.arg for keyword in node.keywords}
                assert given <= parameters(kind), f"{node.func.id}: {given - parameters(kind)}"


def commands() -> list[str]:
    """Every command line of the emulator that a block of shell code has."""
    lines = set()
    for page in PAGES:
        for block in re.findall(r"^```bash\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            for line in block.replace("\\\n", " ").splitlines():
                found = re.search(r'(?:^|\$\()datalake-emulator ([^#)]*[^#)"\s&])', line)
                if found:
                    lines.add(found[1])
    return sorted(lines)


@pytest.mark.parametrize("command", commands())
def test_command_is_one_that_the_emulator_takes(command: str) -> None:
    assert make_parser().parse_args(shlex.split(command)).command == command.split()[0]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_make_targets_that_a_page_names_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE)) <= targets
