"""What a statement is bound in: the script's variables and rowsets, its place in the catalog, its plan."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import catalog as model
from airflow_provider_datalake.usql.binder import errors
from airflow_provider_datalake.usql.binder.building import PlanBuilder
from airflow_provider_datalake.usql.binder.errors import failure
from airflow_provider_datalake.usql.plan import ChangeStep

if TYPE_CHECKING:
    from airflow_provider_datalake.usql import ast
    from airflow_provider_datalake.usql.binder.overlay import Overlay
    from airflow_provider_datalake.usql.catalog import Change, QualifiedName
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.expressions import Typed
    from airflow_provider_datalake.usql.plan import Rowset
    from airflow_provider_datalake.usql.workspace import Files


@dataclass
class Environment:
    """
    The state of a script that is being bound.

    :param files: where input files are looked up
    :param catalog: the catalog with the script's own changes
    :param plan: the steps so far
    :param database: the current database
    :param schema: the current schema
    :param variables: the scalar variables by name, with their at signs
    :param defaults: names of those that DECLARE EXTERNAL declared
    :param rowsets: rowset variables by name, with their at signs, as they are at this point
    :param tables: tables and views that are read already, as they are at this point
    :param read: resolved URIs of single files that are read
    :param written: resolved URIs of files that are written
    :param views: the views that are being expanded, outermost first
    :param defining: whether a view's query is only checked, and not run
    """

    files: Files
    catalog: Overlay
    plan: PlanBuilder = field(default_factory=PlanBuilder)
    database: str = model.MASTER
    schema: str = model.DBO
    variables: dict[str, Typed] = field(default_factory=dict)
    defaults: set[str] = field(default_factory=set)
    rowsets: dict[str, Rowset] = field(default_factory=dict)
    tables: dict[QualifiedName, Rowset] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    views: tuple[QualifiedName, ...] = ()
    defining: bool = False

    def qualify(self, name: ast.ObjectName) -> QualifiedName:
        """
        Complete a name with the current database and schema.

        :param name: of one to three parts
        :return: the full name, of something that may not exist
        """
        given = (self.database, self.schema)[: 3 - len(name.parts)]
        return model.QualifiedName(*given, *name.parts)

    def require_schema(self, name: QualifiedName, span: Span) -> None:
        """
        Check that the place of an object exists.

        :param name: the object's name
        :param span: where the script names it
        :raises CompileError: when its database or schema does not exist
        """
        if not self.catalog.has_database(name.database):
            raise failure(errors.DOES_NOT_EXIST, f"database {name.database} does not exist", span)
        if not self.catalog.has_schema(name.database, name.schema):
            raise failure(errors.DOES_NOT_EXIST, f"schema {name.database}.{name.schema} does not exist", span)

    def change(self, change: Change, span: Span) -> None:
        """
        Change the catalog, for the plan and for the statements that follow.

        :param change: what changes
        :param span: the statement
        """
        self.catalog.apply(change)
        self.plan.add(ChangeStep(self.plan.step_id(type(change).__name__), change, span))
        self.tables.clear()

    def for_view(self, name: QualifiedName, *, defining: bool = False) -> Environment:
        """
        Give the environment of a view's query: the view's own database and schema, and nothing of the script.

        :param name: the view
        :param defining: whether the query is only checked; its steps are thrown away then
        :return: an environment that shares the plan, the catalog and the files
        """
        return replace(
            self,
            variables={},
            defaults=set(),
            plan=PlanBuilder() if defining else self.plan,
            database=name.database,
            schema=name.schema,
            rowsets={},
            tables={} if defining else self.tables,
            read=set() if defining else self.read,
            views=(*self.views, name),
            defining=self.defining or defining,
        )
