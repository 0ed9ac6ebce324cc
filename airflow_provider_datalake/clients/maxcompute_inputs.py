"""From what a person hands over to sources that a load can read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias, Union

from airflow_provider_datalake.clients.maxcompute_columns import BadData
from airflow_provider_datalake.clients.maxcompute_files import CsvFormat, CsvSource, ParquetSource
from airflow_provider_datalake.clients.maxcompute_sources import (
    ArrowSource,
    ReaderSource,
    RowsSource,
    Source,
    frame_source,
)
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    import pandas as pd
    import pyarrow as pa

    from airflow_provider_datalake.clients.maxcompute_columns import TableColumn

InputFile: TypeAlias = Union[str, "os.PathLike[str]", BinaryIO]
LoadData: TypeAlias = "pa.Table | pa.RecordBatchReader | pd.DataFrame | InputFile | Sequence[InputFile]"


def make_sources(
    data: LoadData,
    table: Sequence[TableColumn],
    *,
    csv_format: CsvFormat | None = None,
    columns: Mapping[str, str] | Sequence[str] | None = None,
) -> list[Source]:
    """
    Make sources of data in memory or in files.

    :param data: an Arrow table, a record batch reader, a DataFrame, or one or several files
    :param table: the table's data columns
    :param csv_format: how the files are written when they are CSV; otherwise they are Parquet
    :param columns: the source columns to load, or table column by source column
    :return: the sources, files opened once to read their columns
    :raises BadData: when a file is not what it should be
    :raises NotFoundError: when a file does not exist
    """
    import pandas as pd
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return [ArrowSource(data)]
    if isinstance(data, pa.RecordBatchReader):
        return [ReaderSource(data)]
    if isinstance(data, pd.DataFrame):
        return [frame_source(data, table)]
    targets = columns if isinstance(columns, Mapping) else None
    files = data if isinstance(data, (list, tuple)) else [data]
    if not files:
        raise ConfigurationError("there is no file to load")
    return [_file_source(file, table, csv_format, targets) for file in files]


def _file_source(
    file: Any, table: Sequence[TableColumn], csv_format: CsvFormat | None, targets: Mapping[str, str] | None
) -> Source:
    if isinstance(file, str):
        file = Path(file)
    if not hasattr(file, "read") and not hasattr(file, "open"):
        raise ConfigurationError(
            "expected an Arrow table, a record batch reader, a DataFrame or files, "
            f"found {type(file).__name__}"
        )
    name = str(getattr(file, "name", file) if hasattr(file, "read") else file)
    try:
        if csv_format is None:
            return ParquetSource(file, name)
        return CsvSource(file, name, csv_format, table, targets)
    except BadData as error:
        raise BadData(f"{name}: {error}") from None


def make_rows(
    rows: Iterable[Sequence[Any]], table: Sequence[TableColumn], fields: Sequence[str] | None, zone: str
) -> RowsSource:
    """
    Make a source of Python rows.

    :param rows: the rows
    :param table: the table's data columns
    :param fields: the columns that the values are for; None for the table's
    :param zone: zone of times without one
    :return: the source
    :raises BadData: when the table lacks a field
    """
    by_name = {column.name.lower(): column for column in table}
    names = [column.name for column in table] if fields is None else list(fields)
    if unknown := [name for name in names if name.lower() not in by_name]:
        raise BadData(f"not in the table: {', '.join(unknown)}; it has {', '.join(by_name)}")
    return RowsSource(rows, [by_name[name.lower()] for name in names], zone)
