"""Encodings of files: ``System.Text.Encoding`` to Python's codecs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_datalake.usql.binder.constants import Constant

_PROPERTIES = {
    "ASCII": "ascii",
    "BigEndianUnicode": "utf-16-be",
    "Unicode": "utf-16-le",
    "UTF7": "utf-7",
    "UTF8": "utf-8",
    "UTF32": "utf-32-le",
}
_CODE_PAGES = range(1250, 1259)
_NAMES = {
    "us-ascii": "ascii",
    "utf-7": "utf-7",
    "utf-8": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16be": "utf-16-be",
    "utf-32": "utf-32-le",
}
"""Names of the properties' encodings for ``GetEncoding``."""


def python_codec(expression: ast.Expression, fold: Callable[[ast.Expression], Constant]) -> str:
    """
    Give the codec of an encoding.

    :param expression: e.g. ``Encoding.UTF8`` or ``System.Text.Encoding.GetEncoding("Windows-1252")``
    :param fold: evaluates the argument of ``GetEncoding``
    :return: the name of Python's codec
    :raises CompileError: when the service does not know the encoding
    """
    match expression:
        case ast.Literal(kind=Kind.NULL):
            return "utf-8"
        case ast.Member(target=target, name=name) if _is_encoding(target) and name in _PROPERTIES:
            return _PROPERTIES[name]
        case ast.Call(
            target=ast.Member(target=target, name="GetEncoding"), arguments=(ast.Argument(value=argument),)
        ) if _is_encoding(target):
            codec = _by_identifier(fold(argument).value)
            if codec is not None:
                return codec
    raise failure(
        errors.INVALID_PARAMETER,
        f"encoding is none of {', '.join('Encoding.' + name for name in _PROPERTIES)}, "
        'Encoding.GetEncoding("Windows-1250") to ("Windows-1258")',
        expression.span,
    )


def _is_encoding(target: ast.Expression) -> bool:
    return _dotted(target) in ("Encoding", "Text.Encoding", "System.Text.Encoding")


def _dotted(expression: ast.Expression) -> str:
    match expression:
        case ast.Name(name=name):
            return name
        case ast.Member(target=target, name=name):
            return f"{_dotted(target)}.{name}"
    return ""


def _by_identifier(identifier: object) -> str | None:
    if isinstance(identifier, int):
        return f"cp{identifier}" if identifier in _CODE_PAGES else None
    if not isinstance(identifier, str):
        return None
    page = re.fullmatch(r"windows-(\d{4})", identifier, re.IGNORECASE)
    if page is not None:
        return _by_identifier(int(page[1]))
    return _NAMES.get(identifier.lower())
