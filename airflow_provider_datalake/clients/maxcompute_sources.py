"""What a load reads from memory: Arrow data, DataFrames and rows, as streams of record batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import islice
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.clients.maxcompute_columns import BadData, TableColumn, match_columns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd
    import pyarrow as pa

BATCH_ROWS = 65536


class Source(ABC):
    """A stream of record batches with known columns."""

    name: str
    """For messages."""
    schema: pa.Schema
    """The columns."""
    rows: int | None = None
    """The number of rows, where it is known without reading them."""
    repeatable: bool = True
    """Whether ``batches`` can be called again, so that all of it can be checked before anything is sent."""
    texts: bool = False
    """Whether it is made of texts, which have to be read to know whether they fit."""

    @abstractmethod
    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """
        Read.

        :param columns: the columns to read
        :return: batches that have these columns
        """


class ArrowSource(Source):
    """
    An Arrow table in memory.

    :param table: the data
    :param name: for messages
    """

    def __init__(self, table: pa.Table, name: str = "Arrow table") -> None:
        self.name = name
        self.schema = table.schema
        self.rows = table.num_rows
        self._table = table

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Cut the table into batches."""
        yield from self._table.select(list(columns)).to_batches(max_chunksize=BATCH_ROWS)


class ReaderSource(Source):
    """
    A stream of Arrow data that can be read once.

    :param reader: the stream
    """

    name = "record batch reader"
    repeatable = False

    def __init__(self, reader: pa.RecordBatchReader) -> None:
        self.schema = reader.schema
        self._reader = reader

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the stream, in batches that a block can hold."""
        for batch in self._reader:
            chosen = batch.select(list(columns))
            for start in range(0, chosen.num_rows, BATCH_ROWS):
                yield chosen.slice(start, BATCH_ROWS)


class RowsSource(Source):
    """
    Python rows, read once.

    :param rows: sequences of values
    :param columns: the table columns that the values are for, in their order
    :param zone: zone of times without one
    """

    name = "rows"
    repeatable = False

    def __init__(self, rows: Iterable[Sequence[Any]], columns: Sequence[TableColumn], zone: str) -> None:
        import pyarrow as pa

        self._rows = iter(rows)
        self._columns = columns
        self._zone = zone
        self.schema = pa.schema([(column.name, _zoned(column)) for column in columns])

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Turn rows into batches, type by type and value by value."""
        import pyarrow as pa

        first = 0
        while chunk := list(islice(self._rows, BATCH_ROWS)):
            for index, row in enumerate(chunk):
                if len(row) != len(self._columns):
                    raise BadData(
                        f"row {first + index + 1}: expected {len(self._columns)} values, found {len(row)}"
                    )
            values = zip(*chunk, strict=True)
            arrays = [_array(column, items) for column, items in zip(self._columns, values, strict=True)]
            inferred = pa.record_batch(arrays, names=self.schema.names)
            plans = match_columns(inferred.schema, self._columns, columns=None, zone=self._zone)
            converted = [
                plan.convert(array, len(chunk), first) for plan, array in zip(plans, arrays, strict=True)
            ]
            zoned = [array.cast(field.type) for array, field in zip(converted, self.schema, strict=True)]
            yield pa.record_batch(zoned, schema=self.schema).select(list(columns))
            first += len(chunk)


def _zoned(column: TableColumn) -> pa.DataType:
    """Name the column's type with its instants marked as such, so that no zone is assumed a second time."""
    import pyarrow as pa

    wire = column.wire_type()
    return pa.timestamp(wire.unit, "UTC") if column.base in ("datetime", "timestamp") else wire


def _array(column: TableColumn, values: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    try:
        if column.base in ("map", "array", "struct"):
            plain = [list(value.items()) if isinstance(value, dict) and column.base == "map" else value
                     for value in values]  # fmt: skip
            return pa.array(plain, type=column.wire_type())
        return pa.array(values)
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise BadData(f"column {column.name!r} ({column.type}): {error}") from None


def frame_source(frame: pd.DataFrame, table: Sequence[TableColumn]) -> ArrowSource:
    """
    Turn a DataFrame into Arrow data; NaN becomes NULL.

    :param frame: the data; its index is left out
    :param table: the table's data columns, which say what to make of columns of Python objects
    :return: the source
    :raises BadData: when a column mixes types
    """
    import pyarrow as pa

    columns = {column.name.lower(): column for column in table}
    arrays = []
    for label in frame.columns:
        name = str(label)
        column = columns.get(name.lower())
        series = frame[label]
        try:
            if column is not None and column.base in ("map", "array", "struct"):
                arrays.append(_array(column, list(series)))
            else:
                arrays.append(pa.array(series, from_pandas=True))
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise BadData(f"column {name!r}: {error}") from None
    return ArrowSource(pa.table(arrays, names=[str(label) for label in frame.columns]), "DataFrame")
