"""Types by name, conversions between them, and what values have in common."""

from __future__ import annotations

from decimal import Decimal

import pytest

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError, Span
from airflow_provider_datalake.usql.expressions import common_type, convert, literal, resolve_type
from airflow_provider_datalake.usql.parser import parse
from airflow_provider_datalake.usql.types import DOUBLE, INT, LONG, NULL, STRING, Kind, Type
from tests.unit.usql.expressions.evaluation import bound


def type_name(text: str) -> ast.TypeName:
    statement = parse(f"DECLARE @x {text} = null;").statements[0]
    assert isinstance(statement, ast.Declare)
    assert statement.type is not None
    return statement.type


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("int", "int"),
        ("Int32", "int"),
        ("System.Int32", "int"),
        ("int?", "int?"),
        ("Nullable<int>", "int?"),
        ("System.Nullable<System.Int64>", "long?"),
        ("String", "string"),
        ("System.String", "string"),
        ("DateTime", "DateTime"),
        ("System.DateTime?", "DateTime?"),
        ("Guid?", "Guid?"),
        ("byte[]", "byte[]"),
        ("char", "char"),
        ("Single", "float"),
        ("Boolean", "bool"),
        ("SQL.ARRAY<string>", "SqlArray<string>"),
        ("SqlArray<int?>", "SqlArray<int?>"),
        ("SQL.MAP<string, int?>", "SqlMap<string, int?>"),
        ("SqlMap<string, SqlArray<int>>", "SqlMap<string, SqlArray<int>>"),
        ("Microsoft.Analytics.Types.Sql.SqlArray<string>", "SqlArray<string>"),
    ],
)
def test_a_type_is_known_by_its_names(text: str, shown: str) -> None:
    assert str(resolve_type(type_name(text))) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Foo", "E_EMULATOR_INVALIDEXPRESSION: The type or namespace name 'Foo' could not be found"),
        ("My.Foo", "E_EMULATOR_NOTSUPPORTED: the type My.Foo (user-defined types): not supported"),
        ("List<int>", "E_EMULATOR_NOTSUPPORTED: the type List (user-defined types): not supported"),
        ("string?", "The type 'string' must be a non-nullable value type"),
    ],
)
def test_an_unknown_type_is_an_error(text: str, words: str) -> None:
    with pytest.raises(CompileError) as caught:
        resolve_type(type_name(text))
    assert words in str(caught.value.diagnostics[0])


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("i", "long"),
        ("i", "int?"),
        ("i", "double"),
        ("i", "decimal"),
        ("by", "short"),
        ("c", "int"),
        ("ul", "float"),
        ("f", "double?"),
        ("null", "int?"),
        ("null", "string"),
        ("1", "byte"),
        ("255", "byte"),
        ("-128", "sbyte"),
        ("1 + 2", "byte"),
        ("1", "ulong"),
        ("1L", "ulong"),
        ("oi", "long?"),
    ],
)
def test_an_implicit_conversion_gives_the_type(text: str, to: str) -> None:
    type_ = resolve_type(type_name(to))
    assert convert(bound(text), type_).type == type_


@pytest.mark.parametrize(
    ("text", "to", "words"),
    [
        ("l", "int", "Cannot implicitly convert type 'long' to 'int'. An explicit conversion exists"),
        ("x", "float", "Cannot implicitly convert type 'double' to 'float'"),
        ("x", "decimal", "An explicit conversion exists"),
        ("m", "double", "An explicit conversion exists"),
        ("oi", "int", "Cannot implicitly convert type 'int?' to 'int'"),
        ("s", "int", "the column: Cannot implicitly convert type 'string' to 'int'"),
        ("i", "string", "Cannot implicitly convert type 'int' to 'string'"),
        ("256", "byte", "Cannot implicitly convert type 'int' to 'byte'"),
        ("i", "byte", "Cannot implicitly convert type 'int' to 'byte'"),
        ("-1", "ulong", "Cannot implicitly convert type 'int' to 'ulong'"),
        ("null", "int", "Cannot implicitly convert type 'null' to 'int'"),
        ("arr", "string", "Cannot implicitly convert type 'SqlArray<int>' to 'string'"),
    ],
)
def test_a_conversion_that_csharp_has_not_is_an_error_that_names_both_types(
    text: str, to: str, words: str
) -> None:
    with pytest.raises(CompileError) as caught:
        convert(bound(text), resolve_type(type_name(to)), what="the column")
    assert words in str(caught.value.diagnostics[0])


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["i", "l"], "long"),
        (["i", "x"], "double"),
        (["i", "null"], "int?"),
        (["i", "oi"], "int?"),
        (["s", "null"], "string"),
        (["null", "null"], "null"),
        (["1", "by"], "int"),
        (["1", "2", "l"], "long"),
        (["1", "x", "null"], "double?"),
        (["i", "m"], "decimal"),
        (["c", "i"], "int"),
    ],
)
def test_values_have_a_type_in_common(texts: list[str], shown: str) -> None:
    assert str(common_type([bound(text) for text in texts])) == shown


@pytest.mark.parametrize("texts", [["i", "s"], ["x", "m"], ["b", "i"], ["d", "s"]])
def test_values_without_a_type_in_common_are_an_error(texts: list[str]) -> None:
    with pytest.raises(CompileError, match="There is no implicit conversion between"):
        common_type([bound(text) for text in texts])


def test_an_error_is_where_the_value_is() -> None:
    span = Span(3, 7, 1, 4)
    with pytest.raises(CompileError) as caught:
        convert(literal("x", STRING, span), INT)
    assert caught.value.diagnostics[0].span == span


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Type(Kind.DECIMAL), Decimal("1e28")),
        (Type(Kind.DECIMAL), Decimal("0.00000000001")),
        (Type(Kind.DECIMAL), Decimal("NaN")),
    ],
)
def test_a_decimal_that_cannot_be_held_is_an_error(type_: Type, value: Decimal) -> None:
    with pytest.raises(CompileError, match="the decimal"):
        literal(value, type_)


def test_null_becomes_a_null_of_a_type() -> None:
    value = convert(bound("null"), DOUBLE.as_nullable())
    assert (value.type, value.may_be_null) == (DOUBLE.as_nullable(), True)
    assert bound("null").type == NULL
    assert literal(None, LONG.as_nullable(), NOWHERE).may_be_null
