"""CREATE, DROP, USE and TRUNCATE: statements about the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.column_types import check_column
from airflow_provider_datalake.usql.binder.errors import failure, no_effect, unsupported
from airflow_provider_datalake.usql.binder.insertion import insert_rowset
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.expressions import resolve_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_datalake.usql.binder.environment import Environment
    from airflow_provider_datalake.usql.catalog import Column, QualifiedName
    from airflow_provider_datalake.usql.diagnostics import Span


def use(environment: Environment, node: ast.Use) -> None:
    """
    Change the current database or schema.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it does not exist
    """
    database = node.database or environment.database
    schema = node.schema or (model.DBO if node.database else environment.schema)
    environment.require_schema(model.QualifiedName(database, schema, ""), node.span)
    environment.database, environment.schema = database, schema


def create_database(environment: Environment, node: ast.CreateDatabase) -> None:
    """
    Create a database.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it exists
    """
    if environment.catalog.has_database(node.name):
        _exists(f"database {node.name}", node.if_not_exists, node.span)
        return
    environment.change(model.CreateDatabase(node.name), node.span)


def create_schema(environment: Environment, node: ast.CreateSchema) -> None:
    """
    Create a schema.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it exists, or its database does not
    """
    database, schema = _schema_name(environment, node.name)
    if not environment.catalog.has_database(database):
        raise failure(errors.DOES_NOT_EXIST, f"database {database} does not exist", node.name.span)
    if environment.catalog.has_schema(database, schema):
        _exists(f"schema {database}.{schema}", node.if_not_exists, node.name.span)
        return
    environment.change(model.CreateSchema(database, schema), node.span)


def create_table(environment: Environment, node: ast.CreateTable) -> None:
    """
    Create a table, and fill it when a query follows.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it exists, its place does not, or its columns or its index are wrong
    """
    name = environment.qualify(node.name)
    environment.require_schema(name, node.name.span)
    if node.index is not None and node.index.partition_keys:
        raise unsupported("PARTITIONED BY (vertical partitions)", node.index.span)
    source = None if node.query is None else bind_rowset(environment, node.query, str(name))
    if source is None:
        columns = _defined_columns(node.columns)
    else:
        columns = tuple(model.Column(column.name, column.type) for column in source.columns)
    index = None if node.index is None else _index(node.index, columns)
    if environment.catalog.table(name) is not None:
        _exists(f"table {name}", node.if_not_exists, node.name.span)
        return
    _refuse_namesake(environment, name, "view", node.name.span)
    table = model.Table(name, columns, index)
    environment.change(model.CreateTable(table), node.span)
    if source is not None:
        insert_rowset(environment, source, table, node.span)


def create_view(environment: Environment, node: ast.CreateView) -> None:
    """
    Create a view; its query is checked now and run when it is read.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it exists, its place does not, or its query is wrong
    """
    name = environment.qualify(node.name)
    environment.require_schema(name, node.name.span)
    inside = environment.for_view(name, defining=True)
    rowset = bind_rowset(inside, node.query, str(name))
    names = node.columns or tuple(column.name for column in rowset.columns)
    if len(names) != len(rowset.columns):
        raise failure(
            errors.COLUMN_COUNT,
            f"view {name} names {len(names)} columns, and its query gives {len(rowset.columns)}",
            node.span,
        )
    _refuse_duplicates(names, node.span)
    if environment.catalog.view(name) is not None:
        _exists(f"view {name}", node.if_not_exists, node.name.span)
        return
    _refuse_namesake(environment, name, "table", node.name.span)
    columns = tuple(model.Column(n, column.type) for n, column in zip(names, rowset.columns, strict=True))
    environment.change(model.CreateView(model.View(name, node.text, columns)), node.span)


def drop(environment: Environment, node: ast.Drop) -> None:
    """
    Drop a database or a schema with all that is in it, a table or a view.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it does not exist, or always exists
    """
    match node.kind:
        case "DATABASE":
            _drop_database(environment, node)
        case "SCHEMA":
            _drop_schema(environment, node)
        case "TABLE":
            name = environment.qualify(node.name)
            if environment.catalog.table(name) is not None:
                environment.change(model.DropTable(name), node.span)
            elif not node.if_exists:
                raise failure(errors.DOES_NOT_EXIST, f"table {name} does not exist", node.name.span)
        case "VIEW":
            name = environment.qualify(node.name)
            if environment.catalog.view(name) is not None:
                environment.change(model.DropView(name), node.span)
            elif not node.if_exists:
                raise failure(errors.DOES_NOT_EXIST, f"view {name} does not exist", node.name.span)
        case _:
            raise unsupported(f"DROP {node.kind}", node.span)


def truncate(environment: Environment, node: ast.Truncate) -> None:
    """
    Remove a table's rows.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when it does not exist
    """
    name = environment.qualify(node.table)
    if environment.catalog.table(name) is not None:
        environment.change(model.TruncateTable(name), node.span)
    elif not node.if_exists:
        raise failure(errors.DOES_NOT_EXIST, f"table {name} does not exist", node.table.span)


def rebuild(environment: Environment, node: ast.Rebuild) -> None:
    """
    Accept a REBUILD, which changes no result.

    :param environment: the script's state
    :param node: the statement
    :raises CompileError: when there is no such table
    """
    name = environment.qualify(node.table)
    if environment.catalog.table(name) is None:
        raise failure(errors.DOES_NOT_EXIST, f"table {name} does not exist", node.table.span)
    environment.plan.warn(no_effect(f"REBUILD of {name} has no effect", node.span))


def _drop_database(environment: Environment, node: ast.Drop) -> None:
    name = node.name.parts[-1]
    if len(node.name.parts) != 1:
        raise failure(errors.DOES_NOT_EXIST, "a database's name has one part", node.name.span)
    if name == model.MASTER:
        raise failure(errors.PROTECTED, f"database {name} cannot be dropped", node.name.span)
    if environment.catalog.has_database(name):
        environment.change(model.DropDatabase(name), node.span)
    elif not node.if_exists:
        raise failure(errors.DOES_NOT_EXIST, f"database {name} does not exist", node.name.span)


def _drop_schema(environment: Environment, node: ast.Drop) -> None:
    database, schema = _schema_name(environment, node.name)
    if schema == model.DBO:
        raise failure(errors.PROTECTED, f"schema {database}.{schema} cannot be dropped", node.name.span)
    if environment.catalog.has_schema(database, schema):
        environment.change(model.DropSchema(database, schema), node.span)
    elif not node.if_exists:
        raise failure(errors.DOES_NOT_EXIST, f"schema {database}.{schema} does not exist", node.name.span)


def _schema_name(environment: Environment, name: ast.ObjectName) -> tuple[str, str]:
    if len(name.parts) > 2:
        raise failure(errors.DOES_NOT_EXIST, "a schema's name has one or two parts", name.span)
    return (environment.database, name.parts[0]) if len(name.parts) == 1 else (name.parts[0], name.parts[1])


def _defined_columns(definitions: tuple[ast.ColumnDefinition, ...]) -> tuple[Column, ...]:
    seen: set[str] = set()
    for definition in definitions:
        if definition.name in seen:
            raise failure(
                errors.DUPLICATE_COLUMN, f"column {definition.name} is defined twice", definition.span
            )
        seen.add(definition.name)
    columns = tuple(model.Column(item.name, resolve_type(item.type)) for item in definitions)
    for column, definition in zip(columns, definitions, strict=True):
        check_column(column.name, column.type, definition.type.span)
    return columns


def _index(node: ast.IndexDefinition, columns: tuple[Column, ...]) -> model.Index:
    known = {column.name for column in columns}
    for key in (*(name for name, _ in node.keys), *node.distribution_keys):
        if key not in known:
            raise failure(
                errors.UNKNOWN_COLUMN, f"index {node.name} names {key}, no column of the table", node.span
            )
    return model.Index(
        node.name, node.keys, node.distribution, node.distribution_keys, node.buckets, node.columnstore
    )


def _refuse_duplicates(names: Iterable[str], span: Span) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise failure(errors.DUPLICATE_COLUMN, f"column {name} is named twice", span)
        seen.add(name)


def _refuse_namesake(environment: Environment, name: QualifiedName, kind: str, span: Span) -> None:
    """Refuse a table that is called as a view, and the other way round: both are looked up by one name."""
    found = environment.catalog.view(name) if kind == "view" else environment.catalog.table(name)
    if found is not None:
        raise failure(errors.ALREADY_EXISTS, f"{kind} {name} exists already", span)


def _exists(what: str, allowed: bool, span: Span) -> None:
    if not allowed:
        raise failure(errors.ALREADY_EXISTS, f"{what} exists already", span)
