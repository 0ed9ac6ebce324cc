"""The catalog of a Data Lake Analytics account: what U-SQL has made, and who may use it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.azure_rest import ALL, ListOptions, check_positive, segment
from airflow_provider_datalake.clients.data_lake_analytics_catalog_models import (
    Assembly,
    Database,
    ExternalDataSource,
    Module,
    ModuleKind,
    Partition,
    Preview,
    Schema,
    Statistics,
    Table,
    TableFragment,
    TableType,
)
from airflow_provider_datalake.clients.data_lake_analytics_catalog_security import (
    ROOT,
    CatalogSecurity,
    catalog_path,
)
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_datalake.clients.azure_settings import AzureSettings


class DataLakeAnalyticsCatalogClient(CatalogSecurity):
    """
    Look at the catalog, and change what is not U-SQL's to change; threads may share it.

    Databases, tables and all else that U-SQL makes are made by U-SQL.

    :param http: the requests to the account
    """

    @classmethod
    def connect(cls, settings: AzureSettings) -> DataLakeAnalyticsCatalogClient:
        """
        Make a client of a connection's settings.

        :param settings: the settings
        :return: the client; nothing is sent yet
        """
        from airflow_provider_datalake.clients.data_lake_analytics import open_http

        return cls(open_http(settings, settings.url))

    # Databases and schemas

    def databases(self, options: ListOptions = ALL) -> Iterator[Database]:
        """
        Go through the databases.

        :param options: which ones are wanted
        :return: the databases
        """
        return self._list("databases", Database, options)

    def database(self, name: str) -> Database:
        """
        Look at a database.

        :param name: its name
        :return: the database
        :raises NotFoundError: when there is none of this name
        """
        return self._get(catalog_path(database=name), Database)

    def schemas(self, database: str, options: ListOptions = ALL) -> Iterator[Schema]:
        """
        Go through the schemas of a database.

        :param database: the database
        :param options: which ones are wanted
        :return: the schemas
        """
        return self._list(f"{catalog_path(database=database)}/schemas", Schema, options)

    def schema(self, database: str, name: str) -> Schema:
        """
        Look at a schema.

        :param database: its database
        :param name: its name
        :return: the schema
        :raises NotFoundError: when there is none of this name
        """
        return self._get(catalog_path(database, name), Schema)

    # Tables

    def tables(
        self, database: str, schema: str | None = None, options: ListOptions = ALL, *, basic: bool = False
    ) -> Iterator[Table]:
        """
        Go through the tables of a schema, or of a whole database.

        :param database: the database
        :param schema: the schema; all when None
        :param options: which ones are wanted
        :param basic: whether the names are enough: no columns, indexes and partition keys
        :return: the tables
        """
        path = f"{catalog_path(database, schema)}/tables"
        return self._list(path, Table, options, basic="true" if basic else "false")

    def table(self, database: str, schema: str, name: str) -> Table:
        """
        Look at a table.

        :param database: its database
        :param schema: its schema
        :param name: its name
        :return: the table
        :raises NotFoundError: when there is none of this name
        """
        return self._get(catalog_path(database, schema, name), Table)

    def partitions(
        self, database: str, schema: str, table: str, options: ListOptions = ALL
    ) -> Iterator[Partition]:
        """
        Go through the partitions of a table.

        :param database: the table's database
        :param schema: the table's schema
        :param table: the table
        :param options: which ones are wanted
        :return: the partitions
        """
        return self._list(f"{catalog_path(database, schema, table)}/partitions", Partition, options)

    def partition(self, database: str, schema: str, table: str, name: str) -> Partition:
        """
        Look at a partition.

        :param database: the table's database
        :param schema: the table's schema
        :param table: the table
        :param name: the partition's name
        :return: the partition
        :raises NotFoundError: when there is none of this name
        """
        return self._get(
            f"{catalog_path(database, schema, table)}/partitions/{segment(name, 'partition')}", Partition
        )

    def fragments(
        self, database: str, schema: str, table: str, options: ListOptions = ALL
    ) -> Iterator[TableFragment]:
        """
        Go through the files of a table.

        :param database: the table's database
        :param schema: the table's schema
        :param table: the table
        :param options: which ones are wanted
        :return: the files
        """
        return self._list(f"{catalog_path(database, schema, table)}/tablefragments", TableFragment, options)

    def preview(
        self,
        database: str,
        schema: str,
        table: str,
        *,
        partition: str | None = None,
        max_rows: int | None = None,
        max_columns: int | None = None,
    ) -> Preview:
        """
        Look at the first rows of a table or partition.

        :param database: the table's database
        :param schema: the table's schema
        :param table: the table
        :param partition: name of a partition; the whole table when None
        :param max_rows: at most so many rows
        :param max_columns: at most so many columns
        :return: the rows, as text
        """
        check_positive(max_rows=max_rows, max_columns=max_columns)
        path = catalog_path(database, schema, table)
        if partition is not None:
            path = f"{path}/partitions/{segment(partition, 'partition')}"
        limits = {"maxRows": max_rows, "maxColumns": max_columns}
        given = {name: str(number) for name, number in limits.items() if number is not None}
        told = self.rest.get(f"{ROOT}/{path}/previewrows", doing=f"preview table {table!r}", params=given)
        return Preview.from_wire(told)

    def statistics(
        self,
        database: str,
        schema: str | None = None,
        table: str | None = None,
        options: ListOptions = ALL,
    ) -> Iterator[Statistics]:
        """
        Go through the statistics of a table, of a schema, or of a whole database.

        :param database: the database
        :param schema: the schema; all when None
        :param table: the table; all when None
        :param options: which ones are wanted
        :return: the statistics
        """
        return self._list(f"{catalog_path(database, schema, table)}/statistics", Statistics, options)

    def statistic(self, database: str, schema: str, table: str, name: str) -> Statistics:
        """
        Look at one of a table's statistics.

        :param database: the table's database
        :param schema: the table's schema
        :param table: the table
        :param name: its name
        :return: the statistics
        :raises NotFoundError: when there are none of this name
        """
        path = f"{catalog_path(database, schema, table)}/statistics/{segment(name, 'statistics')}"
        return self._get(path, Statistics)

    # Types

    def table_types(self, database: str, schema: str, options: ListOptions = ALL) -> Iterator[TableType]:
        """
        Go through the table types of a schema.

        :param database: the database
        :param schema: the schema
        :param options: which ones are wanted
        :return: the table types
        """
        return self._list(f"{catalog_path(database, schema)}/tabletypes", TableType, options)

    def table_type(self, database: str, schema: str, name: str) -> TableType:
        """
        Look at a table type.

        :param database: its database
        :param schema: its schema
        :param name: its name
        :return: the table type
        :raises NotFoundError: when there is none of this name
        """
        return self._get(
            f"{catalog_path(database, schema)}/tabletypes/{segment(name, 'table type')}", TableType
        )

    def types(self, database: str, schema: str, options: ListOptions = ALL) -> Iterator[TableType]:
        """
        Go through all types of a schema, those of .NET as well.

        :param database: the database
        :param schema: the schema
        :param options: which ones are wanted
        :return: the types
        """
        return self._list(f"{catalog_path(database, schema)}/types", TableType, options)

    # Views, functions, procedures, packages

    def modules(
        self, kind: ModuleKind, database: str, schema: str | None = None, options: ListOptions = ALL
    ) -> Iterator[Module]:
        """
        Go through the views, table-valued functions, procedures or packages.

        :param kind: which of them
        :param database: the database
        :param schema: the schema; for views and table-valued functions None gives all of the database
        :param options: which ones are wanted
        :return: the modules, with the U-SQL that has made them
        :raises ConfigurationError: when the service lists this kind by schema only
        """
        if schema is None and kind not in (ModuleKind.VIEW, ModuleKind.TABLE_VALUED_FUNCTION):
            raise ConfigurationError(f"{kind} are listed by schema: name one")
        return self._list(f"{catalog_path(database, schema)}/{kind}", Module, options)

    def module(self, kind: ModuleKind, database: str, schema: str, name: str) -> Module:
        """
        Look at a view, table-valued function, procedure or package.

        :param kind: which of them
        :param database: its database
        :param schema: its schema
        :param name: its name
        :return: the module, with the U-SQL that has made it
        :raises NotFoundError: when there is none of this name
        """
        return self._get(f"{catalog_path(database, schema)}/{kind}/{segment(name)}", Module)

    # Assemblies and data sources

    def assemblies(self, database: str, options: ListOptions = ALL) -> Iterator[Assembly]:
        """
        Go through the assemblies of a database.

        :param database: the database
        :param options: which ones are wanted
        :return: the assemblies, without their files
        """
        return self._list(f"{catalog_path(database)}/assemblies", Assembly, options)

    def assembly(self, database: str, name: str) -> Assembly:
        """
        Look at an assembly.

        :param database: its database
        :param name: its name
        :return: the assembly
        :raises NotFoundError: when there is none of this name
        """
        return self._get(f"{catalog_path(database)}/assemblies/{segment(name, 'assembly')}", Assembly)

    def external_data_sources(
        self, database: str, options: ListOptions = ALL
    ) -> Iterator[ExternalDataSource]:
        """
        Go through the external data sources of a database.

        :param database: the database
        :param options: which ones are wanted
        :return: the data sources
        """
        return self._list(f"{catalog_path(database)}/externaldatasources", ExternalDataSource, options)

    def external_data_source(self, database: str, name: str) -> ExternalDataSource:
        """
        Look at an external data source.

        :param database: its database
        :param name: its name
        :return: the data source
        :raises NotFoundError: when there is none of this name
        """
        path = f"{catalog_path(database)}/externaldatasources/{segment(name, 'data source')}"
        return self._get(path, ExternalDataSource)
