"""A workspace over a temporary directory, and short ways to make plans."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from sqlglot import parse_one

from airflow_provider_datalake.usql.backends.duckdb import run
from airflow_provider_datalake.usql.backends.duckdb.extract import Extraction
from airflow_provider_datalake.usql.catalog import AppendSegment, QualifiedName
from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.filesets import parse_file_set
from airflow_provider_datalake.usql.plan import (
    ExtractStep,
    InsertStep,
    OutputStep,
    Plan,
    PlanColumn,
    QueryStep,
    Rowset,
)
from airflow_provider_datalake.usql.text_format import ExtractFormat, OutputFormat
from airflow_provider_datalake.usql.types import Kind, Type
from airflow_provider_datalake.usql.workspace import StoredFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import Table, View
    from airflow_provider_datalake.usql.plan import Step
    from airflow_provider_datalake.usql.results import RunResult

ROOT = "adl://store.azuredatalakestore.net"


@dataclass
class FolderFiles:
    """A store that is a folder."""

    folder: Path

    def resolve(self, uri: str) -> str:
        return ROOT + uri

    def find(self, uri: str) -> StoredFile | None:
        path = self.folder / uri.removeprefix(ROOT + "/")
        return self._stored(path) if path.is_file() else None

    def walk(self, folder: str) -> Iterator[StoredFile]:
        start = self.folder / folder.removeprefix(ROOT).removeprefix("/")
        yield from sorted(
            (self._stored(path) for path in start.rglob("*") if path.is_file()), key=lambda item: item.uri
        )

    def _stored(self, path: Path) -> StoredFile:
        status = path.stat()
        uri = f"{ROOT}/{path.relative_to(self.folder).as_posix()}"
        return StoredFile(uri, path, status.st_size, status.st_mtime)


@dataclass
class ListedCatalog:
    """A catalog of given tables and segments."""

    tables: dict[QualifiedName, Table] = field(default_factory=dict)
    stored: dict[QualifiedName, list[Path]] = field(default_factory=dict)

    def has_database(self, database: str) -> bool:
        return any(name.database == database for name in self.tables)

    def has_schema(self, database: str, schema: str) -> bool:
        return any((name.database, name.schema) == (database, schema) for name in self.tables)

    def table(self, name: QualifiedName) -> Table | None:
        return self.tables.get(name)

    def view(self, name: QualifiedName) -> View | None:
        return None

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        return [name for name in self.tables if name.database == database]

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        return self.stored.get(name, [])


class Machine:
    """
    One job's machine.

    :param folder: an empty directory
    """

    def __init__(self, folder: Path) -> None:
        (folder / "store").mkdir()
        (folder / "scratch").mkdir()
        self.store = folder / "store"
        self.files = FolderFiles(self.store)
        self.catalog = ListedCatalog()
        self.scratch = folder / "scratch"
        self.stop: Exception | None = None
        self.reports: list[tuple[str, float, int, int]] = []
        self.on_execute: Callable[[Callable[[], object]], None] | None = None

    def check(self) -> None:
        if self.stop is not None:
            raise self.stop

    @contextmanager
    def interrupting(self, callback: Callable[[], object]) -> Iterator[None]:
        if self.on_execute is not None:
            self.on_execute(callback)
        yield

    def progress(self, step: str, percent: float, *, rows_in: int = 0, rows_out: int = 0) -> None:
        self.reports.append((step, percent, rows_in, rows_out))

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.store / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def run(self, *steps: Step) -> RunResult:
        return run(Plan(steps), self)


def columns(text: str) -> tuple[PlanColumn, ...]:
    """Read ``"a int?, b string"``."""
    made = []
    for item in text.split(","):
        name, kind = item.split()
        made.append(PlanColumn(name, Type(Kind(kind.rstrip("?")), kind.endswith("?")), name))
    return tuple(made)


def extract(
    id_: str,
    schema: str,
    *patterns: str,
    virtual: Sequence[str] = (),
    format_: ExtractFormat | None = None,
    **options: object,
) -> ExtractStep:
    files = tuple(parse_file_set(ROOT + pattern) for pattern in patterns)
    format_ = format_ or ExtractFormat(**options)  # type: ignore[arg-type]
    return ExtractStep(Rowset(id_, f"@{id_}", columns(schema)), files, format_, frozenset(virtual))


def query(id_: str, schema: str, sql: str, *inputs: str) -> QueryStep:
    return QueryStep(Rowset(id_, f"@{id_}", columns(schema)), parse_one(sql, read="duckdb"), inputs)  # type: ignore[arg-type]


def output(
    source: str,
    schema: str,
    path: str = "/out.csv",
    order_by: tuple[tuple[str, bool], ...] = (),
    **options: object,
) -> OutputStep:
    format_ = OutputFormat(**options)  # type: ignore[arg-type]
    return OutputStep(f"output{path}", source, columns(schema), ROOT + path, format_, order_by)


TABLE = QualifiedName("master", "dbo", "t")


def read(machine: Machine, step: ExtractStep, *, slow: bool = False) -> list[tuple[object, ...]]:
    """Extract and give the rows, in the order of their texts, since rowsets have none."""
    import pyarrow.parquet as pq

    insert = InsertStep("insert", step.rowset.id, step.rowset.columns, TABLE)
    with pytest.MonkeyPatch.context() as patch:
        if slow:
            patch.setattr(Extraction, "source", Extraction.slow_source)
        result = machine.run(step, insert)
    rows: list[tuple[object, ...]] = []
    for change in result.changes:
        assert isinstance(change, AppendSegment)
        stored = pq.read_table(change.path)
        rows += zip(*(column.to_pylist() for column in stored.columns), strict=True)
        assert change.rows == stored.num_rows
    return sorted(rows, key=repr)


def failure(machine: Machine, step: ExtractStep, *, slow: bool = False) -> UsqlRuntimeError:
    """Extract what cannot be extracted."""
    with pytest.raises(UsqlRuntimeError) as caught:
        read(machine, step, slow=slow)
    return caught.value
