"""Parquet and CSV files as streams of record batches, read a few megabytes at a time."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_provider_datalake.clients.maxcompute_columns import BadData, TableColumn
from airflow_provider_datalake.clients.maxcompute_sources import BATCH_ROWS, Source
from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

_CSV_BLOCK = 4 * 1024 * 1024
# Without a buffer, Arrow reads whole column chunks of a row group at once.
_READ_BUFFER = 1024 * 1024
_CODECS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_CSV_ERROR = re.compile(
    r"In CSV column #(\d+): (?:Row #(\d+): )?(?:CSV conversion error to \S+: )?(.*)", re.DOTALL
)


@dataclass(frozen=True)
class CsvFormat:
    """
    How a CSV file is written.

    :param delimiter: one character between fields
    :param quote: the character around fields, empty for none
    :param header: whether the first line names the columns
    :param column_names: the file's columns where there is no header; by default the table's
    :param null_values: texts that mean NULL where they stand unquoted
    :param encoding: the file's character encoding
    """

    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    column_names: tuple[str, ...] = ()
    null_values: tuple[str, ...] = ("",)
    encoding: str = "utf-8"

    def __post_init__(self) -> None:
        for name, value in (("delimiter", self.delimiter), ("quote", self.quote)):
            if len(value) != 1 and not (name == "quote" and not value):
                raise ConfigurationError(f"CSV option {name!r}: expected one character, found {value!r}")
        if isinstance(self.null_values, str) or isinstance(self.column_names, str):
            raise ConfigurationError("CSV options 'null_values' and 'column_names' take lists of texts")


class ParquetSource(Source):
    """
    A Parquet file, read batch by batch.

    :param file: a path or an open binary file
    :param name: for messages
    """

    def __init__(self, file: Any, name: str) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.name = name
        self._file = file
        try:
            with open_input(file, name) as handle, pq.ParquetFile(handle) as parquet:
                self.schema = parquet.schema_arrow
                self.rows = parquet.metadata.num_rows
        except pa.ArrowInvalid as error:
            raise BadData(f"not a Parquet file: {error}") from error

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the chosen columns, a part of a row group at a time."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with (
            open_input(self._file, self.name) as handle,
            pq.ParquetFile(handle, buffer_size=_READ_BUFFER) as parquet,
        ):
            try:
                # Group by group: over a whole file, Arrow's own iteration holds more with every group.
                for group in range(parquet.num_row_groups):
                    yield from parquet.iter_batches(
                        batch_size=BATCH_ROWS, row_groups=[group], columns=list(columns)
                    )
            except (pa.ArrowInvalid, OSError) as error:
                raise BadData(f"cannot read the Parquet file: {error}") from error


class CsvSource(Source):
    """
    A CSV file whose columns have the table's types.

    :param file: a path or an open binary file
    :param name: for messages
    :param csv_format: how it is written
    :param table: the table's data columns
    :param targets: table column by file column, None when they have the same names
    """

    texts = True

    def __init__(
        self,
        file: Any,
        name: str,
        csv_format: CsvFormat,
        table: Sequence[TableColumn],
        targets: Mapping[str, str] | None,
    ) -> None:
        import pyarrow as pa

        self.name = name
        self._file = file
        self._format = csv_format
        names = self._header(table)
        targets = {name.lower(): target.lower() for name, target in (targets or {}).items()}
        columns = {column.name.lower(): column for column in table}
        self._columns = [columns.get(targets.get(name.lower(), name.lower())) for name in names]
        self.schema = pa.schema(
            [(name, _csv_type(column)) for name, column in zip(names, self._columns, strict=True)]
        )

    def _header(self, table: Sequence[TableColumn]) -> list[str]:
        if not self._format.header:
            return list(self._format.column_names) or [column.name for column in table]
        encoding = (
            "utf-8-sig" if self._format.encoding.lower() in ("utf-8", "utf8") else self._format.encoding
        )
        quote = {"quotechar": self._format.quote} if self._format.quote else {"quoting": csv.QUOTE_NONE}
        try:
            with self._open() as handle, io.TextIOWrapper(handle, encoding=encoding, newline="") as text:
                names = next(csv.reader(text, delimiter=self._format.delimiter, **quote), [])
        except (ValueError, LookupError, OSError, csv.Error) as error:
            raise BadData(f"cannot read the header: {error}") from error
        if not names:
            raise BadData("the file is empty; expected a header line")
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise BadData(f"the header names a column twice: {', '.join(doubled)}")
        return names

    def _open(self) -> pa.NativeFile:
        import pyarrow as pa

        handle = open_input(self._file, self.name)
        codec = _CODECS.get(Path(self.name).suffix.lower())
        return pa.CompressedInputStream(handle, codec) if codec else handle

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Parse the chosen columns, a few megabytes at a time."""
        import pyarrow as pa
        import pyarrow.csv as pacsv

        read = pacsv.ReadOptions(
            block_size=_CSV_BLOCK,
            column_names=self.schema.names,
            skip_rows=1 if self._format.header else 0,
            encoding=self._format.encoding,
        )
        parse = pacsv.ParseOptions(
            delimiter=self._format.delimiter, quote_char=self._format.quote or False, newlines_in_values=True
        )
        convert = pacsv.ConvertOptions(
            column_types=self.schema,
            include_columns=list(columns),
            null_values=list(self._format.null_values),
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        )
        try:
            with self._open() as handle:
                reader = pacsv.open_csv(
                    handle, read_options=read, parse_options=parse, convert_options=convert
                )
                for batch in reader:
                    for start in range(0, batch.num_rows, BATCH_ROWS):
                        yield batch.slice(start, BATCH_ROWS)
        except pa.ArrowInvalid as error:
            if "Empty CSV file" in str(error):
                return
            raise BadData(self._explain(str(error))) from None
        except (UnicodeError, OSError) as error:
            raise BadData(f"cannot read the file: {error}") from error

    def _explain(self, error: str) -> str:
        match = _CSV_ERROR.search(error)
        if match is None:
            return error
        index = int(match[1])
        column = self._columns[index]
        kind = f" ({column.type})" if column else ""
        row = f", line {int(match[2])}" if match[2] else ""
        return f"column {self.schema.names[index]!r}{kind}{row}: {match[3]}"


def _csv_type(column: TableColumn | None) -> pa.DataType:
    import pyarrow as pa

    if column is None or column.base in ("datetime", "timestamp", "timestamp_ntz"):
        return pa.string()
    wire = column.wire_type()
    if pa.types.is_nested(wire):
        raise BadData(f"column {column.name!r} ({column.type}): CSV cannot carry this type, use Parquet")
    return wire


def open_input(file: Any, name: str) -> pa.NativeFile:
    """
    Open a file for Arrow.

    :param file: a path of any kind that has ``open("rb")``, or an open, seekable binary file
    :param name: for messages
    :return: the file, at its start; closing it leaves a file that was already open open
    :raises NotFoundError: when there is none
    """
    import pyarrow as pa

    if hasattr(file, "read"):
        file.seek(0)
        return pa.PythonFile(_Unclosed(file), mode="r")
    try:
        if isinstance(file, Path):
            return pa.OSFile(str(file))
        return pa.PythonFile(file.open("rb"), mode="r")
    except FileNotFoundError as error:
        raise NotFoundError(f"no such file: {name}") from error


class _Unclosed:
    """A file that belongs to somebody else: Arrow may read it, not close it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.closed = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def close(self) -> None:
        self.closed = True
