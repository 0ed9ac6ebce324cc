"""Files and a catalog in memory, and scripts with marked places."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

import pytest

from airflow_provider_datalake.usql.catalog import Column, QualifiedName, Table, View
from airflow_provider_datalake.usql.compiler import compile_script
from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.plan import OutputStep, QueryStep
from airflow_provider_datalake.usql.types import INT, STRING
from airflow_provider_datalake.usql.workspace import StoredFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from airflow_provider_datalake.usql.diagnostics import Diagnostic
    from airflow_provider_datalake.usql.plan import Plan

ROOT = "adl://store.azuredatalakestore.net"


def resolve(uri: str) -> str:
    """Make a path absolute in the only store that there is."""
    if uri.startswith("adl://unknown"):
        raise ValueError("store unknown.azuredatalakestore.net is not known")
    path = uri.removeprefix(ROOT)
    if "://" in path:
        raise ValueError(f"scheme {path.partition(':')[0]} is not known")
    return f"{ROOT}/{quote(unquote(path).lstrip('/'), safe='/')}"


class ListedFiles:
    """Files that only have names."""

    def __init__(self, *paths: str) -> None:
        self._uris = sorted(ROOT + path for path in paths)

    def resolve(self, uri: str) -> str:
        return resolve(uri)

    def find(self, uri: str) -> StoredFile | None:
        return StoredFile(uri, Path("/none"), 0, 0.0) if uri in self._uris else None

    def walk(self, folder: str) -> Iterator[StoredFile]:
        return (StoredFile(uri, Path("/none"), 0, 0.0) for uri in self._uris if uri.startswith(folder + "/"))


class MemoryCatalog:
    """A catalog of definitions, with the databases master and db, and the schema stored in each."""

    def __init__(self, *objects: Table | View) -> None:
        self.objects_by_name = {item.name: item for item in objects}
        self.databases = {"master", "db"}
        self.schemas = {("master", "stored"), ("db", "stored")}
        self.paths: dict[QualifiedName, list[Path]] = {}

    def has_database(self, database: str) -> bool:
        return database in self.databases

    def has_schema(self, database: str, schema: str) -> bool:
        return self.has_database(database) and (schema == "dbo" or (database, schema) in self.schemas)

    def table(self, name: QualifiedName) -> Table | None:
        found = self.objects_by_name.get(name)
        return found if isinstance(found, Table) else None

    def view(self, name: QualifiedName) -> View | None:
        found = self.objects_by_name.get(name)
        return found if isinstance(found, View) else None

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        names = self.objects_by_name
        return [name for name in names if name.database == database and schema in (None, name.schema)]

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        return self.paths.get(name, [])


T = Table(
    QualifiedName("master", "dbo", "T"),
    (Column("id", INT), Column("name", STRING), Column("score", INT.as_nullable())),
)
DB_T = Table(QualifiedName("db", "dbo", "T"), (Column("only", STRING),))
V = View(
    QualifiedName("db", "dbo", "V"),
    'SELECT only, only + "!" AS loud FROM T',
    (Column("only", STRING), Column("loud", STRING)),
)
FILES = ("/in/a.csv", "/in/b.csv", "/in/with%20space.csv", "/logs/2024/01/a.csv")

PEOPLE = """
@people = SELECT * FROM (VALUES (1, "Ann", (int?)10, 'x'), (2, "Bob", (int?)null, 'y'))
          AS P(id, name, score, letter);
"""
"""A rowset to begin with."""


def compile_here(text: str, *, catalog: MemoryCatalog | None = None, prelude: str = "") -> Plan:
    """Compile a script against the files and the catalog of this module."""
    return compile_script(text, ListedFiles(*FILES), catalog or MemoryCatalog(T, DB_T, V), prelude=prelude)


def error_of(marked: str, *, catalog: MemoryCatalog | None = None) -> Diagnostic:
    """Compile what must fail at the place between « and »."""
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    with pytest.raises(CompileError) as caught:
        compile_here(text, catalog=catalog)
    (diagnostic,) = caught.value.diagnostics
    found = text[diagnostic.span.start : diagnostic.span.end]
    assert (diagnostic.span.start, diagnostic.span.end) == (start, end), f"at {found!r}: {diagnostic}"
    before = text[:start]
    assert diagnostic.span.line == before.count("\n") + 1
    assert diagnostic.span.column == start - before.rfind("\n")
    return diagnostic


def schema_of(query: str, *, before: str = PEOPLE) -> str:
    """Compile a query and give its columns, e.g. ``id int, score int?``."""
    plan = compile_here(f'{before}@q = {query};\nOUTPUT @q TO "/out.csv" USING Outputters.Csv();')
    output = plan.steps[-1]
    assert isinstance(output, OutputStep)
    return ", ".join(f"{column.name} {column.type}" for column in output.columns)


def collection_schema_of(query: str, *, before: str = PEOPLE) -> str:
    """Do the same for columns that no outputter can write."""
    plan = compile_here(
        f"{before}@q = {query};\nCREATE TABLE Made (INDEX i CLUSTERED (id)) AS SELECT * FROM @q;"
    )
    queries = [step for step in plan.steps if isinstance(step, QueryStep)]
    return ", ".join(f"{column.name} {column.type}" for column in queries[-1].rowset.columns)
