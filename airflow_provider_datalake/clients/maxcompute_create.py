"""Tables that fit the files which are to be loaded into them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_datalake.clients.maxcompute_columns import BadData, TableColumn, normal_type
from airflow_provider_datalake.clients.maxcompute_specs import parse_partition
from airflow_provider_datalake.clients.maxcompute_tunnel import TableRef
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from odps import ODPS

    from airflow_provider_datalake.clients.maxcompute_specs import PartitionSpec


def described_columns(columns: Mapping[str, str]) -> list[TableColumn]:
    """
    Read columns as a person describes them.

    :param columns: type by name
    :return: the columns
    :raises ConfigurationError: when a type is not one
    """
    found = []
    for name, text in columns.items():
        try:
            found.append(TableColumn(name, normal_type(text)))
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"column {name!r}: {text!r} is not a MaxCompute type ({error})"
            ) from None
    if not found:
        raise ConfigurationError("a table needs at least one column")
    return found


def columns_of(schema: pa.Schema, columns: Mapping[str, str] | Sequence[str] | None) -> list[TableColumn]:
    """
    Derive a table's columns from a file's.

    :param schema: the file's columns
    :param columns: the columns to take, or table column by file column; None for all
    :return: columns that hold the file's values without loss
    :raises BadData: when there is no such type, or a column is missing
    """
    chosen: Mapping[str, str]
    if columns is None:
        chosen = {name: name for name in schema.names}
    else:
        chosen = columns if isinstance(columns, Mapping) else {name: name for name in columns}
    if missing := [name for name in chosen if name not in schema.names]:
        raise BadData(f"no column {', '.join(missing)} in the file; it has {', '.join(schema.names)}")
    return [TableColumn(target, _type_of(schema.field(name).type, name)) for name, target in chosen.items()]


def _type_of(data_type: pa.DataType, name: str) -> str:
    import pyarrow.types as at

    if at.is_dictionary(data_type):
        data_type = data_type.value_type
    if at.is_timestamp(data_type):
        return "datetime" if data_type.unit in ("s", "ms") else "timestamp"
    if at.is_decimal(data_type):
        return f"decimal({data_type.precision},{data_type.scale})"
    if at.is_list(data_type) or at.is_large_list(data_type):
        return f"array<{_type_of(data_type.value_type, name)}>"
    if at.is_map(data_type):
        return f"map<{_type_of(data_type.key_type, name)},{_type_of(data_type.item_type, name)}>"
    if at.is_struct(data_type):
        fields = ",".join(f"`{field.name}`:{_type_of(field.type, name)}" for field in data_type)
        return f"struct<{fields}>"
    plain = {
        "bool": "boolean", "int8": "tinyint", "int16": "smallint", "int32": "int", "int64": "bigint",
        "uint8": "smallint", "uint16": "int", "uint32": "bigint", "halffloat": "float", "float": "float",
        "double": "double", "string": "string", "large_string": "string", "string_view": "string",
        "binary": "binary", "large_binary": "binary", "date32[day]": "date", "date64[ms]": "date",
    }.get(str(data_type))  # fmt: skip
    if plain is None:
        raise BadData(f"column {name!r}: no MaxCompute type for {data_type}; give the table's columns")
    return plain


def create_table(
    client: ODPS,
    table: str,
    columns: Sequence[TableColumn],
    partition_columns: Mapping[str, str] | None,
    partition: PartitionSpec | None,
) -> None:
    """
    Create a table if it is missing.

    :param client: a PyODPS client
    :param table: the table's name
    :param columns: the data columns
    :param partition_columns: type by name; None for STRING columns that ``partition`` names
    :param partition: a partition of the table
    """
    from odps.models import TableSchema

    if partition_columns is None and partition is not None:
        partition_columns = dict.fromkeys(parse_partition(partition), "string")
    keys = described_columns(partition_columns) if partition_columns else []
    ref = TableRef.parse(table, client)
    client.create_table(
        ref.name,
        table_schema=TableSchema.from_lists(
            [column.name for column in columns],
            [column.type for column in columns],
            [key.name for key in keys],
            [key.type for key in keys],
        ),
        project=ref.project,
        schema=ref.schema or None,
        if_not_exists=True,
    )
