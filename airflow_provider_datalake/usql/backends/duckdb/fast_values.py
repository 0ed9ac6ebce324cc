"""U-SQL's rules for texts as DuckDB expressions: a value, and whether the text surely is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb import text_values
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import INTEGRAL, Kind

if TYPE_CHECKING:
    import duckdb

    from airflow_provider_datalake.usql.text_format import ExtractFormat
    from airflow_provider_datalake.usql.types import Type

_DATE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%d",
    "%m/%d/%Y %I:%M:%S %p",
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %I:%M %p",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%m.%d.%Y",
    "%m.%d.%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d %b %Y",
    "%d %b %Y %H:%M:%S",
)


@dataclass(frozen=True)
class FastValue:
    """
    How a column's text becomes a value.

    :param value: SQL of the value; of a text that is none, perhaps null
    :param certain: SQL that is true only where the text is a value and ``value`` is it; it may be false or
        null where the slow reader knows better. It reads the value as ``{value}`` to save its computation
    :param invalid: SQL that is true only where the text surely is no value
    """

    value: str
    certain: str
    invalid: str = "false"


def literal(text: str) -> str:
    """
    Write a string as SQL.

    :param text: any text
    :return: the literal
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """
    Write a name as SQL.

    :param name: any name
    :return: the quoted identifier
    """
    return '"' + name.replace('"', '""') + '"'


def fast_value(
    type_: Type, format_: ExtractFormat, text: str, first_date_format: str | None, *, short: bool = False
) -> FastValue:
    """
    Make the expressions of a column.

    :param type_: its type
    :param format_: how the text is written
    :param text: SQL of the text; it is empty where nothing stands between the delimiters
    :param first_date_format: the strptime format that dates are likely to have
    :param short: whether no text can be too long for a string
    :return: the expressions; both are for texts that are not null
    :raises ValueError: for a type that text cannot hold
    """
    plain = _plain(type_, format_, text, first_date_format)
    if short and type_.kind is Kind.STRING:
        plain = FastValue(text, f"{text} IS NOT NULL")
    is_null = []
    if type_.kind is not Kind.STRING:
        is_null.append(f"{text} = ''")
    if format_.null_escape is not None:
        is_null.append(f"{text} = {literal(format_.null_escape)}")
    if not is_null:
        return FastValue(plain.value, plain.certain, _invalid(type_, format_, text))
    null = " OR ".join(is_null)
    value = plain.value
    if format_.null_escape is not None or type_.kind is Kind.BINARY:
        value = f"CASE WHEN {null} THEN NULL ELSE {value} END"
    if not type_.nullable:
        # An empty text is certain to be a value of none of the types that must have one.
        escaped = "" if format_.null_escape is None else f"NOT ({null}) AND "
        return FastValue(value, f"{escaped}({plain.certain})")
    return FastValue(
        value,
        f"CASE WHEN {plain.certain} THEN true ELSE {null} END",
        f"NOT ({null}) AND ({_invalid(type_, format_, text)})",
    )


def _invalid(type_: Type, format_: ExtractFormat, text: str) -> str:
    pattern = text_values.pattern(type_.kind, format_.char_format)
    if pattern is None:
        return f"strlen({text}) > {text_values.STRING_LIMIT}" if type_.kind is Kind.STRING else "false"
    return f"NOT {_matches(text, pattern)}"


def _plain(type_: Type, format_: ExtractFormat, text: str, first_date_format: str | None) -> FastValue:
    kind = type_.kind
    if kind is Kind.STRING:
        return FastValue(text, f"strlen({text}) <= {text_values.STRING_LIMIT}")
    if kind is Kind.CHAR and format_.char_format == "string":
        code = f"unicode({text})"
        return FastValue(
            f"CASE WHEN length({text}) = 1 AND {code} < 65536 THEN {code}::USMALLINT END",
            "{value} IS NOT NULL",
        )
    cast = f"TRY_CAST({text} AS {sql_type(type_).sql(dialect='duckdb')})"
    if kind in INTEGRAL or kind is Kind.CHAR:
        # A number that is written back as it was read is one; DuckDB itself also takes 1e3, 1.5 and 0x1F.
        return FastValue(
            cast,
            f"CASE WHEN {{value}}::VARCHAR = {text} THEN true "
            f"ELSE {{value}} IS NOT NULL AND {_matches(text, text_values.INTEGER)} END",
        )
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        return FastValue(
            cast,
            f"CASE WHEN isfinite({{value}}) THEN NOT contains({text}, '_') "
            f"ELSE {text} IN ('Infinity', '-Infinity', 'NaN') END",
        )
    if kind is Kind.DATETIME:
        return _date(text, first_date_format)
    known = "{value} IS NOT NULL"
    if kind is Kind.BOOL:
        return FastValue(
            f"CASE WHEN {text} IN ('true', 'True', 'TRUE') THEN true "
            f"WHEN {text} IN ('false', 'False', 'FALSE') THEN false END",
            known,
        )
    if kind is Kind.DECIMAL:
        return FastValue(cast, f"{known} AND {_matches(text, text_values.DECIMAL)}")
    if kind is Kind.GUID:
        return FastValue(
            cast,
            f"CASE WHEN {{value}}::VARCHAR = {text} THEN true "
            f"ELSE {known} AND {_matches(text, text_values.GUID)} END",
        )
    if kind is Kind.BINARY:
        return FastValue(f"CASE WHEN {_matches(text, text_values.BINARY)} THEN unhex({text}) END", known)
    raise ValueError(f"text cannot hold values of {type_}")


def _matches(text: str, pattern: str) -> str:
    return f"regexp_full_match({text}, {literal(pattern)})"


def _date(text: str, first: str | None) -> FastValue:
    # The service itself writes seven digits of a second, of which strptime reads six.
    fractional = f"CASE WHEN strlen({text}) = 27 AND suffix({text}, '0') THEN {{}} END"
    precise = [item for item in _DATE_FORMATS if item.endswith("%f")]
    tries = [
        _strptime(text, [item for item in _DATE_FORMATS if item != first]),
        fractional.format(_strptime(f"{text}[1:26]", precise)),
    ]
    if first in precise:
        tries.insert(0, fractional.format(_strptime(f"{text}[1:26]", [first])))
    if first is not None:
        tries.insert(0, _strptime(text, [first]))
    # Of these lengths nothing but a full form with a year of four digits can be; else the pattern tells.
    return FastValue(
        f"coalesce({', '.join(tries)})",
        f"CASE WHEN {{value}} >= TIMESTAMP '1000-01-01' "
        f"AND (strlen({text}) IN (19, 27) AND NOT suffix({text}, 'Z') "
        f"OR strlen({text}) = 20 AND suffix({text}, 'Z')) "
        f"THEN true ELSE {{value}} IS NOT NULL AND "
        f"{_matches(text, text_values.canonical_date_pattern())} END",
    )


def is_native(date_format: str | None) -> bool:
    """
    Tell whether DuckDB's reader converts dates of a format as U-SQL does.

    :param date_format: of strptime
    :return: False for a format with parts of seconds, of which it reads six digits
    """
    return date_format is not None and not date_format.endswith("%f")


def native_date(column: str) -> FastValue:
    """
    Make the expressions of a date that DuckDB's reader has converted.

    :param column: SQL of the column
    :return: the expressions; certain are years of four digits, for it takes fewer of them too, and neither
        1900-01-01 nor 1970-01-01, for these are what it makes of words like ``epoch`` and ``infinity``
    """
    first, last = "TIMESTAMP '1000-01-01'", "TIMESTAMP '9999-12-31 23:59:59'"
    words = "(TIMESTAMP '1900-01-01', TIMESTAMP '1970-01-01')"
    return FastValue(column, f"{column} BETWEEN {first} AND {last} AND {column} NOT IN {words}")


def _strptime(text: str, formats: list[str]) -> str:
    return f"TRY_STRPTIME({text}, [{', '.join(literal(item) for item in formats)}])"


def likely_date_format(connection: duckdb.DuckDBPyConnection, text: str) -> str | None:
    """
    Guess how the dates of a column are written.

    :param connection: to ask
    :param text: the first of them
    :return: a strptime format that reads it; None when none does
    """
    if not text.lstrip(text_values.WHITE)[:1].isdigit():
        return None
    for candidate in _DATE_FORMATS:
        row = connection.execute("SELECT TRY_STRPTIME(?, ?)", [text[:26], candidate]).fetchone()
        if row is not None and row[0] is not None:
            return candidate
    return None
