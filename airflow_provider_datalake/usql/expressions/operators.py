"""C#'s operators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.expressions.conversions import (
    cast,
    common_type,
    convert,
    is_implicit,
    promoted,
)
from airflow_provider_datalake.usql.expressions.failures import invalid
from airflow_provider_datalake.usql.expressions.templates import grouped, render
from airflow_provider_datalake.usql.expressions.texts import concatenated, is_text
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import BOOL, DATETIME, LONG, STRING, Kind, Type

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.diagnostics import Span

TIMESPAN = Type(Kind.TIMESPAN)
_ARITHMETIC: dict[str, type[exp.Binary]] = {"+": exp.Add, "-": exp.Sub, "*": exp.Mul, "%": exp.Mod}
_ORDER: dict[str, type[exp.Binary]] = {"<": exp.LT, ">": exp.GT, "<=": exp.LTE, ">=": exp.GTE}
_BITS: dict[str, type[exp.Binary]] = {"&": exp.BitwiseAnd, "|": exp.BitwiseOr, "^": exp.BitwiseXor}
_LOGIC: dict[str, type[exp.Binary]] = {"&&": exp.And, "AND": exp.And, "||": exp.Or, "OR": exp.Or}
_WORDS = {"AND": "&&", "OR": "||"}


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
    if operator in ("!", "NOT") and kind is Kind.BOOL and not operand.type.optional:
        return _value(exp.Not(this=grouped(operand.sql)), BOOL, span, operand)
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
    wide = promoted(type_.as_required(), Type(Kind.INT)) if type_.kind is not Kind.UINT else type_
    if negated and type_.kind is Kind.UINT:
        wide = LONG
    wide = wide or type_
    return wide.as_nullable() if type_.optional else wide.as_required()


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
    if operator in _LOGIC:
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
    node = _LOGIC[operator](this=grouped(left.sql), expression=grouped(right.sql))
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
    pair = _comparable(operator, left, right, span)
    a, b = grouped(pair[0].sql), grouped(pair[1].sql)
    node: exp.Expr
    if pair[0].may_be_null or pair[1].may_be_null:
        node = (exp.NullSafeNEQ if negated else exp.NullSafeEQ)(this=a, expression=b)
    else:
        node = (exp.NEQ if negated else exp.EQ)(this=a, expression=b)
    return _value(node, BOOL, span, left, right)


def _comparable(operator: str, left: Typed, right: Typed, span: Span) -> tuple[Typed, Typed]:
    """Bring two operands to one type."""
    plain = left.type.as_required(), right.type.as_required()
    if plain[0] == plain[1]:
        if plain[0].kind in (Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY):
            raise _mismatch(operator, left, right, span)
        return left, right
    target = promoted(*plain)
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
    node: exp.Expr = _ORDER[operator](this=grouped(a.sql), expression=grouped(b.sql))
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
    target = promoted(a.type.as_required(), b.type.as_required())
    if target is None and (fitted := _constants_fitted(a, b)):
        a, b = fitted
        target = promoted(a.type.as_required(), b.type.as_required())
    if target is None or operator not in (*_ARITHMETIC, "/"):
        raise _mismatch(operator, left, right, span)
    result = target.as_nullable() if a.type.optional or b.type.optional else target
    a, b = _lifted(a, target, operator), _lifted(b, target, operator)
    return _value(_computed(operator, a.sql, b.sql, target), result, span, left, right)


def _constants_fitted(left: Typed, right: Typed) -> tuple[Typed, Typed] | None:
    """Let a positive constant go with ulong, as C# does."""
    for one, other, swapped in ((left, right, False), (right, left, True)):
        if one.type.kind is Kind.ULONG and other.constant and other.type.is_integral:
            fitted = convert(other, one.type.as_required(), what="operator")
            return (fitted, one) if swapped else (one, fitted)
    return None


def _computed(operator: str, left: exp.Expr, right: exp.Expr, target: Type) -> exp.Expr:
    a, b = grouped(left), grouped(right)
    if operator == "/":
        if target.is_integral:
            return exp.IntDiv(this=a, expression=b)
        if target.kind is Kind.DECIMAL:
            return _decimal_quotient(a, b)
        return exp.Div(this=a, expression=b, typed=False, safe=False)
    if operator == "*" and target.kind is Kind.DECIMAL:
        # The product of two scales of 10 has 20 digits behind its point; what does not fit is an error.
        return cast(render("CAST(:a AS DECIMAL(38, 10)) * CAST(:b AS DECIMAL(38, 10))", a=a, b=b), target)
    node = _ARITHMETIC[operator](this=a, expression=b)
    if target.kind in (Kind.FLOAT, Kind.DECIMAL):
        return cast(node, target)
    return node


def _decimal_quotient(a: exp.Expr, b: exp.Expr) -> exp.Expr:
    """Divide decimals; SQL's division is one of doubles, so that only 15 digits are sure."""
    return render(
        "CASE WHEN :b = 0 THEN ERROR('E_RUNTIME_USER_EXPRESSIONEVALUATION: Attempted to divide by zero.') "
        "ELSE CAST(CAST(:a AS DOUBLE) / CAST(:b AS DOUBLE) AS DECIMAL(38, 10)) END",
        a=a,
        b=b,
    )


def _bits(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    if operator in _BITS and left.type == BOOL and right.type == BOOL:
        if operator == "^":
            return _value(
                exp.NEQ(this=grouped(left.sql), expression=grouped(right.sql)), BOOL, span, left, right
            )
        return _logic("&&" if operator == "&" else "||", left, right, span)
    if not left.type.is_integral or not right.type.is_integral:
        raise _mismatch(operator, left, right, span)
    if operator in ("<<", ">>"):
        return _shift(operator, left, right, span)
    target = promoted(left.type.as_required(), right.type.as_required())
    if target is None:
        raise _mismatch(operator, left, right, span)
    a, b = _lifted(left, target, operator), _lifted(right, target, operator)
    result = target.as_nullable() if a.type.optional or b.type.optional else target
    return _value(_BITS[operator](this=grouped(a.sql), expression=grouped(b.sql)), result, span, left, right)


def _shift(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    target = _unary_type(left.type)
    wide = convert(left, target, what=f"operator {operator}")
    count = convert(right, Type(Kind.INT), explicit=True, what=f"operator {operator}")
    mask = 63 if target.kind in (Kind.LONG, Kind.ULONG) else 31
    # C# takes the lowest bits of the count; a power of two shifts negative numbers as C# does, too.
    power = render("CAST(POW(2, :n & :m) AS HUGEINT)", n=count.sql, m=exp.Literal.number(mask))
    if operator == "<<":
        sql = render("CAST(:a AS HUGEINT) * :p", a=wide.sql, p=power)
    else:
        sql = render("CAST(FLOOR(CAST(:a AS HUGEINT) / :p) AS HUGEINT)", a=wide.sql, p=power)
    return _value(cast(sql, target), target, span, left, right)


def _dates(operator: str, left: Typed, right: Typed, span: Span) -> Typed:
    kinds = left.type.kind, right.type.kind
    optional = left.type.optional or right.type.optional
    if kinds == (Kind.DATETIME, Kind.DATETIME) and operator == "-":
        sql, type_ = render("EPOCH_US(:a) - EPOCH_US(:b)", a=left.sql, b=right.sql), TIMESPAN
    elif kinds == (Kind.DATETIME, Kind.TIMESPAN) and operator in ("+", "-"):
        template = f"MAKE_TIMESTAMP(EPOCH_US(:a) {operator} :b)"
        sql, type_ = render(template, a=left.sql, b=right.sql), DATETIME
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
    Take a value as a condition of WHERE, HAVING or ON.

    :param value: a bool
    :return: its SQL
    :raises CompileError: when it is of another type
    """
    return condition_of(value)
