"""OUTPUT: rows as delimited text, formatted within DuckDB."""

from __future__ import annotations

import codecs
import uuid
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb.date_formats import date_text
from airflow_provider_datalake.usql.backends.duckdb.fast_values import identifier, literal
from airflow_provider_datalake.usql.backends.duckdb.numbers import decimal_text, double_text, float_text
from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.types import INTEGRAL, Kind

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_provider_datalake.usql.plan import OutputStep, PlanColumn
    from airflow_provider_datalake.usql.text_format import OutputFormat

_BLOCK = 1 << 20


def copy_statement(step: OutputStep, path: Path) -> str:
    """
    Give the statement that writes a rowset as UTF-8.

    :param step: what is written
    :param path: where to
    :return: SQL that gives the number of rows
    :raises UsqlRuntimeError: when a column's type has no text, or the date format is not supported
    """
    format_ = step.format
    fields = [_field(column, format_, step) for column in step.columns]
    separator = literal(format_.delimiter)
    line = f" || {separator} || ".join(fields)
    header = format_.delimiter.join(_header(column, format_) for column in step.columns)
    order = ", ".join(
        f"{identifier(name)} {'DESC' if descending else 'ASC'} NULLS LAST"
        for name, descending in step.order_by
    )
    # Sorted by the columns, not by their texts: hence the two levels.
    source = f"SELECT * FROM {identifier(step.source)}{f' ORDER BY {order}' if order else ''}"
    # One column, no quotes and no delimiter: the writer adds nothing to a line but its end.
    return (
        f"COPY (SELECT {line} AS {identifier(header or 'line')} FROM ({source})) TO {literal(str(path))} "
        f"(FORMAT csv, HEADER {'true' if format_.header else 'false'}, QUOTE '', ESCAPE '', DELIM '', "
        f"NULLSTR '', NEW_LINE {_newline(format_.row_delimiter)})"
    )


def _newline(delimiter: str) -> str:
    return literal(delimiter.replace("\r", "\\r").replace("\n", "\\n"))


def _header(column: PlanColumn, format_: OutputFormat) -> str:
    if not format_.quoting:
        return column.name
    return '"' + column.name.replace('"', '""') + '"'


def _field(column: PlanColumn, format_: OutputFormat, step: OutputStep) -> str:
    name = identifier(column.sql_name)
    kind = column.type.kind
    is_text = kind is Kind.STRING or (kind is Kind.CHAR and format_.char_format == "string")
    try:
        text = _text(name, kind, format_)
    except ValueError as error:
        raise UsqlRuntimeError(
            "E_CSC_USER_INVALIDTYPEINOUTPUTTER",
            f"Column '{column.name}' of type {column.type} cannot be written as text: {error}",
            span=step.span,
        ) from error
    if format_.escape is not None:
        for special in dict.fromkeys((format_.escape, format_.delimiter, *format_.row_delimiter)):
            text = f"replace({text}, {literal(special)}, {literal(format_.escape + special)})"
    if is_text and format_.quoting:
        text = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
    return f"coalesce({text}, {literal(format_.null_escape or '')})"


def _text(value: str, kind: Kind, format_: OutputFormat) -> str:
    if kind is Kind.STRING:
        return value
    if kind is Kind.CHAR:
        return f"chr({value}::INTEGER)" if format_.char_format == "string" else f"{value}::VARCHAR"
    if kind in INTEGRAL or kind is Kind.GUID:
        return f"{value}::VARCHAR"
    if kind is Kind.DOUBLE:
        return double_text(value)
    if kind is Kind.FLOAT:
        return float_text(value)
    if kind is Kind.DECIMAL:
        return decimal_text(value)
    if kind is Kind.BOOL:
        return f"CASE {value} WHEN true THEN 'True' WHEN false THEN 'False' END"
    if kind is Kind.BINARY:
        return f"hex({value})"
    if kind is Kind.DATETIME:
        return date_text(value, format_.date_time_format)
    raise ValueError("no outputter writes it")


def recode(path: Path, encoding: str) -> Path:
    """
    Write a UTF-8 file again in another encoding, without a byte order mark.

    :param path: the file; it is removed
    :param encoding: a Python codec; what a code page lacks becomes a question mark, as .NET does it
    :return: the new file
    """
    recoded = path.with_name(f"{path.name}-{uuid.uuid4().hex}")
    encoder = codecs.getincrementalencoder(encoding)("replace")
    with path.open(encoding="utf-8", newline="") as source, recoded.open("wb") as target:
        while text := source.read(_BLOCK):
            target.write(encoder.encode(text))
        target.write(encoder.encode("", final=True))
    path.unlink()
    return recoded
