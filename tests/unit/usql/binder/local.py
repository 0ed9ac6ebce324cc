"""A machine that compiles scripts, runs them in DuckDB and commits what they did."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote

from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.backends.duckdb import run
from airflow_provider_datalake.usql.compiler import compile_script
from airflow_provider_datalake.usql.workspace import StoredFile
from tests.unit.usql.binder.support import ROOT, MemoryCatalog, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class FolderFiles:
    """A store that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, uri: str) -> str:
        return resolve(uri)

    def path(self, uri: str) -> Path:
        return self.folder / unquote(uri.removeprefix(ROOT + "/"))

    def find(self, uri: str) -> StoredFile | None:
        path = self.path(uri)
        return self._stored(path) if path.is_file() else None

    def walk(self, folder: str) -> Iterator[StoredFile]:
        found = (self._stored(path) for path in self.path(folder).rglob("*") if path.is_file())
        yield from sorted(found, key=lambda item: item.uri)

    def _stored(self, path: Path) -> StoredFile:
        status = path.stat()
        uri = resolve(f"/{path.relative_to(self.folder).as_posix()}")
        return StoredFile(uri, path, status.st_size, status.st_mtime)


class LocalMachine:
    """
    An account of its own.

    :param folder: an empty directory
    """

    def __init__(self, folder: Path) -> None:
        self.store, self.scratch = folder / "store", folder / "scratch"
        self.store.mkdir()
        self.scratch.mkdir()
        self.files = FolderFiles(self.store)
        self.catalog = MemoryCatalog()

    def check(self) -> None: ...

    @contextmanager
    def interrupting(self, callback: Callable[[], object]) -> Iterator[None]:
        yield

    def progress(self, step: str, percent: float, *, rows_in: int = 0, rows_out: int = 0) -> None: ...

    def put(self, path: str, text: str) -> None:
        """Write an input file."""
        target = self.files.path(resolve(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())

    def run(self, text: str) -> dict[str, str]:
        """Run a script, and give its output files by path."""
        result = run(compile_script(text, self.files, self.catalog), self)
        for change in result.changes:
            self._commit(change)
        outputs = {}
        for staged in result.outputs:
            path = staged.uri.removeprefix(ROOT)
            outputs[path] = staged.path.read_bytes().decode()
            self.put(path, outputs[path])
        return outputs

    def lines(self, text: str) -> list[str]:
        """Run a script with one output, and give its sorted lines."""
        (content,) = self.run(text).values()
        return sorted(content.splitlines())

    def query(self, text: str) -> list[str]:
        """Run a query, and give its rows as sorted lines without quotes."""
        return self.lines(f'@q = {text};\nOUTPUT @q TO "/q.csv" USING Outputters.Csv(quoting : false);')

    def _commit(self, change: model.Change) -> None:
        catalog = self.catalog
        match change:
            case model.CreateDatabase(name=name):
                catalog.databases.add(name)
            case model.DropDatabase(name=name):
                catalog.databases.remove(name)
            case model.CreateSchema(database=database, name=name):
                catalog.schemas.add((database, name))
            case model.DropSchema(database=database, name=name):
                catalog.schemas.remove((database, name))
            case model.CreateTable(table=definition):
                catalog.objects_by_name[definition.name] = definition
                catalog.paths[definition.name] = []
            case model.CreateView(view=definition):
                catalog.objects_by_name[definition.name] = definition
            case model.DropTable(name=name) | model.DropView(name=name):
                del catalog.objects_by_name[name]
            case model.TruncateTable(name=name):
                catalog.paths[name] = []
            case model.AppendSegment(table=name, path=path):
                kept = self.store.parent / f"segment{sum(map(len, catalog.paths.values()))}-{path.name}"
                path.rename(kept)
                catalog.paths[name].append(kept)
