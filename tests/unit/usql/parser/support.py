"""A compact way to write trees, and errors with their places."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.diagnostics import CompileError, Diagnostic
from airflow_provider_datalake.usql.parser import parse


def show(node: Any) -> str:
    """Write a tree on one line: ``(a + (b * 2))``, ``Select(items=[a AS b], source=@x)``."""
    for kind, writer in _WRITERS.items():
        if isinstance(node, kind):
            return writer(node)
    if isinstance(node, tuple):
        return f"[{', '.join(show(item) for item in node)}]"
    if not isinstance(node, ast.Node):
        return str(node)
    given = ((field.name, getattr(node, field.name)) for field in fields(node) if field.name != "span")
    shown = ", ".join(f"{name}={show(value)}" for name, value in given if value not in (None, (), False, ""))
    return f"{type(node).__name__}({shown})"


def _call(node: ast.Call) -> str:
    types = f"<{', '.join(map(show, node.type_arguments))}>" if node.type_arguments else ""
    distinct = "DISTINCT " if node.distinct else ""
    return f"{show(node.target)}{types}({distinct}{', '.join(map(show, node.arguments))})"


def _new(node: ast.New) -> str:
    items = ""
    if node.items is not None:
        parts = (f"{{{', '.join(map(show, i))}}}" if len(i) > 1 else show(i[0]) for i in node.items)
        items = f" {{{', '.join(parts)}}}"
    type_ = show(node.type) if node.type else "[]"
    return f"new {type_}({', '.join(map(show, node.arguments))}){items}"


def _case(node: ast.Case) -> str:
    operand = f" {show(node.operand)}" if node.operand else ""
    branches = "".join(f" {show(test)}:{show(then)}" for test, then in node.branches)
    return f"CASE{operand}{branches} else:{show(node.otherwise)}"


def _over(node: ast.Over) -> str:
    parts = []
    if node.within_group:
        parts.append(f"within {show(node.within_group)}")
    if node.partition_by:
        parts.append(f"by {show(node.partition_by)}")
    if node.order_by:
        parts.append(f"order {show(node.order_by)}")
    if node.frame:
        parts.append(f"{node.frame[0]} {show(node.frame[1])}..{show(node.frame[2])}")
    return f"{show(node.call)} over({'; '.join(parts)})"


def _not(node: Any) -> str:
    return "not " if node.negated else ""


_WRITERS: dict[type, Any] = {
    ast.ObjectName: lambda n: "/".join(n.parts),
    ast.TypeName: lambda n: (
        n.name
        + (f"<{','.join(map(show, n.arguments))}>" if n.arguments else "")
        + ("?" if n.optional else "")
        + ("[]" if n.array else "")
    ),
    ast.Literal: lambda n: f"{n.kind}:{n.value!r}" if n.kind not in ("int", "null", "bool") else str(n.value),
    ast.Name: lambda n: f"[{n.name}]" if n.quoted else n.name,
    ast.Variable: lambda n: n.name,
    ast.Member: lambda n: f"{show(n.target)}{'?.' if n.conditional else '.'}{n.name}",
    ast.TypeReference: lambda n: f"<{show(n.type)}>",
    ast.Argument: lambda n: (f"{n.name}:" if n.name else "") + show(n.value),
    ast.Call: _call,
    ast.Star: lambda n: f"{n.qualifier}.*" if n.qualifier else "*",
    ast.Index: lambda n: f"{show(n.target)}{show(n.arguments)}",
    ast.Unary: lambda n: f"({n.operator} {show(n.operand)})",
    ast.Binary: lambda n: f"({show(n.left)} {n.operator} {show(n.right)})",
    ast.Conditional: lambda n: f"({show(n.test)} ? {show(n.then)} : {show(n.otherwise)})",
    ast.Cast: lambda n: f"cast({show(n.type)}, {show(n.operand)})",
    ast.TypeTest: lambda n: f"({show(n.operand)} {n.operator} {show(n.type)})",
    ast.New: _new,
    ast.Lambda: lambda n: f"({', '.join(n.parameters)} => {show(n.body)})",
    ast.In: lambda n: f"({show(n.operand)} {_not(n)}in {show(n.items)})",
    ast.Between: lambda n: f"({show(n.operand)} {_not(n)}between {show(n.low)} {show(n.high)})",
    ast.Like: lambda n: (
        f"({show(n.operand)} {_not(n)}like {show(n.pattern)}{f' escape {show(n.escape)}' if n.escape else ''})"
    ),
    ast.IsNull: lambda n: f"({show(n.operand)} is {_not(n)}null)",
    ast.Case: _case,
    ast.SortItem: lambda n: show(n.value) + (" desc" if n.descending else ""),
    ast.FrameBound: lambda n: (f"{show(n.offset)} " if n.offset else "") + n.kind,
    ast.Over: _over,
    ast.ColumnDefinition: lambda n: f"{n.name} {show(n.type)}",
    ast.SelectItem: lambda n: show(n.value) + (f" AS {n.alias}" if n.alias else ""),
    ast.RowsetSource: lambda n: show(n.name) + (f" AS {n.alias}" if n.alias else ""),
    ast.RowsetReference: lambda n: show(n.name),
}


def expression(text: str) -> str:
    """Write the tree of an expression."""
    (statement,) = parse(f"DECLARE @v = {text};").statements
    assert isinstance(statement, ast.Declare)
    return show(statement.value)


def query(text: str) -> str:
    """Write the tree of a query."""
    (statement,) = parse(f"@r = {text};").statements
    assert isinstance(statement, ast.Assign)
    return show(statement.query)


def source(text: str) -> str:
    """Write the tree of a FROM clause."""
    (statement,) = parse(f"@r = SELECT * FROM {text};").statements
    assert isinstance(statement, ast.Assign)
    assert isinstance(statement.query, ast.Select)
    return show(statement.query.source)


def statement(text: str) -> str:
    """Write the tree of a statement."""
    (found,) = parse(text).statements
    return show(found)


def error(text: str) -> Diagnostic:
    """Parse a script that is wrong and give its one diagnostic."""
    with pytest.raises(CompileError) as caught:
        parse(text)
    (diagnostic,) = caught.value.diagnostics
    return diagnostic


def error_at(marked: str) -> Diagnostic:
    """Parse a script that is wrong where ``«`` and ``»`` stand, and check the place."""
    start, end = marked.index("«"), marked.index("»") - 1
    text = marked.replace("«", "").replace("»", "")
    diagnostic = error(text)
    span = diagnostic.span
    assert (span.start, span.end) == (start, end), f"{diagnostic} is at {text[span.start : span.end]!r}"
    assert span.line == text.count("\n", 0, start) + 1
    assert span.column == start - (text.rfind("\n", 0, start) + 1) + 1
    return diagnostic
