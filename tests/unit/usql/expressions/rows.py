"""Several rows, for what is computed over groups, windows or filters."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.expressions import Typed, bind, condition
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import BOOL, DATETIME, DOUBLE, INT, LONG, STRING, Kind, Type
from tests.unit.usql.expressions.evaluation import connection, syntax

if TYPE_CHECKING:
    import duckdb

    from airflow_provider_datalake.usql.diagnostics import Span

COLUMNS = {
    "id": INT,
    "i": INT.as_nullable(),
    "l": LONG.as_nullable(),
    "ul": Type(Kind.ULONG).as_nullable(),
    "f": Type(Kind.FLOAT).as_nullable(),
    "x": DOUBLE.as_nullable(),
    "m": Type(Kind.DECIMAL).as_nullable(),
    "s": STRING,
    "k": STRING,
    "b": BOOL.as_nullable(),
    "d": DATETIME.as_nullable(),
}
_ROWS = """
    (1, 1, 1, 1, 1.5, 1.5, 1.1, 'b', 'x', true, TIMESTAMP '2020-01-01'),
    (2, 2, 2, 2, 2.5, 2.5, 2.2, 'a', 'x', false, TIMESTAMP '2021-01-01'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'y', NULL, NULL),
    (4, 4, 4, 4, 4.5, 4.5, 4.4, 'b', 'y', true, TIMESTAMP '2022-01-01')
"""


class RowsScope:
    """The columns of the rows; no alias, no variable."""

    def column(self, name: str, qualifier: str | None, span: Span) -> Typed:
        if name not in COLUMNS:
            raise invalid(f"no column {name}", span)
        return Typed(exp.column(name, quoted=True), COLUMNS[name], span)

    def has_qualifier(self, name: str) -> bool:
        return False

    def has_column(self, name: str) -> bool:
        return name in COLUMNS

    def variable(self, name: str, span: Span) -> Typed:
        raise invalid(f"no variable {name}", span)


@functools.cache
def rows() -> duckdb.DuckDBPyConnection:
    """Open the database with the rows."""
    found = connection()
    casts = ", ".join(
        f'CAST("{name}" AS {sql_type(type_).sql("duckdb")}) AS "{name}"' for name, type_ in COLUMNS.items()
    )
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    found.execute(f"CREATE TABLE several AS SELECT {casts} FROM (VALUES {_ROWS}) AS v({names})")
    return found


def bound(text: str, *, aggregates: bool = True, windows: bool = True) -> Typed:
    """Bind an expression over the rows."""
    return bind(syntax(text), RowsScope(), aggregates=aggregates, windows=windows)


def error(text: str, *, aggregates: bool = True, windows: bool = True) -> str:
    """Give the words of the error of an expression that does not compile."""
    try:
        value = bound(text, aggregates=aggregates, windows=windows)
    except CompileError as found:
        return str(found.diagnostics[0])
    raise AssertionError(f"{text} compiled to {value.type}")


def _typed(value: Typed, found: str) -> None:
    wanted = rows().execute(f"SELECT typeof(CAST(NULL AS {sql_type(value.type).sql('duckdb')}))").fetchone()
    assert (found,) == wanted, f"SQL gives {found} for {value.type}"


def grouped(text: str, where: str = "TRUE") -> tuple[str, Any]:
    """Compute an aggregate of all rows, or of those that SQL's condition leaves."""
    value = bound(text)
    query = f"SELECT q, typeof(q) FROM (SELECT {value.sql.sql('duckdb')} AS q FROM several WHERE {where})"
    found, type_ = rows().execute(query).fetchone()
    _typed(value, type_)
    return str(value.type), found


def over_rows(text: str) -> tuple[str, list[Any]]:
    """Compute an expression for every row, in the order of their ids."""
    value = bound(text)
    query = f"SELECT q, typeof(q) FROM (SELECT id, {value.sql.sql('duckdb')} AS q FROM several) ORDER BY id"
    found = rows().execute(query).fetchall()
    _typed(value, found[0][1])
    return str(value.type), [row[0] for row in found]


def filtered(text: str) -> list[int]:
    """Give the ids of the rows for which a condition holds."""
    sql = condition(bound(text)).sql("duckdb")
    return [row[0] for row in rows().execute(f"SELECT id FROM several WHERE {sql} ORDER BY id").fetchall()]
