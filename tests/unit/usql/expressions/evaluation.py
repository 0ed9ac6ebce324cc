"""One row of every type, and expressions computed over it."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
from sqlglot import exp

from airflow_provider_datalake.usql.backends.duckdb.numbers import MACROS
from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.expressions import Typed, bind, literal
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.parser import parse
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import (
    BOOL,
    DATETIME,
    DOUBLE,
    INT,
    LONG,
    STRING,
    Kind,
    Type,
    array_of,
    map_of,
)

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.diagnostics import Span

COLUMNS: dict[str, tuple[Type, str]] = {
    "i": (INT, "7"),
    "zero": (INT, "0"),
    "neg": (INT, "-7"),
    "big": (INT, "2147483647"),
    "l": (LONG, "3000000000"),
    "sb": (Type(Kind.SBYTE), "-5"),
    "by": (Type(Kind.BYTE), "200"),
    "sh": (Type(Kind.SHORT), "-300"),
    "us": (Type(Kind.USHORT), "60000"),
    "ui": (Type(Kind.UINT), "4000000000"),
    "ul": (Type(Kind.ULONG), "18000000000000000000"),
    "f": (Type(Kind.FLOAT), "1.5"),
    "x": (DOUBLE, "2.5"),
    "nan": (DOUBLE, "'nan'"),
    "inf": (DOUBLE, "'inf'"),
    "m": (Type(Kind.DECIMAL), "1.25"),
    "c": (Type(Kind.CHAR), "97"),
    "b": (BOOL, "true"),
    "no": (BOOL, "false"),
    "s": (STRING, "'abc'"),
    "empty": (STRING, "''"),
    "ns": (STRING, "NULL"),
    "list": (STRING, "'a,b;c,,d'"),
    "emoji": (STRING, "'a😀b'"),
    "d": (DATETIME, "'2012-02-15 11:53:18.123456'"),
    "leap": (DATETIME, "'2016-02-29 23:59:59'"),
    "g": (Type(Kind.GUID), "'0f8fad5b-d9cb-469f-a165-70867728950e'"),
    "bin": (Type(Kind.BINARY), r"'\x01\xFF'"),
    "ni": (INT.as_nullable(), "NULL"),
    "oi": (INT.as_nullable(), "5"),
    "nl": (LONG.as_nullable(), "NULL"),
    "nx": (DOUBLE.as_nullable(), "NULL"),
    "ox": (DOUBLE.as_nullable(), "0.5"),
    "nm": (Type(Kind.DECIMAL).as_nullable(), "NULL"),
    "nb": (BOOL.as_nullable(), "NULL"),
    "ob": (BOOL.as_nullable(), "true"),
    "nd": (DATETIME.as_nullable(), "NULL"),
    "od": (DATETIME.as_nullable(), "'2020-01-02 03:04:05'"),
    "nc": (Type(Kind.CHAR).as_nullable(), "NULL"),
    "arr": (array_of(INT), "[10, 20, 30]"),
    "words": (array_of(STRING), "['a', NULL, 'b']"),
    "narr": (array_of(INT), "NULL"),
    "map": (map_of(STRING, STRING), "MAP {'a': 'x', 'b': NULL}"),
    "counts": (map_of(STRING, INT.as_nullable()), "MAP {'a': 1}"),
    "nmap": (map_of(STRING, STRING), "NULL"),
}


class RowScope:
    """The columns of the row, in a rowset with the alias ``r``; one variable, ``@v``."""

    def column(self, name: str, qualifier: str | None, span: Span) -> Typed:
        if name not in COLUMNS:
            raise invalid(f"no column {name}", span)
        return Typed(exp.column(name, quoted=True), COLUMNS[name][0], span)

    def has_qualifier(self, name: str) -> bool:
        return name == "r"

    def has_column(self, name: str) -> bool:
        return name in COLUMNS

    def variable(self, name: str, span: Span) -> Typed:
        if name != "@v":
            raise invalid(f"no variable {name}", span)
        return literal(5, INT, span)


@functools.cache
def connection() -> duckdb.DuckDBPyConnection:
    """Open the database that expressions are computed in; it has one row."""
    found = duckdb.connect(
        config={"threads": 1, "autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    found.execute("SET TimeZone = 'America/New_York'")
    for macro in MACROS:
        found.execute(macro)
    columns = ", ".join(
        f'CAST({value} AS {sql_type(type_).sql("duckdb")}) AS "{name}"'
        for name, (type_, value) in COLUMNS.items()
    )
    found.execute(f"CREATE TABLE one AS SELECT {columns}")
    return found


def syntax(text: str) -> ast.Expression:
    """Parse one expression."""
    script = parse(f"@q = SELECT {text} AS q FROM @r;")
    return script.statements[0].query.items[0].value  # type: ignore[union-attr]


def bound(text: str) -> Typed:
    """Bind one expression."""
    return bind(syntax(text), RowScope(), aggregates=True, windows=True)


@dataclass(frozen=True)
class Result:
    """What an expression gave."""

    type: str
    value: Any


def evaluate(text: str) -> Result:
    """Compute an expression, and check that SQL's type is the one that U-SQL's type is held in."""
    value = bound(text)
    sql = value.sql.sql(dialect="duckdb")
    found, type_ = connection().execute(f"SELECT q, typeof(q) FROM (SELECT {sql} AS q FROM one)").fetchone()
    if value.type.kind is not Kind.NULL and value.type.kind is not Kind.ENUM:
        wanted = connection().execute(f"SELECT typeof(CAST(NULL AS {sql_type(value.type).sql('duckdb')}))")
        assert (type_,) == wanted.fetchone(), f"{text} is {value.type}, but SQL gives {type_}: {sql}"
    if not value.may_be_null and value.type.kind is not Kind.NULL:
        assert found is not None, f"{text} is not null, says its type: {sql}"
    return Result(str(value.type), found)


def failure(text: str) -> str:
    """Give the words of the run-time error of an expression that compiles."""
    value = bound(text)
    try:
        found = connection().execute(f"SELECT {value.sql.sql(dialect='duckdb')} FROM one").fetchone()
    except duckdb.Error as error:
        return str(error)
    raise AssertionError(f"{text} gave {found!r}")


def compile_error(text: str) -> str:
    """Give the words of the error of an expression that does not compile."""
    try:
        value = bound(text)
    except CompileError as error:
        return str(error.diagnostics[0])
    raise AssertionError(f"{text} compiled to {value.type}: {value.sql.sql(dialect='duckdb')}")


def check(text: str, type_: str, value: object) -> None:
    """Compare what an expression gives: its type, and its value down to the digits and to NaN."""
    found = evaluate(text)
    assert (found.type, repr(found.value)) == (type_, repr(value))
