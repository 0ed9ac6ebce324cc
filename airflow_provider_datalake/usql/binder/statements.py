"""The statements of a script, one after the other."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import ast
from airflow_provider_datalake.usql.binder import definitions, errors
from airflow_provider_datalake.usql.binder.constants import constant_condition
from airflow_provider_datalake.usql.binder.environment import Environment
from airflow_provider_datalake.usql.binder.errors import failure, unsupported
from airflow_provider_datalake.usql.binder.insertion import insert
from airflow_provider_datalake.usql.binder.output import output
from airflow_provider_datalake.usql.binder.overlay import Overlay
from airflow_provider_datalake.usql.binder.rowsets import bind_rowset
from airflow_provider_datalake.usql.binder.settings import set_variable
from airflow_provider_datalake.usql.binder.variables import declare
from airflow_provider_datalake.usql.diagnostics import NOWHERE, CompileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_datalake.usql.catalog import Catalog
    from airflow_provider_datalake.usql.plan import Plan
    from airflow_provider_datalake.usql.workspace import Files


def bind_script(
    statements: Iterable[ast.Statement], files: Files, catalog: Catalog, prelude: Iterable[ast.Statement] = ()
) -> Plan:
    """
    Bind a script.

    :param statements: its statements
    :param files: where input files are looked up
    :param catalog: the stored catalog, which is not changed
    :param prelude: statements before it, whose errors have no place in the script
    :return: the plan
    :raises CompileError: at the first statement that is wrong
    """
    environment = Environment(files, Overlay(catalog))
    with elsewhere():
        _bind_all(environment, prelude)
    _bind_all(environment, statements)
    return environment.plan.plan()


@contextmanager
def elsewhere() -> Iterator[None]:
    """Take the places out of the errors of what stands before the script."""
    try:
        yield
    except CompileError as error:
        moved = (
            replace(item, span=NOWHERE, message=f"in the parameters: {item.message}")
            for item in error.diagnostics
        )
        raise CompileError(*moved) from error


def _bind_all(environment: Environment, statements: Iterable[ast.Statement]) -> None:
    for statement in statements:
        try:
            _bind(environment, statement)
        except RecursionError as error:
            raise unsupported("an expression of so many levels", statement.span) from error


def _bind(environment: Environment, statement: ast.Statement) -> None:
    match statement:
        case ast.Declare():
            declare(environment, statement)
        case ast.SetVariable():
            set_variable(environment, statement)
        case ast.Assign():
            _assign(environment, statement)
        case ast.Output():
            output(environment, statement)
        case ast.If():
            holds = constant_condition(environment, statement.condition)
            _bind_all(environment, statement.then if holds else statement.otherwise)
        case ast.Use():
            definitions.use(environment, statement)
        case ast.CreateDatabase():
            definitions.create_database(environment, statement)
        case ast.CreateSchema():
            definitions.create_schema(environment, statement)
        case ast.CreateTable():
            definitions.create_table(environment, statement)
        case ast.CreateView():
            definitions.create_view(environment, statement)
        case ast.Drop():
            definitions.drop(environment, statement)
        case ast.Truncate():
            definitions.truncate(environment, statement)
        case ast.Insert():
            insert(environment, statement)
        case ast.Unsupported():
            raise unsupported(statement.feature, statement.span)
        case ast.Rebuild():
            definitions.rebuild(environment, statement)
        case _:
            raise unsupported(type(statement).__name__, statement.span)


def _assign(environment: Environment, statement: ast.Assign) -> None:
    if statement.name in environment.variables:
        raise failure(
            errors.ALREADY_DECLARED,
            f"Rowset variable {statement.name} is already declared as a scalar variable.",
            statement.span,
        )
    environment.rowsets[statement.name] = bind_rowset(environment, statement.query, statement.name)
