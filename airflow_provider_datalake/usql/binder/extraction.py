"""EXTRACT: files and file sets, their columns, and how they are written."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import COLLECTIONS, check_column
from airflow_provider_datalake.usql.binder.constants import constant_text, fold_constant
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.binder.formats import extract_format
from airflow_provider_datalake.usql.binder.relation import plan_columns
from airflow_provider_datalake.usql.expressions import resolve_type
from airflow_provider_datalake.usql.filesets import parse_file_set
from airflow_provider_datalake.usql.plan import ExtractStep
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.filesets import FileSet
    from airflow_provider_datalake.usql.plan import PlanColumn, Rowset
    from airflow_provider_datalake.usql.workspace import Files

_VIRTUAL_KINDS = (
    Kind.STRING,
    Kind.BYTE,
    Kind.SBYTE,
    Kind.SHORT,
    Kind.USHORT,
    Kind.INT,
    Kind.UINT,
    Kind.LONG,
    Kind.ULONG,
    Kind.FLOAT,
    Kind.DOUBLE,
    Kind.DECIMAL,
    Kind.BOOL,
    Kind.GUID,
    Kind.CHAR,
    Kind.DATETIME,
)
_PATTERN = re.compile(r"\{[^{}]*\}")


def extract(environment: Environment, node: ast.Extract, label: str) -> Rowset:
    """
    Bind an EXTRACT and make it a step.

    :param environment: the script's state
    :param node: the expression
    :param label: what people call its rowset
    :return: its rowset
    :raises CompileError: when columns, files or the extractor are wrong
    """
    columns = _columns(node)
    files = tuple(_file_set(environment, file) for file in node.files)
    virtual = _virtual(node, columns, files)
    if len(virtual) == len(columns):
        raise failure(
            errors.VIRTUAL_COLUMN, "EXTRACT needs a column that is read from the files", node.columns[0].span
        )
    text = extract_format(node.using, partial(fold_constant, environment))
    rowset = environment.plan.rowset(label, columns, node.span)
    environment.plan.add(ExtractStep(rowset, files, text, virtual))
    return rowset


def resolve_uri(files: Files, path: str, span: Span) -> str:
    """
    Make a path absolute; patterns in braces stay as they are.

    :param files: knows the stores
    :param path: as the script writes it
    :param span: where
    :return: the normalised absolute URI
    :raises CompileError: when the path is empty, malformed, or in a store that is not known
    """
    if not path.strip():
        raise failure(errors.EMPTY_FILE_PATH, "the file path is empty", span)
    patterns = _PATTERN.findall(path)
    plain = iter(range(len(patterns)))
    try:
        resolved = files.resolve(_PATTERN.sub(lambda _: _stand_in(next(plain)), path))
    except ValueError as error:
        raise failure(errors.INVALID_FILE_NAME, f"invalid file path '{path}': {error}", span) from error
    for number, pattern in enumerate(patterns):
        resolved = resolved.replace(_stand_in(number), pattern)
    return resolved


def _stand_in(number: int) -> str:
    """Give letters for a pattern while the path is resolved, which may encode braces."""
    return f"usqlpattern{number:04d}x"


def _columns(node: ast.Extract) -> tuple[PlanColumn, ...]:
    seen: set[str] = set()
    pairs = []
    for definition in node.columns:
        if definition.name in seen:
            raise failure(
                errors.DUPLICATE_COLUMN, f"column {definition.name} is defined twice", definition.span
            )
        seen.add(definition.name)
        type_ = resolve_type(definition.type)
        check_column(definition.name, type_, definition.type.span)
        if type_.kind in COLLECTIONS:
            raise failure(
                errors.TYPE_MISMATCH,
                f"column {definition.name}: the built-in extractors cannot read {type_}; "
                "read a string and make it in a SELECT",
                definition.type.span,
            )
        pairs.append((definition.name, type_))
    return plan_columns(pairs)


def _file_set(environment: Environment, expression: ast.Expression) -> FileSet:
    path = constant_text(environment, expression, "the path of a file")
    uri = resolve_uri(environment.files, path, expression.span)
    files = parse_file_set(uri, environment.plan.place(expression.span))
    if files.parts or environment.defining:
        return files
    if uri in environment.written:
        raise failure(
            errors.READS_OWN_RESULT,
            f"file {path} is an output of this script, which therefore cannot read it",
            expression.span,
        )
    if environment.files.find(uri) is None:
        raise failure(errors.FILE_NOT_FOUND, f"file {path} does not exist ({uri})", expression.span)
    environment.read.add(uri)
    return files


def _virtual(
    node: ast.Extract, columns: tuple[PlanColumn, ...], files: tuple[FileSet, ...]
) -> frozenset[str]:
    """Check that every file set gives the same virtual columns, and that EXTRACT lists and types them."""
    types = {column.name: column.type for column in columns}
    spans = {definition.name: definition.type.span for definition in node.columns}
    first = dict(files[0].virtual)
    for one, expression in zip(files, node.files, strict=True):
        if dict(one.virtual).keys() != first.keys():
            raise failure(
                errors.VIRTUAL_COLUMN,
                "all file sets of an EXTRACT must have the same virtual columns: "
                f"{', '.join(first) or 'none'}, and here {', '.join(dict(one.virtual)) or 'none'}",
                expression.span,
            )
        for name, is_date in one.virtual:
            if name not in types:
                raise failure(
                    errors.VIRTUAL_COLUMN,
                    f"virtual column {name} of the file set is not in the list of columns",
                    expression.span,
                )
            kind = types[name].kind
            if is_date and kind is not Kind.DATETIME:
                raise failure(
                    errors.VIRTUAL_COLUMN,
                    f"virtual column {name} has date parts and must be DateTime, not {types[name]}",
                    spans[name],
                )
            if kind not in _VIRTUAL_KINDS:
                raise failure(
                    errors.VIRTUAL_COLUMN,
                    f"virtual column {name} cannot be {types[name]}",
                    spans[name],
                )
    return frozenset(first)
