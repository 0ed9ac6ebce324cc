"""Rows of Arrow tables as text of ML Studio's formats, and back; memory does not grow with the data."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

from airflow_provider_datalake.clients.ml_studio_formats import (
    PLAIN_TEXT,
    TABULAR,
    BadContents,
    read_frames,
    write_frame,
)
from airflow_provider_datalake.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pandas as pd
    import pyarrow as pa


def write_tables(
    tables: Iterable[pa.Table | pa.RecordBatch], schema: pa.Schema, data_type_id: str, file: IO[bytes]
) -> int:
    """
    Write rows; instants and decimals as they print.

    :param tables: the rows, in order
    :param schema: their columns
    :param data_type_id: the format
    :param file: an open binary file
    :return: how many rows
    :raises BadContents: when a column does not fit into the format
    """
    if data_type_id not in TABULAR:
        raise ConfigurationError(f"rows need one of {', '.join(TABULAR)}; got {data_type_id!r}")
    for column in schema:
        _check_column(column)
    rows = 0
    header = True
    for table in tables:
        write_frame(_printable(table), data_type_id, file, header=header)
        rows += table.num_rows
        header = False
    if header:
        write_frame(_printable(schema.empty_table()), data_type_id, file)
    return rows


def _check_column(column: pa.Field) -> None:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        raise BadContents(f"column {column.name!r} ({kind}) has no form as text: leave it out or cast it")


def _printable(table: pa.Table | pa.RecordBatch) -> pd.DataFrame:
    """Give all rows of a column one form, which pandas would choose by what a piece happens to hold."""
    import pandas as pd
    import pyarrow as pa

    from airflow_provider_datalake.clients.maxcompute_unload import arrow_to_pandas

    frame = arrow_to_pandas(table)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            # pandas shortens them where all are at midnight.
            values = frame.iloc[:, index].astype(object)
            frame.isetitem(index, [None if pd.isna(value) else str(value) for value in values])
    return frame


class Columns:
    """
    The types of a dataset's columns, which a first reading finds out.

    A column is of the narrowest type that holds all of its values, and of text where there is none but that.

    :param file: the contents, an open binary file that can seek
    :param data_type_id: their format
    """

    def __init__(self, file: IO[bytes], data_type_id: str) -> None:
        self._file = file
        self._data_type_id = data_type_id
        self._kinds: dict[object, str] = {}
        if data_type_id != PLAIN_TEXT:
            file.seek(0)
            for frame in read_frames(file, data_type_id, dtype_backend="numpy_nullable"):
                self._learn(frame)

    def _learn(self, frame: pd.DataFrame) -> None:
        for name, column in frame.items():
            kind = _kind(column)
            self._kinds[name] = _widest(self._kinds.get(name, ""), kind)

    @property
    def schema(self) -> pa.Schema:
        """The columns; those without names have their numbers."""
        import pyarrow as pa

        if self._data_type_id == PLAIN_TEXT:
            return pa.schema([("0", pa.string())])
        types = {
            # As pandas has them; not all readers of Parquet know columns without a type.
            "": pa.float64(),
            "bool": pa.bool_(),
            "int": pa.int64(),
            "uint": pa.uint64(),
            "float": pa.float64(),
            "text": pa.string(),
        }
        return pa.schema([(str(name), types[kind]) for name, kind in self._kinds.items()])

    def tables(self) -> Iterator[pa.Table]:
        """
        Read the rows in pieces of one schema.

        :return: the pieces
        """
        import pyarrow as pa

        self._file.seek(0)
        if self._data_type_id == PLAIN_TEXT:
            yield from _lines(self._file)
            return
        texts = {name: str for name, kind in self._kinds.items() if kind == "text"}
        schema = self.schema
        for frame in read_frames(self._file, self._data_type_id, dtype=texts, dtype_backend="numpy_nullable"):
            arrays = [
                pa.array(column, type=field.type, from_pandas=True)
                for (_, column), field in zip(frame.items(), schema, strict=True)
            ]
            yield pa.Table.from_arrays(arrays, schema=schema)


def _lines(file: IO[bytes]) -> Iterator[pa.Table]:
    import pyarrow as pa

    from airflow_provider_datalake.clients.ml_studio_formats import read_frame

    frame = read_frame(file, PLAIN_TEXT)
    yield pa.table({"0": pa.array(frame[0], type=pa.string())})


def _kind(column: pd.Series) -> str:
    if column.isna().all():
        return ""
    letter = column.dtype.kind
    known = {"b": "bool", "i": "int", "u": "uint", "f": "float"}
    return known.get(letter, "text")


def _widest(one: str, other: str) -> str:
    if not one or not other or one == other:
        return one or other
    return "float" if {one, other} <= {"int", "float"} else "text"
