"""The table of members: each can be used, and its value has the type that the table says."""

from __future__ import annotations

import pytest
from sqlglot import exp

from airflow_provider_datalake.usql.diagnostics import NOWHERE
from airflow_provider_datalake.usql.expressions import Typed, literal
from airflow_provider_datalake.usql.expressions.access import use, use_static
from airflow_provider_datalake.usql.expressions.coverage import entries
from airflow_provider_datalake.usql.expressions.members import UNSUPPORTED, members
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import INT, STRING, Kind, Type, array_of, map_of
from tests.unit.usql.expressions.evaluation import COLUMNS, connection

_BY_TYPE = {
    str(type_): name
    for name, (type_, _) in reversed(COLUMNS.items())
    if name not in ("ns", "empty", "narr", "nmap", "words", "nan", "inf", "zero", "neg", "big", "no")
}
_RECEIVERS = {"SqlArray": array_of(INT), "SqlMap": map_of(STRING, STRING)}
# What must be constant, or of a special form.
_CONSTANTS = {
    ("DateTime", "ToString"): "yyyy",
    ("DateTime", "ParseExact"): "yyyy-MM-dd",
    ("Regex", "*"): "b",
    ("string", "Format"): "x",
}
_FORMATTED = "F1"
_TEXTS = {
    "ToBoolean": "true",
    "ToDateTime": "2012-02-15",
    "DateTime": "2012-02-15",
    "Guid": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "bool": "true",
}


def _cases() -> list[object]:
    found = []
    for (owner, name), overloads in sorted(members().items()):
        for number, member in enumerate(overloads):
            found.append(pytest.param(member, id=f"{owner}.{name}.{number}"))
    return found


def _value(type_: Type, owner: str, name: str, place: int) -> Typed:
    constant = _CONSTANTS.get((owner, name)) or _CONSTANTS.get((owner, "*"))
    if (
        type_.kind is Kind.STRING
        and constant is not None
        and (owner == "DateTime" or place or name == "Format")
    ):
        return literal("2012-02-15" if name == "ParseExact" and not place else constant, STRING)
    if type_.kind is Kind.STRING and name == "ToString":
        return literal("N" if owner == "Guid" else _FORMATTED, STRING)
    if name == "FromBase64String":
        return literal("Af8=", STRING)
    if owner == "Convert" and type_.is_numeric:
        return Typed(literal(1, type_).sql, type_, NOWHERE)
    if type_.kind is Kind.STRING and (name in ("Parse", "new") or owner == "Convert"):
        return literal(_TEXTS.get(name if owner == "Convert" else owner, "1"), STRING)
    if type_.kind is Kind.ENUM:
        return Typed(exp.cast(exp.Literal.number(0), "int"), type_, NOWHERE, constant=True)
    if type_.kind is Kind.PLAIN_ARRAY:
        return literal([","] if type_.element == STRING else [44], type_)
    if type_.kind is Kind.BOOL and name == "Compare":
        return literal(True, type_)
    if type_.kind is Kind.INT and owner == "DateTime":
        return literal(1, INT)
    if type_.kind is Kind.INT and name in ("Substring", "Remove", "Insert", "Round", "Split", "IndexOf"):
        return literal(1, INT)
    if type_.kind is Kind.LONG and owner == "DateTime":
        return literal(630_000_000_000_000_000 if name == "new" else 10, type_)
    if type_.kind is Kind.NULL and name in ("Parse", "ParseExact"):
        return Typed(exp.null(), type_, NOWHERE, constant=True)
    if type_.kind is Kind.NULL:
        return (
            literal("a", STRING) if owner == "SqlMap" else literal(None, STRING) if place else _arrayed(owner)
        )
    if type_.kind is Kind.TIMESPAN:
        return literal(1_000_000, type_)
    return _column(type_)


def _arrayed(owner: str) -> Typed:
    return _column(array_of(INT)) if owner == "SqlArray" else literal(None, STRING)


def _column(type_: Type) -> Typed:
    return Typed(exp.column(_BY_TYPE[str(type_)], quoted=True), type_, NOWHERE)


def _receiver(owner: str) -> Typed:
    if owner == "Array":
        return literal(["a", "b"], Type(Kind.PLAIN_ARRAY, element=STRING))
    if owner == "TimeSpan":
        return literal(90_000_000, Type(Kind.TIMESPAN))
    if owner in ("DayOfWeek",):
        return Typed(exp.cast(exp.Literal.number(3), "int"), Type(Kind.ENUM, name=owner), NOWHERE)
    if owner in ("Match", "GroupCollection", "Group"):
        text, pattern = exp.Literal.string("abc"), exp.Literal.string("b")
        return Typed(
            exp.Tuple(expressions=[text, pattern, exp.Literal.number(0)]),
            Type(Kind.ENUM, name=owner),
            NOWHERE,
            filled=True,
        )
    return _column(_RECEIVERS.get(owner) or Type(Kind(owner)))


@pytest.mark.parametrize("member", _cases())
def test_a_member_gives_a_value_of_its_type(member: object) -> None:
    parameters = None if member.parameters is None else list(member.parameters)
    if parameters is not None and member.rest is not None:
        parameters.append(member.rest)
    arguments = (
        None
        if parameters is None
        else [_value(type_, member.owner, member.name, place) for place, type_ in enumerate(parameters)]
    )
    if member.owner == "SqlArray" and member.name == "Contains":
        arguments = [literal(5, INT)]
    if member.static:
        value = use_static(member.owner, member.name, arguments, NOWHERE)
    else:
        value = use(_receiver(member.owner), member.name, arguments, NOWHERE)
    assert value is not None
    if value.type.kind is Kind.ENUM:
        return
    query = f"SELECT q, typeof(q) FROM (SELECT {value.sql.sql('duckdb')} AS q FROM one)"
    found, type_ = connection().execute(query).fetchone()
    wanted = connection().execute(f"SELECT typeof(CAST(NULL AS {sql_type(value.type).sql('duckdb')}))")
    assert (type_,) == wanted.fetchone()
    assert found is not None or value.may_be_null


def test_the_list_has_an_entry_for_every_member() -> None:
    listed = {(entry.owner, entry.name) for entry in entries()}
    assert set(members()) <= listed
    assert not listed & UNSUPPORTED


def test_an_entry_shows_how_a_member_is_written() -> None:
    written = {entry.signature: entry.result for entry in entries()}
    assert written["<string>.Substring(int, int)"] == "string"
    assert written["<string>.Length"] == "int"
    assert written["Math.Round(double, int)"] == "double"
    assert written["string.Format(string, params object[])"] == "string"
    assert written["new DateTime(int, int, int)"] == "DateTime"
    assert "ROW_NUMBER(...) OVER (...)" in written
    assert "SUM(...)" in written
