"""The catalog as a script sees it while it is compiled: the stored one under the script's own changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.usql import catalog as model

if TYPE_CHECKING:
    from airflow_provider_datalake.usql.catalog import Catalog, Change, QualifiedName, Table, View


class Overlay:
    """
    A catalog with changes that are not committed.

    :param base: the stored catalog
    """

    def __init__(self, base: Catalog) -> None:
        self._base = base
        self._databases: dict[str, bool] = {}
        self._schemas: dict[tuple[str, str], bool] = {}
        self._hidden: set[str | tuple[str, str]] = set()
        self._tables: dict[QualifiedName, Table | None] = {}
        self._views: dict[QualifiedName, View | None] = {}
        self._created: set[QualifiedName] = set()

    def has_database(self, database: str) -> bool:
        """
        Tell whether a database exists.

        :param database: its name
        """
        return self._databases.get(database, database == model.MASTER or self._base.has_database(database))

    def has_schema(self, database: str, schema: str) -> bool:
        """
        Tell whether a schema exists.

        :param database: its database
        :param schema: its name
        """
        if not self.has_database(database):
            return False
        known = self._schemas.get((database, schema))
        if known is not None or schema == model.DBO:
            return known is not False
        return database not in self._hidden and self._base.has_schema(database, schema)

    def table(self, name: QualifiedName) -> Table | None:
        """
        Look a table up.

        :param name: its full name
        :return: its definition, None when there is none
        """
        if name in self._tables:
            return self._tables[name]
        return None if self._is_hidden(name) else self._base.table(name)

    def view(self, name: QualifiedName) -> View | None:
        """
        Look a view up.

        :param name: its full name
        :return: its definition, None when there is none
        """
        if name in self._views:
            return self._views[name]
        return None if self._is_hidden(name) else self._base.view(name)

    def is_created_here(self, name: QualifiedName) -> bool:
        """
        Tell whether the script itself creates a table, and so cannot read it.

        :param name: the table's full name
        """
        return name in self._created

    def apply(self, change: Change) -> None:
        """
        Remember a change, for the statements that follow.

        :param change: what the script changes
        """
        match change:
            case model.CreateDatabase(name=name):
                self._databases[name] = True
            case model.DropDatabase(name=name):
                self._databases[name] = False
                self._forget(name, None)
            case model.CreateSchema(database=database, name=name):
                self._schemas[database, name] = True
            case model.DropSchema(database=database, name=name):
                self._schemas[database, name] = False
                self._forget(database, name)
            case model.CreateTable(table=table):
                self._tables[table.name] = table
                self._created.add(table.name)
            case model.DropTable(name=name):
                self._tables[name] = None
            case model.CreateView(view=view):
                self._views[view.name] = view
            case model.DropView(name=name):
                self._views[name] = None
            case model.TruncateTable() | model.AppendSegment():
                pass

    def _is_hidden(self, name: QualifiedName) -> bool:
        return (
            not self.has_schema(name.database, name.schema)
            or name.database in self._hidden
            or (name.database, name.schema) in self._hidden
        )

    def _forget(self, database: str, schema: str | None) -> None:
        """Hide what a dropped database or schema held, also when the name is created again."""
        self._hidden.add(database if schema is None else (database, schema))
        for name in [name for name in self._tables if _is_in(name, database, schema)]:
            del self._tables[name]
        for name in [name for name in self._views if _is_in(name, database, schema)]:
            del self._views[name]
        if schema is None:
            for key in [key for key in self._schemas if key[0] == database]:
                del self._schemas[key]


def _is_in(name: QualifiedName, database: str, schema: str | None) -> bool:
    return name.database == database and schema in (None, name.schema)
