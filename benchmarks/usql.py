"""What U-SQL's exact rules for text add to DuckDB: extract, aggregate and write a large CSV file."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb import run as run_plan
from airflow_provider_datalake.usql.compiler import compile_script
from airflow_provider_datalake.usql.workspace import StoredFile
from benchmarks.report import Row, Section, medians, show
from benchmarks.transfer import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from airflow_provider_datalake.usql.catalog import QualifiedName, Table, View

ROWS = 10_000_000
ROUNDS = 5
LIMIT = 1.3
URI = "adl://bench.azuredatalakestore.net/flights.csv"
TYPES = {
    "carrier": ("string", "VARCHAR"),
    "tail": ("string", "VARCHAR"),
    "origin": ("string", "VARCHAR"),
    "destination": ("string", "VARCHAR"),
    "flight": ("int", "INT"),
    "departure": ("DateTime", "TIMESTAMP"),
    "delay": ("double?", "DOUBLE"),
    "distance": ("int", "INT"),
}
QUERY = (
    "SELECT carrier, origin, COUNT(*) AS flights, AVG(delay) AS delay, "
    "CAST(SUM(distance) AS BIGINT) AS miles, MAX(flight) AS highest, MAX(departure) AS latest, "
    "MAX(tail) AS tail, MAX(destination) AS destination "
    "FROM {source} GROUP BY carrier, origin"
)
SCRIPT = f"""
    @flights = EXTRACT {", ".join(f"{name} {kind}" for name, (kind, _) in TYPES.items())}
               FROM "{URI}" USING Extractors.Csv();
    @summary = SELECT carrier, origin, COUNT(*) AS flights, AVG(delay) AS delay, SUM(distance) AS miles,
                      MAX(flight) AS highest, MAX(departure) AS latest, MAX(tail) AS tail,
                      MAX(destination) AS destination
               FROM @flights GROUP BY carrier, origin;
    OUTPUT @summary TO "{URI}.out" ORDER BY carrier USING Outputters.Csv();
"""


class OneFile:
    """A store of one file, and an empty catalog."""

    def __init__(self, path: Path) -> None:
        self.file = StoredFile(URI, path, path.stat().st_size, 0.0)

    def resolve(self, uri: str) -> str:
        return uri

    def find(self, uri: str) -> StoredFile | None:
        return self.file if uri == URI else None

    def walk(self, folder: str) -> Iterator[StoredFile]:
        yield self.file

    def has_database(self, database: str) -> bool:
        return False

    def has_schema(self, database: str, schema: str) -> bool:
        return False

    def table(self, name: QualifiedName) -> Table | None:
        return None

    def view(self, name: QualifiedName) -> View | None:
        return None

    def objects(self, database: str, schema: str | None = None) -> Sequence[QualifiedName]:
        return ()

    def segments(self, name: QualifiedName) -> Sequence[Path]:
        return ()


class BenchWorkspace:
    """The machine of one job that nobody stops."""

    def __init__(self, files: OneFile, scratch: Path) -> None:
        self.files = self.catalog = files
        self.scratch = scratch

    def check(self) -> None:
        pass

    @contextmanager
    def interrupting(self, callback: Callable[[], object]) -> Iterator[None]:
        yield

    def progress(self, step: str, percent: float, *, rows_in: int = 0, rows_out: int = 0) -> None:
        pass


def generate(path: Path, rows: int, *, quoted: bool) -> None:
    """Write the flights, quoted as U-SQL's own outputter would where asked to."""
    import duckdb

    quotes = ", QUOTE '\"', FORCE_QUOTE (carrier, tail, origin, destination)" if quoted else ""
    duckdb.execute(f"""
        COPY (SELECT 'C' || i % 16 AS carrier, 'N' || i * 37 % 4000 || 'AA' AS tail,
              ['EWR', 'JFK', 'LGA'][i % 3 + 1] AS origin, 'D' || i * 13 % 105 AS destination,
              i % 8000 AS flight,
              TIMESTAMP '2013-01-01' + INTERVAL (i * 3) SECOND AS departure,
              CASE WHEN i % 50 > 0 THEN (i * 7919 % 1000) / 10 - 20 END AS delay, i * 31 % 5000 AS distance
              FROM range({rows}) t(i))
        TO '{path}' (FORMAT csv, HEADER false{quotes})""")


def contestants(path: Path, scratch: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """
    Make the two contestants.

    :param path: the flights
    :param scratch: where both write
    :return: our engine, and what a person would write for DuckDB
    """
    import duckdb

    workspace = BenchWorkspace(OneFile(path), scratch)
    types = ", ".join(f"'{name}': '{kind}'" for name, (_, kind) in TYPES.items())
    source = f"read_csv('{path}', header = false, delim = ',', columns = {{{types}}})"
    statement = (
        f"COPY ({QUERY.format(source=source)} ORDER BY carrier) TO '{scratch / 'peer.csv'}' (FORMAT csv)"
    )

    def ours() -> None:
        plan = compile_script(SCRIPT, workspace.files, workspace.catalog)
        result = run_plan(plan, workspace)
        assert result.outputs[0].rows == 48

    def theirs() -> None:
        with duckdb.connect() as connection:
            connection.execute(statement)

    return ours, theirs


def measure(name: str, rows: int, *, quoted: bool) -> Row:
    """Measure one file."""
    with tempfile.TemporaryDirectory(prefix="datalake-bench-") as directory:
        path = Path(directory) / "flights.csv"
        generate(path, rows, quoted=quoted)
        ours, theirs = contestants(path, Path(directory))
        for contestant in (ours, theirs):
            contestant()
        mine, peers = medians(ROUNDS, timed(ours), timed(theirs))
        size = path.stat().st_size / 1e6
    ratio = mine / peers
    return Row(
        f"{name}, {rows:,} rows, {size:.0f} MB",
        f"{mine:.2f} s",
        f"{peers:.2f} s",
        f"{ratio:.2f}x",
        f"{LIMIT}x",
        ratio <= LIMIT,
    )


def run(rows: int = ROWS) -> Section:
    """Measure U-SQL against hand-written SQL on the same files."""
    return Section(
        "U-SQL",
        [
            measure("plain CSV to GROUP BY to CSV", rows, quoted=False),
            measure("the same with quoted strings", rows, quoted=True),
        ],
        [
            (
                "Peer: read_csv with the same types, the same GROUP BY and COPY TO in DuckDB. Ours compiles "
                "the script, looks the file over for what read_csv takes too lightly, reads numbers as text "
                "and writes them back to see that nothing but U-SQL's own forms passed, in all columns and "
                "rows. Numbers, dates and quotes are what the checks cost; plain strings cost nothing."
            )
        ],
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.usql", description=run.__doc__)
    parser.add_argument("--rows", type=int, default=ROWS)
    show(run(parser.parse_args().rows))
