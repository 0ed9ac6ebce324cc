from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_provider_datalake.emulator.jobs import JobControl
from airflow_provider_datalake.emulator.maxcompute.sql.engine import SqlEngine
from airflow_provider_datalake.emulator.storage import Storage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.emulator.maxcompute.sql.engine import SqlResult

FIXTURE = Path(__file__).parent / "statements" / "fixture.sql"


@dataclass
class Sql:
    """A storage with the fixture's tables, and the engine over it."""

    storage: Storage
    directory: Path
    jobs: list[JobControl] = field(default_factory=list)

    def control(self) -> JobControl:
        control = JobControl(uuid.uuid4().hex, self.directory / f"result{len(self.jobs)}.arrow")
        self.jobs.append(control)
        return control

    def run(self, query: str, control: JobControl | None = None, **settings: str) -> SqlResult:
        flags = {key.replace("__", "."): value for key, value in settings.items()}
        return SqlEngine(self.storage).run(
            query, project="demo", settings=flags, control=control or self.control(), owner="tester"
        )

    def rows(self, query: str, **settings: str) -> list[tuple]:
        import pyarrow as pa

        result = self.run(query, **settings)
        assert result.path is not None
        with pa.ipc.open_file(result.path) as reader:
            return [tuple(row.values()) for row in reader.read_all().to_pylist()]

    def segments(self) -> list[Path]:
        return sorted((self.storage.data_dir / "segments").iterdir())


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("sql")
    storage = Storage(directory / "data")
    storage.catalog.create_project("demo")
    sql = Sql(storage, directory)
    for statement in FIXTURE.read_text().split(";\n"):
        if statement.strip():
            sql.run(statement)
    storage.close()
    return directory / "data"


@pytest.fixture(scope="session")
def shared_sql(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sql]:
    """One storage for all statements that change nothing."""
    directory = tmp_path_factory.mktemp("shared")
    shutil.copytree(prepared, directory / "data")
    storage = Storage(directory / "data")
    yield Sql(storage, directory)
    storage.close()


@pytest.fixture
def sql(prepared: Path, tmp_path: Path) -> Iterator[Sql]:
    shutil.copytree(prepared, tmp_path / "data")
    storage = Storage(tmp_path / "data")
    yield Sql(storage, tmp_path)
    storage.close()
