"""What the parts of one statement's binding share: where names lead, and the pieces of its SQL."""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from airflow_provider_datalake.emulator.maxcompute.sql.errors import ParseError, SemanticError, SqlError
from airflow_provider_datalake.emulator.maxcompute.sql.names import TableName, find_table, table_name
from airflow_provider_datalake.emulator.maxcompute.sql.scope import Field, Relation, Scan, Scope, column
from airflow_provider_datalake.emulator.maxcompute.types import DataType, parse_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_provider_datalake.emulator.catalog import Catalog
    from airflow_provider_datalake.emulator.maxcompute.sql.source import Source
    from airflow_provider_datalake.emulator.maxcompute.sql.typed import FunctionContext


@dataclass(frozen=True)
class OutputColumn:
    """
    One column of a query's result.

    :param name: lower-case name
    :param type: its type
    :param node: the expression in the query, for positions
    """

    name: str
    type: DataType
    node: exp.Expression | None = None


@dataclass(frozen=True)
class BoundQuery:
    """
    A query ready for DuckDB.

    :param sql: the DuckDB query; its columns are called by ``output_name``
    :param columns: what MaxCompute calls them, and their types
    """

    sql: exp.Expression
    columns: tuple[OutputColumn, ...]


class QueryBinder(Protocol):
    """Binds the queries within expressions and FROM clauses."""

    def __call__(self, statement: Statement, node: exp.Expression, parent: Scope | None) -> BoundQuery:
        """Bind a query that may refer to the enclosing scope."""


@dataclass(frozen=True)
class CommonTable:
    """
    A CTE.

    :param name: its DuckDB name
    :param columns: its columns
    """

    name: str
    columns: tuple[OutputColumn, ...]


@dataclass
class Statement:
    """
    One statement while it is bound.

    :param source: the submitted text
    :param catalog: where tables are looked up
    :param project: the project that unqualified names belong to
    :param schema: the schema that unqualified names belong to
    :param context: what functions know about the statement
    """

    source: Source
    catalog: Catalog
    project: str
    schema: str
    context: FunctionContext
    query_binder: QueryBinder
    # The CTEs that may be named at this point, innermost first.
    visible: ChainMap[str, CommonTable] = field(default_factory=ChainMap)
    scans: list[Scan] = field(default_factory=list)
    # DuckDB name and query of every CTE, at whatever depth: these names are unique, so all go to the top.
    common: list[tuple[str, exp.Expression]] = field(default_factory=list)
    _aliases: int = 0

    @property
    def settings(self) -> Mapping[str, str]:
        """The flags of the statement."""
        return self.context.settings

    def table_name(self, parts: Sequence[str]) -> TableName:
        """
        Complete the name of a table.

        :param parts: what was written between the dots
        :return: the full name
        :raises SemanticError: when there are too many parts
        """
        schemas = self.context.flag("odps.namespace.schema", False)
        return table_name(parts, self.project, self.schema, schemas=schemas)

    def check_name(self, node: exp.Table) -> None:
        """
        Refuse a string where the name of a table should be.

        :param node: the table
        :raises ParseError: when it is one
        """
        for part in node.parts:
            start = part.meta.get("start")
            if isinstance(part, exp.Identifier) and start is not None and self.source.text[start] in "'\"":
                raise self.fail(ParseError(f"invalid table name '{part.name}': it is a string"), part)

    def alias(self) -> str:
        """
        Make a DuckDB name for a relation.

        :return: a name not yet used in this statement
        """
        self._aliases += 1
        return f"$r{self._aliases}"

    def fail(self, error: SqlError, node: exp.Expression | None) -> SqlError:
        """
        Give an error the position of a node.

        :param error: the error
        :param node: where it belongs
        :return: the error
        """
        return self.source.fail(error, node)

    def query(self, node: exp.Expression, parent: Scope | None = None) -> BoundQuery:
        """
        Bind a query.

        :param node: its tree
        :param parent: the scope that it may refer to, for a correlated subquery
        :return: the bound query
        """
        return self.query_binder(self, node, parent)

    def rename(
        self, columns: Sequence[OutputColumn], alias: exp.TableAlias | None
    ) -> tuple[OutputColumn, ...]:
        """
        Apply the column names of ``AS t (a, b)``.

        :param columns: the columns
        :param alias: the alias of the relation
        :return: the columns by their new names
        :raises SemanticError: when there are more or fewer names than columns
        """
        nodes = (alias.args.get("columns") or []) if alias else []
        names = [n.name.lower() for n in nodes]
        if not names:
            return tuple(columns)
        if not alias or not alias.name or not all(isinstance(n, exp.Identifier) for n in nodes):
            raise self.fail(ParseError("column aliases need the name of the table before them"), nodes[0])
        if len(names) != len(columns):
            message = f"{len(names)} column alias(es) for {len(columns)} column(s)"
            raise self.fail(SemanticError(message), alias)
        return tuple(OutputColumn(n, c.type, c.node) for n, c in zip(names, columns, strict=True))

    def unsupported(self, what: str, node: exp.Expression | None) -> SqlError:
        """
        Refuse what the emulator does not know.

        :param what: what it is
        :param node: where it is
        :return: the error to raise
        """
        return self.fail(SemanticError(f"{what} is not supported"), node)

    def scan(self, name: TableName, node: exp.Expression, called: str) -> Relation:
        """
        Read a stored table.

        :param name: its full name
        :param node: where the query names it
        :param called: the alias that the query gives it, or nothing
        :return: the relation
        :raises TableNotFound: when there is none
        """
        try:
            table = find_table(self.catalog, name)
        except SqlError as error:
            raise self.fail(error, node) from None
        alias = self.alias()
        scan = Scan(f"$s{len(self.scans) + 1}", table, alias, node=node)
        self.scans.append(scan)
        fields = [
            Field(c.name, parse_type(c.type), column(alias, c.name), scan)
            for c in (*table.columns, *table.partition_columns)
        ]
        names = (called,) if called else (name.project, name.schema, name.table)
        return Relation(names, fields)
