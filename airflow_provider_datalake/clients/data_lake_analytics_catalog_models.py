"""What the catalog of Data Lake Analytics says, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, Self

from airflow_provider_datalake.clients.data_lake_analytics_models import moment

if TYPE_CHECKING:
    from datetime import datetime


class CatalogItem(Protocol):
    """One thing in the catalog."""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Self:
        """Read the service's form."""
        ...


@dataclass(frozen=True)
class Database:
    """
    A database.

    :param name: its name
    :param version: GUID that changes with it
    """

    name: str
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Database:
        """
        Read the service's form.

        :param told: the object
        :return: the database
        """
        return cls(text(told, "databaseName"), text(told, "version"))


@dataclass(frozen=True)
class Schema:
    """
    A schema of a database.

    :param name: its name
    :param database: its database
    :param version: GUID that changes with it
    """

    name: str
    database: str
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Schema:
        """
        Read the service's form.

        :param told: the object
        :return: the schema
        """
        return cls(text(told, "schemaName"), text(told, "databaseName"), text(told, "version"))


@dataclass(frozen=True)
class Column:
    """
    A column of a table or table type.

    :param name: its name
    :param type: its .NET type, e.g. ``System.Int32``
    """

    name: str
    type: str

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Column:
        """
        Read the service's form, of which there are two.

        :param told: the object
        :return: the column
        """
        return cls(
            text(told, "name") or text(told, "columnName"),
            text(told, "type") or text(told, "dataType") or text(told, "fieldType"),
        )


@dataclass(frozen=True)
class DirectedColumn:
    """
    A column that rows are ordered by.

    :param name: its name
    :param descending: whether large values come first
    """

    name: str
    descending: bool = False


@dataclass(frozen=True)
class Distribution:
    """
    How rows are spread.

    :param type: the service's number for the way
    :param keys: the columns that decide
    :param count: over how many buckets
    """

    type: int | None = None
    keys: tuple[DirectedColumn, ...] = ()
    count: int | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any] | None) -> Distribution | None:
        """
        Read the service's form.

        :param told: the object
        :return: the distribution, None when there is none
        """
        if not told:
            return None
        return cls(told.get("type"), _directed(told.get("keys")), told.get("count"))


@dataclass(frozen=True)
class Index:
    """
    An index of a table.

    :param name: its name
    :param keys: the columns that rows are ordered by
    :param columns: the columns that it holds
    :param distribution: how rows are spread
    :param partition_keys: the columns that divide the table
    :param is_columnstore: whether it keeps columns together
    :param is_unique: whether two rows cannot have the same keys
    """

    name: str
    keys: tuple[DirectedColumn, ...] = ()
    columns: tuple[str, ...] = ()
    distribution: Distribution | None = None
    partition_keys: tuple[str, ...] = ()
    is_columnstore: bool = False
    is_unique: bool = False

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Index:
        """
        Read the service's form.

        :param told: the object
        :return: the index
        """
        return cls(
            name=text(told, "name"),
            keys=_directed(told.get("indexKeys")),
            columns=tuple(told.get("columns") or ()),
            distribution=Distribution.from_wire(told.get("distributionInfo")),
            partition_keys=tuple(told.get("partitionKeyList") or ()),
            is_columnstore=bool(told.get("isColumnstore")),
            is_unique=bool(told.get("isUnique")),
        )


@dataclass(frozen=True)
class Table:
    """
    A table.

    :param name: its name
    :param database: its database
    :param schema: its schema
    :param columns: its columns; empty in a basic list
    :param indexes: its indexes; empty in a basic list
    :param partition_keys: the columns that divide it; empty in a basic list
    :param distribution: how rows are spread
    :param external_source: data source of an external table
    :param version: GUID that changes with it
    """

    name: str
    database: str
    schema: str
    columns: tuple[Column, ...] = ()
    indexes: tuple[Index, ...] = ()
    partition_keys: tuple[str, ...] = ()
    distribution: Distribution | None = None
    external_source: str = ""
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Table:
        """
        Read the service's form.

        :param told: the object
        :return: the table
        """
        source = ((told.get("externalTable") or {}).get("dataSource") or {}).get("name") or {}
        return cls(
            name=text(told, "tableName"),
            database=text(told, "databaseName"),
            schema=text(told, "schemaName"),
            columns=tuple(Column.from_wire(item) for item in told.get("columnList") or ()),
            indexes=tuple(Index.from_wire(item) for item in told.get("indexList") or ()),
            partition_keys=tuple(told.get("partitionKeyList") or ()),
            distribution=Distribution.from_wire(told.get("distributionInfo")),
            external_source=text(source, "firstPart") if isinstance(source, Mapping) else str(source),
            version=text(told, "version"),
        )


@dataclass(frozen=True)
class TableType:
    """
    A type, of tables or of .NET.

    :param name: its name
    :param database: its database
    :param schema: its schema
    :param columns: its columns, where it is a table type
    :param full_name: its name in C#
    :param is_table_type: whether it is a table type
    :param is_user_defined: whether a person has made it
    :param is_nullable: whether it knows null
    :param version: GUID that changes with it
    """

    name: str
    database: str
    schema: str
    columns: tuple[Column, ...] = ()
    full_name: str = ""
    is_table_type: bool = False
    is_user_defined: bool = False
    is_nullable: bool = False
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> TableType:
        """
        Read the service's form.

        :param told: the object
        :return: the type
        """
        return cls(
            name=text(told, "typeName"),
            database=text(told, "databaseName"),
            schema=text(told, "schemaName"),
            columns=tuple(Column.from_wire(item) for item in told.get("columns") or ()),
            full_name=text(told, "fullCSharpName"),
            is_table_type=bool(told.get("isTableType")),
            is_user_defined=bool(told.get("isUserDefined")),
            is_nullable=bool(told.get("isNullable")),
            version=text(told, "version"),
        )


class ModuleKind(StrEnum):
    """What a piece of U-SQL in the catalog is, by its folder in the service's paths."""

    VIEW = "views"
    TABLE_VALUED_FUNCTION = "tablevaluedfunctions"
    PROCEDURE = "procedures"
    PACKAGE = "packages"


_NAME_FIELDS = {
    ModuleKind.VIEW: "viewName",
    ModuleKind.TABLE_VALUED_FUNCTION: "tvfName",
    ModuleKind.PROCEDURE: "procName",
    ModuleKind.PACKAGE: "packageName",
}


@dataclass(frozen=True)
class Module:
    """
    A view, table-valued function, procedure or package.

    :param kind: which of them
    :param name: its name
    :param database: its database
    :param schema: its schema
    :param definition: the U-SQL that has made it
    :param version: GUID that changes with it
    """

    kind: ModuleKind
    name: str
    database: str
    schema: str
    definition: str = ""
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Module:
        """
        Read the service's form.

        :param told: the object
        :return: the module
        """
        kind = next((kind for kind, name in _NAME_FIELDS.items() if name in told), ModuleKind.VIEW)
        return cls(
            kind=kind,
            name=text(told, _NAME_FIELDS[kind]),
            database=text(told, "databaseName"),
            schema=text(told, "schemaName"),
            definition=text(told, "definition"),
            version=text(told, "version"),
        )


@dataclass(frozen=True)
class Statistics:
    """
    What the engine knows about the values of a table.

    :param name: its name
    :param table: its table
    :param database: its database
    :param schema: its schema
    :param columns: the columns that it is about
    :param filter: condition of the rows that it is about
    :param is_user_created: whether a person has made it
    :param created_at: when it was made
    :param updated_at: when it was made anew
    """

    name: str
    table: str
    database: str
    schema: str
    columns: tuple[str, ...] = ()
    filter: str = ""
    is_user_created: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Statistics:
        """
        Read the service's form.

        :param told: the object
        :return: the statistics
        """
        return cls(
            name=text(told, "statisticsName"),
            table=text(told, "tableName"),
            database=text(told, "databaseName"),
            schema=text(told, "schemaName"),
            columns=tuple(told.get("colNames") or ()),
            filter=text(told, "filterDefinition") if told.get("hasFilter") else "",
            is_user_created=bool(told.get("isUserCreated")),
            created_at=moment(told.get("createTime")),
            updated_at=moment(told.get("updateTime")),
        )


@dataclass(frozen=True)
class Partition:
    """
    A partition of a table.

    :param name: its name
    :param label: its values, as U-SQL writes them
    :param database: its database
    :param schema: its schema
    :param created_at: when it was made
    """

    name: str
    label: tuple[str, ...] = ()
    database: str = ""
    schema: str = ""
    created_at: datetime | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Partition:
        """
        Read the service's form.

        :param told: the object
        :return: the partition
        """
        return cls(
            name=text(told, "partitionName"),
            label=tuple(told.get("label") or ()),
            database=text(told, "databaseName"),
            schema=text(told, "schemaName"),
            created_at=moment(told.get("createDate")),
        )


@dataclass(frozen=True)
class TableFragment:
    """
    A file of a table.

    :param id: its GUID
    :param rows: how many rows it has
    :param bytes: how large it is
    :param created_at: when it was made
    """

    id: str
    rows: int | None = None
    bytes: int | None = None
    created_at: datetime | None = None

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> TableFragment:
        """
        Read the service's form.

        :param told: the object
        :return: the fragment
        """
        return cls(
            text(told, "fragmentId"), told.get("rowCount"), told.get("size"), moment(told.get("createDate"))
        )


@dataclass(frozen=True)
class Preview:
    """
    The first rows of a table or partition, as text.

    :param columns: the columns
    :param rows: the rows, one text or None per column
    :param total_rows: how many rows there are
    :param total_columns: how many columns there are
    :param truncated: whether there are more than are shown
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[str | None, ...], ...]
    total_rows: int | None = None
    total_columns: int | None = None
    truncated: bool = False

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Preview:
        """
        Read the service's form.

        :param told: the object
        :return: the preview
        """
        return cls(
            columns=tuple(Column.from_wire(item) for item in told.get("schema") or ()),
            rows=tuple(tuple(row) for row in told.get("rows") or ()),
            total_rows=told.get("totalRowCount"),
            total_columns=told.get("totalColumnCount"),
            truncated=bool(told.get("truncated")),
        )


@dataclass(frozen=True)
class Assembly:
    """
    A .NET assembly.

    :param name: its name
    :param database: its database
    :param clr_name: its full .NET name
    :param is_user_defined: whether a person has registered it; False in a list
    :param files: paths of its files; empty in a list
    :param version: GUID that changes with it
    """

    name: str
    database: str
    clr_name: str = ""
    is_user_defined: bool = False
    files: tuple[str, ...] = ()
    version: str = ""

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> Assembly:
        """
        Read the service's form, which is another one in a list.

        :param told: the object
        :return: the assembly
        """
        return cls(
            name=text(told, "assemblyName") or text(told, "assemblyClrName"),
            database=text(told, "databaseName"),
            clr_name=text(told, "clrName"),
            is_user_defined=bool(told.get("isUserDefined")),
            files=tuple(text(item, "originalPath") for item in told.get("files") or ()),
            version=text(told, "version"),
        )


@dataclass(frozen=True)
class ExternalDataSource:
    """
    A database elsewhere that U-SQL may query.

    :param name: its name
    :param database: its database
    :param provider: what kind of database it is
    :param provider_string: how it is reached
    :param pushdown_types: types that it may compare itself
    """

    name: str
    database: str
    provider: str = ""
    provider_string: str = field(default="", repr=False)
    pushdown_types: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, told: Mapping[str, Any]) -> ExternalDataSource:
        """
        Read the service's form.

        :param told: the object
        :return: the data source
        """
        return cls(
            name=text(told, "externalDataSourceName"),
            database=text(told, "databaseName"),
            provider=text(told, "provider"),
            provider_string=text(told, "providerString"),
            pushdown_types=tuple(told.get("pushdownTypes") or ()),
        )


def text(told: Mapping[str, Any], name: str) -> str:
    """
    Read a text.

    :param told: the object
    :param name: its property
    :return: the text, empty when there is none
    """
    return str(told.get(name) or "")


def _directed(told: Any) -> tuple[DirectedColumn, ...]:
    return tuple(DirectedColumn(text(item, "name"), bool(item.get("descending"))) for item in told or ())
