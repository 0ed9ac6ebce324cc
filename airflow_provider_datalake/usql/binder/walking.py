"""Walking over the syntax tree."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

from airflow_provider_datalake.usql import ast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N = TypeVar("N", bound=ast.Node)


def children(node: ast.Node) -> Iterator[ast.Node]:
    """
    List the nodes directly below a node.

    :param node: the node
    :return: its children in the order of its fields
    """
    for field in fields(node):
        yield from _nodes_in(getattr(node, field.name))


def descendants(node: ast.Node) -> Iterator[ast.Node]:
    """
    List a node and all nodes below it.

    :param node: the node
    :return: the node itself first
    """
    yield node
    for child in children(node):
        yield from descendants(child)


def rewrite(node: N, replacement: Callable[[ast.Node], ast.Node | None]) -> N:
    """
    Replace nodes.

    :param node: where
    :param replacement: gives the node to put in the place of one, None to look below it
    :return: the node itself where nothing is replaced in it
    """
    found = replacement(node)
    if found is not None:
        return cast("N", found)
    changes = {}
    for field in fields(node):
        old = getattr(node, field.name)
        new = _rewritten(old, replacement)
        if new is not old:
            changes[field.name] = new
    return replace(node, **changes) if changes else node


def _rewritten(value: Any, replacement: Callable[[ast.Node], ast.Node | None]) -> Any:
    if isinstance(value, ast.Node):
        return rewrite(value, replacement)
    if isinstance(value, tuple):
        items = tuple(_rewritten(item, replacement) for item in value)
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _nodes_in(value: object) -> Iterator[ast.Node]:
    if isinstance(value, ast.Node):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from _nodes_in(item)
