"""Uses of members: which type has them, which overload is meant, and their SQL."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import CompileError
from airflow_provider_datalake.usql.expressions.conversions import convert, fits, is_implicit
from airflow_provider_datalake.usql.expressions.failures import (
    NO_VALUE,
    NULL_REFERENCE,
    invalid,
    raising,
    unsupported,
)
from airflow_provider_datalake.usql.expressions.folding import default, fold, literal
from airflow_provider_datalake.usql.expressions.members import UNSUPPORTED, members
from airflow_provider_datalake.usql.expressions.operators import equality
from airflow_provider_datalake.usql.expressions.templates import argument, grouped, render, required
from airflow_provider_datalake.usql.expressions.typed import Typed
from airflow_provider_datalake.usql.types import BOOL, Kind, Type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.expressions.members.registry import Member

_LINQ = frozenset(
    "Select Where SelectMany Any All First FirstOrDefault Last Single OrderBy OrderByDescending GroupBy Skip "
    "Take Sum Average Min Max Aggregate Distinct ToList ToArray Reverse Zip Union Concat".split()
)


def owner_of(type_: Type) -> str:
    """
    Give the name under which a type's members are kept.

    :param type_: a value's type
    :return: e.g. ``string``, ``SqlArray``, ``DayOfWeek``
    """
    return type_.name if type_.kind is Kind.ENUM else type_.kind.value


def use(
    receiver: Typed, name: str, arguments: Sequence[Typed] | None, span: Span, *, safe: bool = False
) -> Typed:
    """
    Use a member of a value.

    :param receiver: the value
    :param name: the member
    :param arguments: a method's arguments, None for a property
    :param span: the whole expression
    :param safe: whether ``?.`` stands there, which gives null for null
    :return: its value
    :raises CompileError: when there is no such member
    """
    if receiver.type.optional and not safe:
        if found := _nullable_member(receiver, name, arguments, span):
            return found
        raise _unknown(receiver.type, name, arguments, span)
    if receiver.is_null:
        raise invalid("Operator '.' cannot be applied to operand of type '<null>'", span)
    plain = receiver.type.as_required()
    member = _find(owner_of(plain), name, arguments, span, static=False)
    if member is None:
        raise _unknown(plain, name, arguments, span)
    # A column may be named twice at no cost, and is tested once however often the member uses it.
    tested = receiver.may_be_null and (safe or isinstance(receiver.sql, exp.Column))
    sql = receiver.sql if tested else required(receiver)
    value = _used(member, replace(receiver, sql=sql, type=plain, filled=True), list(arguments or ()), span)
    if not tested:
        return value
    instead = exp.null() if safe else raising(NULL_REFERENCE)
    test = exp.If(this=exp.Is(this=grouped(receiver.sql), expression=exp.null()), true=instead)
    found = replace(value, sql=exp.Case(ifs=[test], default=value.sql))
    return replace(found, type=value.type.as_nullable(), filled=False) if safe else found


def use_static(owner: str, name: str, arguments: Sequence[Typed] | None, span: Span) -> Typed | None:
    """
    Use a static member of a type.

    :param owner: the type, e.g. ``Math``
    :param name: the member; ``new`` for a constructor
    :param arguments: a method's arguments, None for a property
    :param span: the whole expression
    :return: its value, None when there is no such member
    :raises CompileError: when the arguments fit no overload
    """
    member = _find(owner, name, arguments, span, static=True)
    return None if member is None else _used(member, None, list(arguments or ()), span)


def has_owner(name: str) -> bool:
    """
    Tell whether a name is a type with static members.

    :param name: the name
    :return: whether it is
    """
    return any(owner == name and one.static for (owner, _), all_ in members().items() for one in all_)


def _find(
    owner: str, name: str, arguments: Sequence[Typed] | None, span: Span, *, static: bool
) -> Member | None:
    overloads = [one for one in members().get((owner, name), ()) if one.static is static]
    if not overloads:
        return None
    if arguments is None:
        return next((one for one in overloads if one.parameters is None), None)
    for exact in (True, False):
        for one in overloads:
            if one.parameters is not None and _takes(one, arguments, exact=exact):
                return one
    given = ", ".join(str(argument.type) for argument in arguments)
    if name == "new":
        raise invalid(f"'{owner}' does not contain a constructor that takes ({given})", span)
    raise invalid(f"No overload for method '{owner}.{name}' takes ({given})", span)


def _takes(member: Member, arguments: Sequence[Typed], *, exact: bool) -> bool:
    parameters = _parameters(member, len(arguments))
    if parameters is None:
        return False
    return all(
        _accepts(parameter, one, exact=exact) for parameter, one in zip(parameters, arguments, strict=True)
    )


def _parameters(member: Member, count: int) -> list[Type] | None:
    given = list(member.parameters or ())
    if member.rest is not None and count >= len(given):
        return given + [member.rest] * (count - len(given))
    return given if len(given) == count else None


def _accepts(parameter: Type, value: Typed, *, exact: bool) -> bool:
    if parameter.kind is Kind.NULL:
        return True
    if exact:
        return value.type == parameter
    if parameter.kind is Kind.PLAIN_ARRAY and value.type.kind is Kind.PLAIN_ARRAY:
        return value.type.element == parameter.element
    return is_implicit(value.type, parameter) or fits(value, parameter)


def _used(member: Member, receiver: Typed | None, arguments: list[Typed], span: Span) -> Typed:
    parameters = _parameters(member, len(arguments)) or []
    ready = [_ready(member, parameter, one) for parameter, one in zip(parameters, arguments, strict=True)]
    sql = member.sql(receiver, ready)
    parts = ([receiver] if receiver is not None else []) + ready
    type_ = member.result_of(parts) if member.result_of else member.result
    constant = member.pure and all(part.constant for part in parts)
    value = Typed(sql, type_, span, constant, filled=not member.may_be_null)
    return _computed(value) if constant and parts else value


def _computed(value: Typed) -> Typed:
    """Compute a constant now; what fails is left to fail when the job runs, as in C#."""
    if value.type.kind in (Kind.ARRAY, Kind.MAP, Kind.PLAIN_ARRAY, Kind.ENUM):
        return value
    try:
        found = fold(value)
    except CompileError:
        return value
    return literal(found, value.type, value.span)


def _ready(member: Member, parameter: Type, value: Typed) -> Typed:
    if parameter.kind is Kind.NULL:
        return value
    converted = convert(value, parameter)
    if member.takes_null or not converted.may_be_null:
        return converted
    return replace(converted, sql=argument(converted), filled=True)


def _nullable_member(
    receiver: Typed, name: str, arguments: Sequence[Typed] | None, span: Span
) -> Typed | None:
    plain = receiver.type.as_required()
    if name == "HasValue" and arguments is None:
        return Typed(render("NOT :a IS NULL", a=receiver.sql), BOOL, span, receiver.constant)
    if name == "Value" and arguments is None:
        return Typed(required(receiver, NO_VALUE), plain, span, receiver.constant)
    if name == "GetValueOrDefault" and arguments is not None and len(arguments) < 2:
        other = convert(arguments[0], plain) if arguments else default(plain, span)
        sql = exp.Coalesce(this=receiver.sql, expressions=[other.sql])
        return Typed(sql, plain, span, receiver.constant and other.constant)
    if name == "ToString" and arguments == []:
        # Null has an empty text.
        text = use(replace(receiver, type=plain), name, [], span)
        return replace(text, sql=render("COALESCE(:a, '')", a=text.sql))
    if name == "Equals" and arguments is not None and len(arguments) == 1:
        return equality("==", receiver, arguments[0], span)
    return None


def _unknown(type_: Type, name: str, arguments: Sequence[Typed] | None, span: Span) -> Exception:
    collections = (Kind.ARRAY, Kind.PLAIN_ARRAY, Kind.MAP, Kind.STRING)
    if arguments is not None and name in _LINQ and type_.kind in collections:
        return unsupported(f"the LINQ method {name}", span)
    if (owner_of(type_), name) in UNSUPPORTED:
        return unsupported(f"{type_}.{name}", span)
    hint = " (use .Value or ?.)" if (owner_of(type_), name) in members() and type_.optional else ""
    return invalid(f"'{type_}' does not contain a definition for '{name}'{hint}", span)
