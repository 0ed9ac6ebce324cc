"""Evaluates single expressions through the function registry, without the engine's binder."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql import casts, operators, udfs
from airflow_provider_datalake.emulator.maxcompute.sql.errors import SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.functions import AGGREGATES, bind_scalar
from airflow_provider_datalake.emulator.maxcompute.sql.grammar import DatalakeMaxCompute
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    STAR,
    FunctionContext,
    Typed,
    boolean,
    double,
    null,
    text,
)
from airflow_provider_datalake.emulator.maxcompute.types import DataType, duckdb_type, parse_type

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2024, 2, 29, 20, 30, 15, 123456, tzinfo=UTC)
_SYMBOLS = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%", exp.IntDiv: "DIV", exp.EQ: "=",
    exp.NEQ: "<>", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=", exp.NullSafeEQ: "<=>", exp.And: "AND",
    exp.Or: "OR", exp.DPipe: "||", exp.BitwiseAnd: "&", exp.BitwiseOr: "|", exp.BitwiseXor: "^",
    exp.RegexpLike: "RLIKE",
}  # fmt: skip


def context(timezone: str = "Asia/Shanghai", **settings: str) -> FunctionContext:
    flags = {name.replace("__", "."): value for name, value in settings.items()}
    return FunctionContext(timezone, NOW, flags)


class Evaluator:
    """Binds and runs expressions on one connection; columns are typed by ``columns``."""

    def __init__(self, ctx: FunctionContext, columns: Mapping[str, str] | None = None) -> None:
        self.ctx = ctx
        self.columns = {name: parse_type(t) for name, t in (columns or {}).items()}

    def bind(self, sql: str) -> Typed:
        return self._bind(sqlglot.parse_one(sql, dialect=DatalakeMaxCompute))

    def _bind(self, node: exp.Expression) -> Typed:
        symbol = _SYMBOLS.get(type(node))
        if symbol:
            return operators.bind_binary(symbol, self._bind(node.this), self._bind(node.expression), self.ctx)
        return getattr(self, f"_{type(node).__name__.lower()}")(node)

    def _paren(self, node: exp.Paren) -> Typed:
        return self._bind(node.this)

    def _literal(self, node: exp.Literal) -> Typed:
        if node.is_string:
            return text(node.this)
        return casts.literal_integer(node.this, self.ctx) if node.this.isdigit() else double(float(node.this))

    def _neg(self, node: exp.Neg) -> Typed:
        if isinstance(node.this, exp.Literal) and node.this.this.isdigit():
            return casts.literal_integer(f"-{node.this.this}", self.ctx)
        return operators.bind_unary("-", self._bind(node.this), self.ctx)

    def _null(self, node: exp.Null) -> Typed:
        return null()

    def _boolean(self, node: exp.Boolean) -> Typed:
        return boolean(node.this)

    def _column(self, node: exp.Column) -> Typed:
        if node.name in self.columns:
            return Typed(exp.column(node.name), self.columns[node.name])
        return bind_scalar(node.name, [], self.ctx)

    def _not(self, node: exp.Not) -> Typed:
        return operators.bind_unary("NOT", self._bind(node.this), self.ctx)

    def _bitwisenot(self, node: exp.BitwiseNot) -> Typed:
        return operators.bind_unary("~", self._bind(node.this), self.ctx)

    def _is(self, node: exp.Is) -> Typed:
        what = node.expression
        name = "NULL" if isinstance(what, exp.Null) else str(what.this).upper()
        return operators.bind_unary(f"IS {name}", self._bind(node.this), self.ctx)

    def _in(self, node: exp.In) -> Typed:
        return operators.bind_in(self._bind(node.this), [self._bind(e) for e in node.expressions], self.ctx)

    def _between(self, node: exp.Between) -> Typed:
        parts = (self._bind(node.args[k]) for k in ("this", "low", "high"))
        return operators.bind_between(*parts, self.ctx)

    def _like(self, node: exp.Like) -> Typed:
        like = operators.bind_like(self._bind(node.this), self._bind(node.expression), self.ctx)
        return operators.bind_unary("NOT", like, self.ctx) if node.args.get("negate") else like

    def _escape(self, node: exp.Escape) -> Typed:
        like = node.this
        parts = [self._bind(n) for n in (like.this, like.expression)]
        return operators.bind_like(*parts, self.ctx, self._bind(node.expression))

    def _cast(self, node: exp.Cast) -> Typed:
        name = str(node.to.meta.get("text") or node.to.sql("hive"))
        suffix = re.fullmatch(r"[0-9.]+(L|S|Y|BD)", name, re.IGNORECASE)
        if suffix and suffix.group(1).upper() == "BD":
            return casts.literal_decimal(node.this.this)
        if suffix:
            name = {"L": "bigint", "S": "smallint", "Y": "tinyint"}[suffix.group(1).upper()]
        elif (
            name.startswith("DECIMAL") and isinstance(node.this, exp.Literal) and not node.to.meta.get("text")
        ):
            return casts.literal_decimal(node.this.this)
        return casts.cast(self._bind(node.this), parse_type(name), self.ctx)

    def _anonymous(self, node: exp.Anonymous) -> Typed:
        name = str(node.this).lower()
        arguments = node.expressions
        distinct = bool(arguments) and isinstance(arguments[0], exp.Distinct)
        if distinct:
            arguments = arguments[0].expressions
        bound = [STAR if isinstance(a, exp.Star) else self._bind(a) for a in arguments]
        if name in AGGREGATES:
            return AGGREGATES[name](bound, self.ctx, distinct=distinct)
        return bind_scalar(name, bound, self.ctx)


class ColumnEvaluator(Evaluator):
    """Binds with a column in the place of every literal."""

    def __init__(self, ctx: FunctionContext) -> None:
        super().__init__(ctx)
        self.literals: list[Typed] = []

    def _literal(self, node: exp.Literal) -> Typed:
        return self._moved(super()._literal(node))

    def _neg(self, node: exp.Neg) -> Typed:
        inner = node.this
        if isinstance(inner, exp.Literal) and inner.this.isdigit():
            return self._moved(casts.literal_integer(f"-{inner.this}", self.ctx))
        return super()._neg(node)

    def _moved(self, value: Typed) -> Typed:
        self.literals.append(value)
        return Typed(exp.column(f"c{len(self.literals) - 1}"), value.type)

    def rows(self) -> str:
        """Give two equal rows of the literals."""
        columns = ", ".join(f"{value.sql()} AS c{i}" for i, value in enumerate(self.literals))
        return f"SELECT {columns} FROM range(2)"


def connect() -> Any:
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    udfs.register(connection)
    return connection


class Session:
    """Evaluates expressions, and checks that DuckDB's type is the one that was declared."""

    def __init__(self) -> None:
        self.connection = connect()

    def typed(
        self, sql: str, ctx: FunctionContext | None = None, rows: str = "", **columns: str
    ) -> tuple[Any, DataType]:
        ctx = ctx or context()
        value = Evaluator(ctx, columns).bind(sql)
        typed_columns = [
            f"CAST({name} AS {duckdb_type(parse_type(t))}) AS {name}" for name, t in columns.items()
        ]
        source = f" FROM (SELECT {', '.join(typed_columns) or '*'} FROM ({rows}))" if rows else ""
        declared_type = f"typeof(CAST(NULL AS {duckdb_type(value.type)}))"
        query = f"SELECT typeof(v), {declared_type}, v FROM (SELECT {value.sql()} AS v{source})"
        table = self.connection.sql(query).to_arrow_table()
        actual, declared, result = (table.column(i).to_pylist() for i in range(3))
        if value.type.name != "void":
            assert actual == declared, (
                f"{sql}: DuckDB gives {actual[0]}, declared is {declared[0]}: {value.sql()}"
            )
        return (result if rows and len(result) != 1 else result[0]), value.type

    def checked(self, sql: str) -> tuple[Any, DataType]:
        """Evaluate an expression, and see that columns in the place of its literals give the same."""
        value, data_type = self.typed(sql)
        evaluator = ColumnEvaluator(context())
        try:
            bound = evaluator.bind(sql)
        except SqlError:
            # The function takes constants only.
            return value, data_type
        if evaluator.literals:
            assert bound.type == data_type
            # A table, so that nothing is folded.
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE literals AS {evaluator.rows()}")
            table = self.connection.sql(f"SELECT {bound.sql()} FROM literals").to_arrow_table()
            assert table.column(0).to_pylist() == [value, value], bound.sql()
        return value, data_type

    def value(self, sql: str, ctx: FunctionContext | None = None, rows: str = "", **columns: str) -> Any:
        return self.typed(sql, ctx, rows, **columns)[0]

    def type(self, sql: str, ctx: FunctionContext | None = None) -> str:
        return str(self.typed(sql, ctx)[1])

    def text(self, sql: str, ctx: FunctionContext | None = None) -> str | None:
        """Give the value as CAST to STRING writes it."""
        return self.value(f"cast({sql} as string)", ctx)
