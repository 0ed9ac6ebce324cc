"""
Operators: arithmetic, comparison, logic, patterns, lists and bits, with MaxCompute's conversions and types.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.casts import cast, coerce, common_type, decimal_for
from airflow_provider_datalake.emulator.maxcompute.sql.errors import InvalidArgumentType, SemanticError
from airflow_provider_datalake.emulator.maxcompute.sql.typed import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    FLOAT,
    INT,
    STRING,
    VOID,
    FunctionContext,
    Typed,
    boolean,
    decimal,
    duckdb_cast,
    emit,
    integer,
    null,
    template,
)
from airflow_provider_datalake.emulator.maxcompute.types import INTEGERS, DataType, duckdb_type

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMPARISONS = {"=": "{0} = {1}", "==": "{0} = {1}", "<>": "{0} <> {1}", "!=": "{0} <> {1}"}
_COMPARISONS |= {op: f"{{0}} {op} {{1}}" for op in ("<", "<=", ">", ">=")}
_COMPARISONS["<=>"] = "{0} IS NOT DISTINCT FROM {1}"
_COMPARISONS["IS DISTINCT FROM"] = "{0} IS DISTINCT FROM {1}"
_COMPARISONS["IS NOT DISTINCT FROM"] = "{0} IS NOT DISTINCT FROM {1}"
_LOGICAL = {"AND": "{0} AND {1}", "OR": "{0} OR {1}"}
_BITWISE = {"&": "{0} & {1}", "|": "{0} | {1}", "^": "xor({0}, {1})"}
_ARITHMETIC = ("+", "-", "*", "/", "%", "DIV")


def bind_binary(op: str, left: Typed, right: Typed, ctx: FunctionContext) -> Typed:
    """
    Bind an operator with two operands.

    :param op: ``+ - * / % DIV = <> < <= > >= <=> AND OR || & | ^ LIKE RLIKE``, ``IS [NOT] DISTINCT FROM``
    :param left: the left operand
    :param right: the right operand
    :param ctx: the statement
    :return: the operator's value
    :raises SemanticError: when it does not take these types
    """
    op = op.upper()
    if op in _COMPARISONS:
        return _compare(op, left, right, ctx)
    if op in _ARITHMETIC:
        return _arithmetic(op, left, right, ctx)
    if op in _LOGICAL:
        return emit(BOOLEAN, _LOGICAL[op], condition(left, op), condition(right, op))
    if op in _BITWISE:
        return _bits(op, left, right)
    if op == "||":
        return emit(STRING, "{0} || {1}", coerce(left, STRING, ctx), coerce(right, STRING, ctx))
    if op == "LIKE":
        return bind_like(left, right, ctx)
    if op in ("RLIKE", "REGEXP"):
        return bind_rlike(left, right, ctx)
    raise SemanticError(f"operator {op} is not supported")


def bind_unary(op: str, value: Typed, ctx: FunctionContext) -> Typed:
    """
    Bind an operator with one operand.

    :param op: ``- + ~ NOT``, ``IS NULL``, ``IS TRUE`` or ``IS FALSE``
    :param value: the operand
    :param ctx: the statement
    :return: the operator's value
    :raises SemanticError: when it does not take this type
    """
    op = op.upper()
    if op == "NOT":
        return emit(BOOLEAN, "NOT {0}", condition(value, op))
    if op == "IS NULL":
        return emit(BOOLEAN, "{0} IS NULL", value)
    if op in ("IS TRUE", "IS FALSE"):
        wanted = boolean(op == "IS TRUE")
        return emit(BOOLEAN, "{0} IS NOT DISTINCT FROM {1}", condition(value, op), wanted)
    if op == "~":
        if not value.type.is_integer:
            raise _refuse(op, value)
        return emit(value.type, "~{0}", value)
    if op in ("-", "+"):
        number = coerce(value, DOUBLE, ctx) if value.type.is_text or value.type == VOID else value
        if not number.type.is_numeric:
            raise _refuse(op, value)
        return number if op == "+" else _negate(number)
    raise SemanticError(f"operator {op} is not supported")


def condition(value: Typed, where: str) -> Typed:
    """
    Check that a value can be a condition.

    :param value: the operand of AND, OR, NOT, WHERE, ...
    :param where: what uses it, for the message
    :return: the value as a BOOLEAN
    :raises SemanticError: when it is not one
    """
    if value.type == VOID:
        return null(BOOLEAN)
    if value.type != BOOLEAN:
        raise InvalidArgumentType(f"{where} needs BOOLEAN, not {str(value.type).upper()}")
    return value


def bind_between(value: Typed, low: Typed, high: Typed, ctx: FunctionContext) -> Typed:
    """
    Bind ``value BETWEEN low AND high``.

    :param value: the value
    :param low: the lower bound, included
    :param high: the upper bound, included
    :param ctx: the statement
    :return: the condition
    """
    return bind_binary("AND", _compare(">=", value, low, ctx), _compare("<=", value, high, ctx), ctx)


def bind_in(value: Typed, candidates: Sequence[Typed], ctx: FunctionContext) -> Typed:
    """
    Bind ``value IN (a, b, ...)``.

    :param value: the value
    :param candidates: the list, not empty
    :param ctx: the statement
    :return: the condition
    """
    target = value.type
    for candidate in candidates:
        target = comparison_type(target, candidate.type)
    members = [cast(c, target, ctx) for c in candidates]
    key = cast(value, target, ctx)
    constant = key.constant and all(m.constant for m in members)
    return Typed(exp.In(this=_atom(key), expressions=[m.expr for m in members]), BOOLEAN, constant=constant)


def comparison_type(left: DataType, right: DataType) -> DataType:
    """
    Name the type in which two values are compared.

    :param left: one type
    :param right: the other
    :return: the type that both are converted to
    :raises SemanticError: when they cannot be compared
    """
    if left == right or right == VOID:
        return left
    if left == VOID:
        return right
    if left.is_text and right.is_text:
        return STRING
    text_side, other = (left, right) if left.is_text else (right, left)
    if text_side.is_text:
        if other.is_integer or other.name in ("float", "double"):
            return DOUBLE
        if other.name == "decimal":
            return decimal(38, 18)
        if other.is_temporal:
            return other
    elif left.is_numeric and right.is_numeric:
        return common_type((left, right))
    elif (left.is_temporal and right.is_temporal) or (left.children and left.name == right.name):
        return common_type((left, right))
    raise InvalidArgumentType(f"{str(left).upper()} cannot be compared with {str(right).upper()}")


def bind_like(value: Typed, pattern: Typed, ctx: FunctionContext, escape: Typed | None = None) -> Typed:
    r"""
    Bind ``value LIKE pattern``, whose escape character is the backslash.

    :param value: a STRING
    :param pattern: a STRING
    :param ctx: the statement
    :param escape: another escape character, constant
    :return: the condition
    """
    sides = [_text_operand(v, "LIKE") for v in (value, pattern)]
    character = "\\" if escape is None else constant_text(escape, "LIKE", "the escape character")
    if len(character) != 1:
        raise SemanticError("LIKE's escape must be one character")
    like = exp.Escape(
        this=exp.Like(this=_atom(sides[0]), expression=_atom(sides[1])),
        expression=exp.Literal.string(character),
    )
    return Typed(like, BOOLEAN, constant=sides[0].constant and sides[1].constant)


def bind_rlike(value: Typed, pattern: Typed, ctx: FunctionContext) -> Typed:
    """
    Bind ``value RLIKE pattern``: whether the pattern matches anywhere.

    :param value: a STRING
    :param pattern: a STRING; a constant one is checked
    :param ctx: the statement
    :return: the condition
    """
    source, regex = _text_operand(value, "RLIKE"), _text_operand(pattern, "RLIKE")
    if isinstance(regex.expr, exp.Literal):
        check_pattern(str(regex.expr.this), "RLIKE")
    return emit(BOOLEAN, "regexp_matches({0}, {1})", source, regex)


def check_pattern(pattern: str, where: str) -> str:
    """
    Refuse a regular expression that would mean something else here than on the service.

    :param pattern: the pattern
    :param where: the function or operator, for the message
    :return: the pattern
    :raises SemanticError: when it is empty, or has look-around, back-references or possessive quantifiers
    """
    if not pattern:
        raise SemanticError(f"{where}: the pattern must not be empty")
    bare = re.sub(r"\\[^1-9]", "", pattern)
    for syntax, name in (
        (r"\(\?(=|!|<=|<!)", "look-around"),
        (r"\\[1-9]", "back-reference"),
        (r"\(\?>|[*+?}]\+", "atomic group or possessive quantifier"),
    ):
        if re.search(syntax, bare):
            raise SemanticError(f"{where}: a {name} in the pattern {pattern!r} is not supported")
    return pattern


def constant_text(value: Typed, function: str, what: str) -> str:
    """
    Read an argument that must be a STRING constant.

    :param value: the argument
    :param function: whose argument it is, for the message
    :param what: what it means, for the message
    :return: its characters
    :raises SemanticError: when it is anything else
    """
    if isinstance(value.expr, exp.Literal) and value.expr.is_string and value.type.is_text:
        return str(value.expr.this)
    raise InvalidArgumentType(f"{function}: {what} must be a constant STRING")


def _compare(op: str, left: Typed, right: Typed, ctx: FunctionContext) -> Typed:
    if left.type == VOID and right.type == VOID:
        return emit(BOOLEAN, f"CAST({_COMPARISONS[op]} AS BOOLEAN)", left, right)
    target = comparison_type(left.type, right.type)
    if target.name == "map" and op not in ("<=>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"):
        raise InvalidArgumentType(f"MAP values cannot be compared with {op}")
    return emit(BOOLEAN, _COMPARISONS[op], _comparable(left, target, ctx), _comparable(right, target, ctx))


def _comparable(value: Typed, target: DataType, ctx: FunctionContext) -> Typed:
    # DuckDB compares integers of different width, and integers with decimals, natively and exactly.
    if value.type.is_integer and target.is_integer:
        return value
    return cast(value, target, ctx)


def _arithmetic(op: str, left: Typed, right: Typed, ctx: FunctionContext) -> Typed:
    left, right = (_number(op, v, ctx) for v in (left, right))
    if op == "DIV":
        return _integer_division(left, right)
    if op == "/":
        return _divide(left, right)
    target = common_type((left.type, right.type))
    if target.name == "decimal":
        return _decimal(op, left, right)
    if target.is_integer:
        return _integers(op, left, right, target)
    a, b = cast(left, target, ctx), cast(right, target, ctx)
    if op == "%":
        return emit(target, "CASE WHEN {1} <> 0 THEN {0} % {1} END", a, b)
    return emit(target, f"{{0}} {op} {{1}}", a, b)


def _number(op: str, value: Typed, ctx: FunctionContext) -> Typed:
    if value.type.is_text or value.type == VOID:
        return cast(value, DOUBLE, ctx)
    if not value.type.is_numeric:
        raise _refuse(op, value)
    return value


def _integers(op: str, left: Typed, right: Typed, target: DataType) -> Typed:
    # DuckDB computes in the wider type and raises when that overflows.
    wide = max((left.type, right.type), key=lambda t: INTEGERS.index(t.name))
    a = left if left.type == wide else Typed(duckdb_cast(left.expr, wide), wide, constant=left.constant)
    b = right
    if op == "%":
        if isinstance(b.expr, exp.Literal) and int(b.expr.this) != 0:
            return emit(target, "{0} % {1}", a, b)
        return emit(target, "{0} % nullif({1}, 0)", a, b)
    return emit(target, f"{{0}} {op} {{1}}", a, b)


def _divide(left: Typed, right: Typed) -> Typed:
    if "decimal" in (left.type.name, right.type.name) and not {left.type.name, right.type.name} & {
        "float",
        "double",
    }:
        return _decimal("/", left, right)
    a, b = (
        v if v.type == DOUBLE else Typed(duckdb_cast(v.expr, DOUBLE), DOUBLE, constant=v.constant)
        for v in (left, right)
    )
    if isinstance(right.expr, exp.Literal) and float(right.expr.this) != 0:
        return emit(DOUBLE, "{0} / {1}", a, b)
    return emit(DOUBLE, "{0} / nullif({1}, 0)", a, b)


def _integer_division(left: Typed, right: Typed) -> Typed:
    if left.type.is_integer and right.type.is_integer:
        target = common_type((left.type, right.type, BIGINT))
        a, b = (Typed(duckdb_cast(v.expr, target), target, constant=v.constant) for v in (left, right))
        return emit(target, "{0} // nullif({1}, 0)", a, b)
    if {left.type.name, right.type.name} & {"float", "double"}:
        return emit(
            BIGINT, "CAST(trunc(CAST({0} AS DOUBLE) / nullif(CAST({1} AS DOUBLE), 0)) AS BIGINT)", left, right
        )
    quotient = _decimal("/", left, right)
    return emit(BIGINT, "CAST(trunc({0}) AS BIGINT)", quotient)


def _decimal(op: str, left: Typed, right: Typed) -> Typed:
    (p1, s1), (p2, s2) = decimal_for(left.type).args, decimal_for(right.type).args
    a, b = (
        v
        if v.type.name == "decimal"
        else Typed(duckdb_cast(v.expr, decimal_for(v.type)), decimal_for(v.type), v.constant)
        for v in (left, right)
    )
    if op in ("+", "-"):
        scale = max(s1, s2)
        target = _bounded(max(p1 - s1, p2 - s2) + scale + 1, scale)
        return emit(target, f"CAST({{0}} {op} {{1}} AS {duckdb_type(target)})", a, b)
    if op == "*":
        target = _bounded(p1 + p2 + 1, s1 + s2)
        if s1 + s2 <= target.args[1]:
            return emit(target, f"CAST({{0}} * {{1}} AS {duckdb_type(target)})", a, b)
        if p1 + p2 <= 38:
            product = emit(decimal(p1 + p2, s1 + s2), "{0} * {1}", a, b)
            return Typed(cut_decimal(product, target), target, product.constant)
        return _exact("mc_decimal_multiply({0}, {1}, {2})", a, b, target)
    if op == "%":
        scale = max(s1, s2)
        target = _bounded(max(p1 - s1, p2 - s2) + scale, scale)
        return emit(target, "CAST({0} % nullif({1}, 0) AS " + duckdb_type(target) + ")", a, b)
    scale = max(6, s1 + p2 + 1)
    return _exact("mc_decimal_divide({0}, {1}, {2})", a, b, _bounded(p1 - s1 + s2 + scale, scale))


def _exact(call: str, left: Typed, right: Typed, target: DataType) -> Typed:
    """Compute with Python's decimals what does not fit into DuckDB's 38 digits on the way."""
    sides = [Typed(duckdb_cast(v.expr, STRING), STRING, v.constant) for v in (left, right)]
    result = emit(STRING, call, *sides, integer(target.args[1]))
    return Typed(duckdb_cast(result.expr, target), target, result.constant)


def cut_decimal(value: Typed, target: DataType) -> exp.Expression:
    """
    Give a DECIMAL another scale, dropping digits as the service does, where DuckDB's cast rounds.

    :param value: a DECIMAL
    :param target: the DECIMAL asked for
    :return: an expression of exactly that type
    """
    if value.type == target:
        return value.expr
    if value.type.args[1] > target.args[1]:
        return duckdb_cast(template("trunc({0}, {1})", value, integer(target.args[1], INT)), target)
    return duckdb_cast(value.expr, target)


def _bounded(precision: int, scale: int) -> DataType:
    """Fit a result into 38 digits, of which the service keeps at most 18 after the point."""
    kept = min(scale, 18)
    return decimal(min(precision - scale + kept, 38), kept)


def _bits(op: str, left: Typed, right: Typed) -> Typed:
    for value in (left, right):
        if not value.type.is_integer and value.type != VOID:
            raise _refuse(op, value)
    target = common_type((left.type, right.type))
    if target == VOID:
        return null(BIGINT)
    a, b = (
        v if v.type == target else Typed(duckdb_cast(v.expr, target), target, v.constant)
        for v in (left, right)
    )
    return emit(target, _BITWISE[op], a, b)


def _negate(value: Typed) -> Typed:
    if isinstance(value.expr, exp.Literal) and value.type in (INT, DOUBLE, FLOAT):
        return Typed(exp.Paren(this=exp.Neg(this=value.expr)), value.type, constant=True, node=value.node)
    return Typed(duckdb_cast(template("-{0}", value), value.type), value.type, constant=value.constant)


def _text_operand(value: Typed, where: str) -> Typed:
    if value.type == VOID:
        return null(STRING)
    if not value.type.is_text:
        raise InvalidArgumentType(f"{where} needs STRING, not {str(value.type).upper()}")
    return value


def _atom(value: Typed) -> exp.Expression:
    return (
        template("{0}", value)
        if isinstance(value.expr, exp.Column | exp.Literal)
        else exp.Paren(this=value.expr)
    )


def _refuse(op: str, value: Typed) -> SemanticError:
    return InvalidArgumentType(f"operator {op} does not take {str(value.type).upper()}")
