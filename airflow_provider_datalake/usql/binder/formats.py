"""The USING clause: built-in extractors and outputters with their parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.encodings import python_codec
from airflow_provider_datalake.usql.binder.errors import failure, unsupported
from airflow_provider_datalake.usql.text_format import ExtractFormat, OutputFormat
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.usql.binder.constants import Constant
    from airflow_provider_datalake.usql.diagnostics import Span

    Fold = Callable[[ast.Expression], Constant]

_DELIMITERS = {"Csv": ",", "Tsv": "\t", "Text": ","}
OTHER_FORMATS = ("Parquet", "Orc", "Avro", "Json", "Xml")
_CHAR_FORMATS = ("uint16", "string")
# In the order of the reference, which is the order of arguments without a name.
EXTRACT_FIELDS = {
    "delimiter": "delimiter",
    "encoding": "encoding",
    "escapeCharacter": "escape",
    "nullEscape": "null_escape",
    "quoting": "quoting",
    "rowDelimiter": "row_delimiter",
    "silent": "silent",
    "skipFirstNRows": "skip_first_rows",
    "charFormat": "char_format",
}
OUTPUT_FIELDS = {
    "delimiter": "delimiter",
    "dateTimeFormat": "date_time_format",
    "encoding": "encoding",
    "escapeCharacter": "escape",
    "nullEscape": "null_escape",
    "quoting": "quoting",
    "rowDelimiter": "row_delimiter",
    "charFormat": "char_format",
    "outputHeader": "header",
}


@dataclass(frozen=True)
class _Parameter:
    """An argument that has found its parameter."""

    name: str
    value: ast.Expression
    span: Span


def extract_format(using: ast.Expression, fold: Fold) -> ExtractFormat:
    """
    Read the USING of an EXTRACT.

    :param using: e.g. ``Extractors.Csv(skipFirstNRows : 1)``
    :param fold: evaluates constants
    :return: how the files are read
    :raises CompileError: for extractors that are not built in, unknown parameters and bad values
    """
    kind, arguments = _call(using, "Extractors", "extractor")
    return ExtractFormat(**_fields(kind, "Extractors", arguments, EXTRACT_FIELDS, fold))


def output_format(using: ast.Expression, fold: Fold) -> OutputFormat:
    """
    Read the USING of an OUTPUT.

    :param using: e.g. ``Outputters.Tsv(outputHeader : true)``
    :param fold: evaluates constants
    :return: how the file is written
    :raises CompileError: for outputters that are not built in, unknown parameters and bad values
    """
    kind, arguments = _call(using, "Outputters", "outputter")
    fields = _fields(kind, "Outputters", arguments, OUTPUT_FIELDS, fold)
    if fields.get("row_delimiter", "") is None:
        del fields["row_delimiter"]
    return OutputFormat(**fields)


def _call(using: ast.Expression, family: str, noun: str) -> tuple[str, tuple[ast.Argument, ...]]:
    match using:
        case ast.Call(target=ast.Member(target=ast.Name(name=owner), name=kind), arguments=arguments) if (
            owner == family
        ):
            if kind in _DELIMITERS:
                return kind, arguments
            if kind in OTHER_FORMATS:
                raise unsupported(f"{family}.{kind}", using.span)
            raise failure(
                errors.INVALID_PARAMETER,
                f"{family} has no {kind}; expected {', '.join(_DELIMITERS)}",
                using.span,
            )
    name = f" {using.type.name}" if isinstance(using, ast.New) and using.type is not None else ""
    raise unsupported(f"the user-defined {noun}{name} (only {family}.Csv, .Tsv and .Text)", using.span)


def _fields(
    kind: str, family: str, arguments: tuple[ast.Argument, ...], names: dict[str, str], fold: Fold
) -> dict[str, Any]:
    fields: dict[str, Any] = {"delimiter": _DELIMITERS[kind]}
    for parameter in _match(f"{family}.{kind}", kind, arguments, names):
        fields[names[parameter.name]] = _value(parameter, fold)
    return fields


def _match(
    what: str, kind: str, arguments: tuple[ast.Argument, ...], names: dict[str, str]
) -> list[_Parameter]:
    allowed = [name for name in names if kind == "Text" or name != "delimiter"]
    found: dict[str, _Parameter] = {}
    for position, argument in enumerate(arguments):
        if argument.name is None and position >= len(allowed):
            raise failure(
                errors.INVALID_PARAMETER, f"{what} takes {len(allowed)} parameters at most", argument.span
            )
        name = allowed[position] if argument.name is None else argument.name
        if name not in allowed:
            raise failure(
                errors.INVALID_PARAMETER,
                f"{what} has no parameter {name!r}; expected one of {', '.join(allowed)}",
                argument.span,
            )
        if name in found:
            raise failure(errors.INVALID_PARAMETER, f"{what}: {name} is given twice", argument.span)
        found[name] = _Parameter(name, argument.value, argument.value.span)
    return list(found.values())


def _value(parameter: _Parameter, fold: Fold) -> Any:
    match parameter.name:
        case "encoding":
            return python_codec(parameter.value, fold)
        case "delimiter":
            return _character(parameter, fold)
        case "escapeCharacter":
            return _character(parameter, fold, optional=True)
        case "nullEscape" | "dateTimeFormat":
            return _typed(parameter, fold, Kind.STRING, optional=True)
        case "rowDelimiter":
            return _row_delimiter(parameter, fold)
        case "charFormat":
            return _char_format(parameter, fold)
        case "skipFirstNRows":
            return _count(parameter, fold)
    return _typed(parameter, fold, Kind.BOOL)


def _typed(parameter: _Parameter, fold: Fold, kind: Kind, *, optional: bool = False) -> Any:
    constant = fold(parameter.value)
    if optional and constant.value is None and constant.type.kind in (kind, Kind.NULL):
        return None
    if constant.type.kind is not kind or constant.value is None:
        given = "null" if constant.value is None else str(constant.type)
        raise failure(
            errors.INVALID_PARAMETER,
            f"{parameter.name} is a {kind.value}{'?' if optional and kind is Kind.CHAR else ''}, not {given}",
            parameter.span,
        )
    return constant.value


def _character(parameter: _Parameter, fold: Fold, *, optional: bool = False) -> str | None:
    return _typed(parameter, fold, Kind.CHAR, optional=optional)


def _row_delimiter(parameter: _Parameter, fold: Fold) -> str | None:
    text = _typed(parameter, fold, Kind.STRING, optional=True)
    if text is not None and len(text) != 1 and text != "\r\n":
        raise failure(
            errors.INVALID_PARAMETER,
            f"rowDelimiter {text!r} is neither one character nor a carriage return and a line feed",
            parameter.span,
        )
    return text


def _char_format(parameter: _Parameter, fold: Fold) -> str:
    text = _typed(parameter, fold, Kind.STRING, optional=True)
    if text is None:
        return _CHAR_FORMATS[0]
    if text not in _CHAR_FORMATS:
        raise failure(
            errors.CHAR_FORMAT,
            f"charFormat {text!r} is none of {', '.join(_CHAR_FORMATS)}",
            parameter.span,
        )
    return text


def _count(parameter: _Parameter, fold: Fold) -> int:
    number = _typed(parameter, fold, Kind.INT)
    if number < 0:
        raise failure(errors.INVALID_PARAMETER, f"skipFirstNRows is {number}, below 0", parameter.span)
    return number
