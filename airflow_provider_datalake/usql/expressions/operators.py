"""C#'s operators."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.conversions import (
    cast,
    common_type,
    convert,
    is_implicit,
    operation_type,
)
from airflow_provider_datalake.usql.expressions.decimals import product, quotient
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.templates import grouped, may_fail, render
from airflow_provider_datalake.usql.expressions.texts import concatenated, is_text
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import BOOL, DATETIME, STRING, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

TIMESPAN = Type(Kind.TIMESPAN)
_ARITHMETIC: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "%": exp.Mod}
_ORDER: dict[str, type[exp.Binary]] = {"<": exp.LT, ">": exp.GT, "<=": exp.LTE, ">=": exp.GTE}
_BITS: dict[str, type[exp.Binary]] = {"&": exp.BitwiseAnd, "|": exp.BitwiseOr, "^": exp.BitwiseXor}
_WORDS = {"AND": "&&", "OR": "||"}
_CHECKED = {
    # Between 0001-01-01 and 9999-12-31, C#'s range.
    Kind.DATETIME: (
        "CASE WHEN :v BETWEEN -62135596800000000 AND 253402300799999999 THEN MAKE_TIMESTAMP(:v) ELSE "
        "ERROR('E_RUNTIME_USER_EXPRESSIONEVALUATION: The added or subtracted value results in an "
        "un-representable DateTime.') END"
    ),
}
_BEYOND = "CAST('Infinity' AS DOUBLE)"
"""SQL sorts NaN behind infinity, and takes it for equal to itself; in C# no comparison with it holds."""


def unary(operator: str, operand: Typed, span: Span) -> Typed:
    """
    Bind an operator with one operand.

    :param operator: ``-``, ``+``, ``!``, ``NOT`` or ``~``
    :param operand: the operand
    :param span: the whole expression
    :return: its value
    :raises CompileError: when the operand's type does not have it
    """
    kind = operand.type.kind
    if operator in ("!", "NOT") and kind is Kind.BOOL:
        return _value(exp.Not(this=grouped(operand.sql)), operand.type, span, operand)
    if operator == "~" and operand.type.is_integral:
        wide = convert(operand, _unary_type(operand.type), what="operator ~")
        return _value(exp.BitwiseNot(this=grouped(wide.sql)), wide.type, span, operand)
    if operator in ("-", "+") and (operand.type.is_numeric or kind is Kind.CHAR) and kind is not Kind.ULONG:
        wide = convert(
            operand, _unary_type(operand.type, negated=operator == "-"), what=f"operator {operator}"
        )
        sql = exp.Neg(this=grouped(wide.sql)) if operator == "-" else wide.sql
        return _value(sql, wide.type, span, operand)
    if operator == "-" and kind is Kind.TIMESPAN:
        return _value(exp.Neg(this=grouped(operand.sql)), operand.type, span, operand)
    raise invalid(f"Operator '{operator}' cannot be applied to operand of type '{operand.type}'", span)


def _unary_type(type_: Type, *, negated: bool = False) -> Type:
    kind = type_.kind
    if type_.is_integral or kind is Kind.CHAR:
        if kind not in (Kind.UINT, Kind.LONG, Kind.ULONG):
            kind = Kind.INT
        elif kind is Kind.UINT and negated:
            kind = Kind.LONG
    return Type(kind, optional=type_.optional)


def binary(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    """
    Bind an operator with two operands.

    :param operator: C#'s operator, ``AND`` or ``OR``
    :param left: the left operand
    :param right: the right operand
    :param span: the whole expression
    :return: its value
    :raises CompileError: when the operands' types do not have it
    """
    if operator in ("&&", "AND", "||", "OR"):
        return _logic(operator, left, right, span)
    if operator in ("==", "!="):
        return equality(operator, left, right, span)
    if operator in _ORDER:
        return _order(operator, left, right, span)
    if operator == "??":
        return _coalesce(left, right, span)
    if operator == "+" and (is_text(left) or is_text(right)):
        parts = [left, right]
        return Typed(concatenated(parts), STRING, span, _constant(left, right), filled=True)
    if Kind.DATETIME in (left.type.kind, right.type.kind) or Kind.TIMESPAN in (
        left.type.kind,
        right.type.kind,
    ):
        return _dates(operator, left, right, span)
    if operator in _BITS or operator in ("<<", ">>"):
        return _bits(operator, left, right, span)
    return _arithmetic(operator, left, right, span)


def _value(sql: exp.Expr, type_: Type, span: Span, *operands: Typed) -> Typed:
    return Typed(sql, type_, span, _constant(*operands))


def _constant(*operands: Typed) -> bool:
    return all(operand.constant for operand in operands)


def _mismatch(operator: str, left: Typed, right: Typed, span: Span) -> Exception:
    shown = _WORDS.get(operator, operator)
    names = [str(one.type) if not one.is_null else "<null>" for one in (left, right)]
    return invalid(
        f"Operator '{shown}' cannot be applied to operands of type '{names[0]}' and '{names[1]}'", span
    )


def _logic(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    if left.type != BOOL or right.type != BOOL:
        raise _mismatch(operator, left, right, span)
    is_and = operator in ("&&", "AND")
    node: exp.Expr
    if may_fail(right.sql):
        # SQL computes both sides for all rows, C# only those of the second that it needs.
        settled = exp.false() if is_and else exp.true()
        node = exp.Case(
            ifs=[exp.If(this=left.sql, true=right.sql if is_and else settled)],
            default=settled if is_and else right.sql,
        )
    else:
        node = (exp.And if is_and else exp.Or)(this=grouped(left.sql), expression=grouped(right.sql))
    return _value(node, BOOL, span, left, right)


def equality(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    """
    Bind ``==`` and ``!=``, for which null equals null.

    :param operator: which
    :param left: the left operand
    :param right: the right operand
    :param span: the whole expression
    :return: its value, never null
    :raises CompileError: when the types cannot be compared
    """
    negated = operator == "!="
    for one, other in ((left, right), (right, left)):
        if one.is_null:
            if not other.type.nullable:
                raise _mismatch(operator, left, right, span)
            test: exp.Expr = exp.Is(this=grouped(other.sql), expression=exp.null())
            return _value(exp.Not(this=test) if negated else test, BOOL, span, other)
    one, other = _comparable(operator, left, right, span)
    a, b = grouped(one.sql), grouped(other.sql)
    may_be_null = one.may_be_null or other.may_be_null
    node: exp.Expr
    if _may_be_nan(one) and _may_be_nan(other):
        template = ":a IS NOT DISTINCT FROM :b AND NOT COALESCE(ISNAN(:a), FALSE)"
        node = render(template if may_be_null else f":a = :b AND :a <= {_BEYOND}", a=a, b=b)
        node = exp.Not(this=exp.Paren(this=node)) if negated else node
    elif may_be_null:
        node = (exp.NullSafeNEQ if negated else exp.NullSafeEQ)(this=a, expression=b)
    else:
        node = (exp.NEQ if negated else exp.EQ)(this=a, expression=b)
    return _value(node, BOOL, span, left, right)


def _may_be_nan(value: Typed) -> bool:
    if value.type.kind not in (Kind.FLOAT, Kind.DOUBLE):
        return False
    sql = value.sql
    while isinstance(sql, exp.Paren | exp.Neg):
        sql = sql.this
    if isinstance(sql, exp.Cast) and isinstance(sql.this, exp.Literal):
        return sql.this.is_string
    # What was an integer, which operators and functions convert, is a number.
    return not (isinstance(sql, exp.Literal) or (isinstance(sql, exp.Cast) and value.whole))


def _comparable(operator: str, left: Typed, right: Typed, span: Span) -> tuple[Typed, Typed]:
    """Bring two operands to one type."""
    plain = left.type.as_required(), right.type.as_required()
    if plain[0] == plain[1]:
        if plain[0].kind in (Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY):
            raise _mismatch(operator, left, right, span)
        return left, right
    for enumeration, number in (plain, plain[::-1]):
        if enumeration.kind is Kind.ENUM and number.kind is not Kind.ENUM:
            raise _mismatch(operator, left, right, span)
    target = operation_type(left, right)
    if target is None:
        raise _mismatch(operator, left, right, span)
    return _lifted(left, target, operator), _lifted(right, target, operator)


def _lifted(value: Typed, target: Type, operator: str) -> Typed:
    wanted = target.as_nullable() if value.type.optional else target
    return convert(value, wanted, explicit=True, what=f"operator {operator}")


def _order(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    if left.type.kind in (Kind.BOOL, Kind.STRING, Kind.GUID, Kind.BINARY) or left.is_null or right.is_null:
        raise _mismatch(operator, left, right, span)
    a, b = _comparable(operator, left, right, span)
    larger = b if operator in ("<", "<=") else a
    node: exp.Expr = _ORDER[operator](this=grouped(a.sql), expression=grouped(b.sql))
    if _may_be_nan(larger):
        hole = ":b" if larger is b else ":a"
        node = render(f":a {operator} :b AND {hole} <= {_BEYOND}", a=a.sql, b=b.sql)
    if a.may_be_null or b.may_be_null:
        # A comparison with null is false, not null.
        node = exp.Coalesce(this=node, expressions=[exp.false()])
    return _value(node, BOOL, span, left, right)


def _coalesce(left: Typed, right: Typed, span: Span) -> Typed:
    if not left.type.nullable:
        raise _mismatch("??", left, right, span)
    if left.is_null:
        return right.at(span)
    plain = left.type.as_required()
    if is_implicit(right.type, plain):
        target = plain
    elif is_implicit(right.type, left.type):
        target = left.type
    elif is_implicit(plain, right.type):
        target = right.type
    else:
        raise _mismatch("??", left, right, span)
    wide = target.as_nullable() if left.type.optional else target
    first = convert(left, wide, what="operator ??")
    second = convert(right, target, what="operator ??")
    sql = exp.Coalesce(this=first.sql, expressions=[second.sql])
    return Typed(sql, target, span, _constant(left, right), filled=not second.may_be_null)


def _arithmetic(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    a, b = left, right
    if a.is_null and b.type.is_numeric:
        a = convert(a, b.type.as_nullable())
    if b.is_null and a.type.is_numeric:
        b = convert(b, a.type.as_nullable())
    target = operation_type(a, b)
    if target is None or operator not in (*_ARITHMETIC, "/"):
        raise _mismatch(operator, left, right, span)
    result = target.as_nullable() if a.type.optional or b.type.optional else target
    if target.kind is Kind.DECIMAL and operator in ("*", "/"):
        sql = product(a, b) if operator == "*" else quotient(a, b)
        return _value(sql, result, span, left, right)
    a, b = _lifted(a, target, operator), _lifted(b, target, operator)
    return _value(_computed(operator, a.sql, b.sql, target), result, span, left, right)


def _computed(operator: str, left: exp.Expr, right: exp.Expr, target: Type) -> exp.Expr:
    a, b = grouped(left), grouped(right)
    if operator == "/":
        if target.is_integral:
            return exp.IntDiv(this=a, expression=b)
        return exp.Div(this=a, expression=b, typed=False, safe=False)
    return _ARITHMETIC[operator](this=a, expression=b)


def _bits(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    kinds = left.type.kind, right.type.kind
    if operator in _BITS and kinds == (Kind.BOOL, Kind.BOOL):
        return _bool_bits(operator, left, right, span)
    if not left.type.is_integral or not right.type.is_integral:
        raise _mismatch(operator, left, right, span)
    if operator in ("<<", ">>"):
        return _shift(operator, left, right, span)
    target = operation_type(left, right)
    if target is None or not target.is_integral:
        raise _mismatch(operator, left, right, span)
    a, b = _lifted(left, target, operator), _lifted(right, target, operator)
    result = target.as_nullable() if a.type.optional or b.type.optional else target
    if operator == "^":
        return _value(render("XOR(:a, :b)", a=a.sql, b=b.sql), result, span, left, right)
    return _value(_BITS[operator](this=grouped(a.sql), expression=grouped(b.sql)), result, span, left, right)


def _bool_bits(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    """Bind ``&``, ``|`` and ``^`` of bools; with null they are three-valued in C# as they are in SQL."""
    result = Type(Kind.BOOL, optional=left.type.optional or right.type.optional)
    node = {"&": exp.And, "|": exp.Or, "^": exp.NEQ}[operator]
    return _value(node(this=grouped(left.sql), expression=grouped(right.sql)), result, span, left, right)


def _shift(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    target = _unary_type(left.type)
    wide = convert(left, target, what=f"operator {operator}")
    count_type = Type(Kind.INT, optional=right.type.optional)
    count = convert(right, count_type, what=f"operator {operator}")
    bits = 64 if target.kind in (Kind.LONG, Kind.ULONG) else 32
    # C# takes the lowest bits of the count; a power of two shifts negative numbers as C# does, too.
    power = f"CAST(POW(2, :n & {bits - 1}) AS HUGEINT)"
    if operator == ">>":
        rest = f"(CAST(:a AS HUGEINT) % {power} + {power}) % {power}"
        sql = render(f"(CAST(:a AS HUGEINT) - {rest}) // {power}", a=wide.sql, n=count.sql)
    else:
        kept = f"CAST(:a AS HUGEINT) & {2**bits - 1}"
        sql = render(f"(({kept}) * {power}) & {2**bits - 1}", a=wide.sql, n=count.sql)
        if target.kind in (Kind.INT, Kind.LONG):
            sql = render(f"CASE WHEN :v >= {2 ** (bits - 1)} THEN :v - {2**bits} ELSE :v END", v=sql)
    result = replace(target, optional=target.optional or right.type.optional)
    return _value(cast(sql, result), result, span, left, right)


def _dates(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    kinds = left.type.kind, right.type.kind
    optional = left.type.optional or right.type.optional
    if kinds == (Kind.DATETIME, Kind.DATETIME) and operator == "-":
        sql, type_ = render("EPOCH_US(:a) - EPOCH_US(:b)", a=left.sql, b=right.sql), TIMESPAN
    elif kinds == (Kind.DATETIME, Kind.TIMESPAN) and operator in ("+", "-"):
        moment = render(f"EPOCH_US(:a) {operator} :b", a=left.sql, b=right.sql)
        sql, type_ = render(_CHECKED[Kind.DATETIME], v=moment), DATETIME
        if optional:
            sql = render("CASE WHEN NOT :m IS NULL THEN :v END", m=moment, v=sql)
    elif kinds == (Kind.TIMESPAN, Kind.TIMESPAN) and operator in ("+", "-"):
        sql, type_ = render(f":a {operator} :b", a=left.sql, b=right.sql), TIMESPAN
    else:
        raise _mismatch(operator, left, right, span)
    return _value(sql, type_.as_nullable() if optional else type_, span, left, right)


def conditional(test: Typed, then: Typed, otherwise: Typed, span: Span) -> Typed:
    """
    Bind ``test ? then : otherwise``.

    :param test: the condition
    :param then: its value when it holds
    :param otherwise: its value when it does not
    :param span: the whole expression
    :return: its value
    """
    return cases([(condition_of(test), then)], otherwise, span, constant=_constant(test, then, otherwise))


def cases(
    branches: list[tuple[exp.Expr, Typed]], otherwise: Typed, span: Span, *, constant: bool = False
) -> Typed:
    """
    Bind a choice between values.

    :param branches: conditions with their values
    :param otherwise: the value when none holds
    :param span: the whole expression
    :param constant: whether all of it is constant
    :return: its value
    """
    values = [value for _, value in branches] + [otherwise]
    type_ = common_type(values)
    ifs = [exp.If(this=test, true=convert(value, type_, what="?:").sql) for test, value in branches]
    default = convert(otherwise, type_, what="?:").sql
    filled = all(not value.may_be_null for value in values)
    return Typed(exp.Case(ifs=ifs, default=default), type_, span, constant, filled)


def condition_of(value: Typed) -> exp.Expr:
    """
    Take a value as a condition.

    :param value: a bool
    :return: its SQL
    :raises CompileError: when it is of another type
    """
    if value.type != BOOL:
        raise invalid(f"Cannot implicitly convert type '{value.type}' to 'bool'", value.span)
    return value.sql


def condition(value: Typed) -> exp.Expr:
    """
    Take a value as a condition of WHERE, HAVING or ON, in the form that SQL finds rows fastest by.

    :param value: a bool
    :return: SQL that is true where it holds, and false or null elsewhere
    :raises CompileError: when it is of another type
    """
    return _searchable(condition_of(value))


_COMPARISONS = (exp.EQ, exp.LT, exp.GT, exp.LTE, exp.GTE, exp.In, exp.Between, exp.Like)


def _searchable(sql: exp.Expr) -> exp.Expr:
    """Rewrite what is never null to what is null instead of false, which indexes and statistics serve."""
    if isinstance(sql, exp.Paren):
        return exp.Paren(this=_searchable(sql.this))
    if isinstance(sql, exp.And | exp.Or):
        return type(sql)(this=_searchable(sql.this), expression=_searchable(sql.expression))
    if isinstance(sql, exp.NullSafeEQ) and any(_is_constant(side) for side in (sql.this, sql.expression)):
        return exp.EQ(this=sql.this, expression=sql.expression)
    if isinstance(sql, exp.Coalesce) and sql.expressions == [exp.false()]:
        return sql.this if isinstance(sql.this, _COMPARISONS) else sql
    if isinstance(sql, exp.Case) and sql.args.get("default") == exp.false() and len(sql.args["ifs"]) == 1:
        # The first side of && alone finds rows, too; the second one is computed for these only.
        first = sql.args["ifs"][0].this
        if not may_fail(first):
            return exp.And(this=grouped(_searchable(first)), expression=sql)
    return sql


def _is_constant(sql: exp.Expr) -> bool:
    while isinstance(sql, exp.Paren | exp.Cast | exp.Neg):
        sql = sql.this
    return isinstance(sql, exp.Literal | exp.Boolean)
