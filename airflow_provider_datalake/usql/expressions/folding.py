"""Constants: from values to typed SQL, and back by computing them when the script is compiled."""

from __future__ import annotations

import datetime
import math
import threading
import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError, Diagnostic
from airflow_provider_datalake.usql.expressions.conversions import cast
from airflow_provider_datalake.usql.expressions.failures import EVALUATION, NOT_CONSTANT, invalid
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.sql_types import DECIMAL_PRECISION, DECIMAL_SCALE
from airflow_provider_datalake.usql.types import Kind, Type

if TYPE_CHECKING:
    import duckdb

    from airflow_provider_datalake.usql.diagnostics import Span

_lock = threading.Lock()
_connections: list[duckdb.DuckDBPyConnection] = []


def fold(value: Typed) -> Any:
    """
    Compute a constant expression.

    :param value: the expression
    :return: its value in Python
    :raises CompileError: when it is not constant, or cannot be computed
    """
    import duckdb

    if not value.constant:
        raise _failure("Expression cannot be constant folded.", value.span)
    try:
        with _lock:
            row = _connection().execute(f"SELECT {value.sql.sql(dialect='duckdb')}").fetchone()
    except duckdb.Error as error:
        raise _failure(f"Expression cannot be constant folded: {_words(error)}", value.span) from error
    return row[0] if row else None


def _connection() -> duckdb.DuckDBPyConnection:
    import duckdb

    from airflow_provider_datalake.usql.backends.duckdb.numbers import MACROS

    if not _connections:
        connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False})
        for macro in MACROS:
            connection.execute(macro)
        _connections.append(connection)
    return _connections[0]


def _words(error: Exception) -> str:
    text = str(error).split("\n", 1)[0]
    return text.partition(f"{EVALUATION}: ")[2] or text.partition("Error: ")[2] or text


def _failure(message: str, span: Span) -> CompileError:
    return CompileError(
        Diagnostic(
            NOT_CONSTANT,
            message,
            span,
            description="Expression cannot be constant folded.",
            resolution="Use constants, variables and simple operators.",
        )
    )


def literal(value: Any, type_: Type, span: Span = NOWHERE) -> Typed:
    """
    Make a constant of a value.

    :param value: as ``fold`` gives it
    :param type_: its type
    :param span: where it stands
    :return: the constant
    :raises CompileError: for a decimal that cannot be held
    """
    if isinstance(value, Decimal):
        _check_decimal(value, span)
    if value is None:
        return Typed(cast(exp.null(), type_), type_, span, constant=True)
    return Typed(_sql(value, type_), type_, span, constant=True, filled=True)


def default(type_: Type, span: Span = NOWHERE) -> Typed:
    """
    Make the value that C# gives what has none.

    :param type_: a type
    :param span: where it stands
    :return: 0 or its like; null for a type that may be null
    """
    zeros: dict[Kind, Any] = {
        Kind.BOOL: False,
        Kind.DATETIME: datetime.datetime(1, 1, 1),
        Kind.GUID: uuid.UUID(int=0),
    }
    return literal(None if type_.nullable else zeros.get(type_.kind, 0), type_, span)


def _check_decimal(value: Decimal, span: Span) -> None:
    limit = 10 ** (DECIMAL_PRECISION - DECIMAL_SCALE)
    if not value.is_finite() or abs(value) >= limit:
        raise invalid(f"the decimal {value} is too large: {limit:e} and more cannot be held", span)
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMAL_SCALE:
        raise invalid(f"the decimal {value} has more than {DECIMAL_SCALE} digits behind its point", span)


def _sql(value: Any, type_: Type) -> exp.Expr:
    kind = type_.kind
    if kind is Kind.STRING:
        return exp.Literal.string(value)
    if kind is Kind.BOOL:
        return exp.true() if value else exp.false()
    if kind is Kind.INT:
        return cast(_number(value), type_)
    if isinstance(value, bytes):
        return exp.func("UNHEX", exp.Literal.string(value.hex()), dialect="duckdb")
    if isinstance(value, dict):
        keys = [_sql(key, type_.key) for key in value] if type_.key else []
        items = [_sql_or_null(item, type_.element) for item in value.values()]
        return cast(exp.Map(keys=exp.Array(expressions=keys), values=exp.Array(expressions=items)), type_)
    if isinstance(value, list):
        return cast(exp.Array(expressions=[_sql_or_null(item, type_.element) for item in value]), type_)
    if kind is Kind.DOUBLE:
        value = float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return cast(exp.Literal.string(str(value)), type_)
    if kind is Kind.DOUBLE:
        return _number(value)
    if isinstance(value, (int, float, Decimal)):
        return cast(_number(value), type_)
    if isinstance(value, (datetime.datetime, uuid.UUID)):
        return cast(exp.Literal.string(str(value)), type_)
    raise TypeError(f"no constant of type {type_} can be made of {value!r}")


def _sql_or_null(value: Any, type_: Type | None) -> exp.Expr:
    if value is None or type_ is None:
        return exp.null()
    return _sql(value, type_)


def _number(value: float | int | Decimal) -> exp.Expr:
    text = str(abs(value))
    if isinstance(value, Decimal):
        text = f"{abs(value):f}"
    elif isinstance(value, float) and "e" not in text:
        text += "e0"  # else SQL would read a decimal, and lose digits on the way to a double
    number: exp.Expr = exp.Literal.number(text)
    return exp.Neg(this=number) if math.copysign(1, value) < 0 else number
