"""EXTRACT: views over files by DuckDB's own reader, and the slow reader where that one is not exact."""

from __future__ import annotations

import itertools
import uuid
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.backends.duckdb.errors import NOT_EXTRACTED
from airflow_provider_datalake.usql.backends.duckdb.fast_values import (
    fast_value,
    identifier,
    is_native,
    likely_date_format,
    literal,
    native_date,
)
from airflow_provider_datalake.usql.backends.duckdb.prepare import PreparedFile, UnsuitableError, prepare
from airflow_provider_datalake.usql.backends.duckdb.profile import MARK
from airflow_provider_datalake.usql.backends.duckdb.reader import ROW_LIMIT, TextReader, fields_of
from airflow_provider_datalake.usql.backends.duckdb.text_values import TextError, converter
from airflow_provider_datalake.usql.diagnostics import UsqlRuntimeError
from airflow_provider_datalake.usql.sql_types import sql_type
from airflow_provider_datalake.usql.types import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from airflow_provider_datalake.usql.filesets import MatchedFile
    from airflow_provider_datalake.usql.plan import ExtractStep, PlanColumn
    from airflow_provider_datalake.usql.types import Type
    from airflow_provider_datalake.usql.workspace import Workspace

_BATCH = 50_000
_NO_TEXT = "\x1f\x1edatalake-no-column\x1e\x1f"
"""Stands for a column that a row lacks. If a file really has this text, the slow reader reads it."""
_EXTRA = 16
"""By so many columns a row may be too long, to be skipped by the fast reader."""
_SEVERAL = 16
"""Up to so many files have constants for virtual columns, more of them are joined with a list."""


class Extraction:
    """
    One EXTRACT of a running plan.

    :param step: the step
    :param workspace: where its files are
    :param connection: where its rowset shall be
    """

    def __init__(
        self, step: ExtractStep, workspace: Workspace, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.step = step
        self._workspace = workspace
        self._connection = connection
        self._files = find_files(step, workspace)
        self.fast = False
        self.view = step.rowset.id
        self._prepared: list[PreparedFile] = []
        self._native_dates = not step.format.silent and step.format.null_escape is None
        self._uses_native_dates = False
        self._prefix = f"{step.rowset.id}{MARK}"
        self._stored = [column for column in step.rowset.columns if column.name not in step.virtual]

    @property
    def file_count(self) -> int:
        """How many files are read."""
        return len(self._files)

    @property
    def size(self) -> int:
        """Their bytes."""
        return sum(matched.file.size for matched in self._files)

    @property
    def paths(self) -> list[Path]:
        """Where they are."""
        return [matched.file.path for matched in self._files]

    def source(self) -> str:
        """
        Give the rows as a query, over DuckDB's own reader where that can be.

        :return: SQL of a query with the rowset's columns
        :raises UsqlRuntimeError: when the slow reader was needed and failed
        """
        try:
            prepared = self._prepare()
        except UnsuitableError:
            return self.slow_source()
        self._prepared = prepared
        self.fast = True
        if not prepared:
            return self._empty()
        groups: dict[tuple[object, ...], list[PreparedFile]] = {}
        for file in prepared:
            alone = len(prepared) <= _SEVERAL and self.step.virtual
            key = (file.quotes, file.skip, file.path if alone else None)
            groups.setdefault(key, []).append(file)
        for files in groups.values():
            if any(file.empty_quotes for file in files) and self._empty_quotes_matter(files):
                return self.slow_source()
        branches = [self._fast_group(files) for files in groups.values()]
        return "\nUNION ALL\n".join(branches)

    def is_named_by(self, error: Exception) -> bool:
        """
        Tell whether an error is of this extraction.

        :param error: an exception of DuckDB
        :return: whether its text names the rowset or one of the files
        """
        text = str(error)
        if NOT_EXTRACTED in text:
            return f"{NOT_EXTRACTED}: {self.step.rowset.id};" in text
        return any(str(file.path) in text for file in self._prepared)

    def retry(self) -> str:
        """
        Give the rows more carefully, after the last way failed.

        :return: SQL of a query with the rowset's columns
        :raises UsqlRuntimeError: when the slow reader was needed and failed
        """
        if self._uses_native_dates:
            self._native_dates = self._uses_native_dates = False
            return self.source()
        return self.slow_source()

    def slow_source(self) -> str:
        """
        Read the files with the slow reader, and give the rows as a query.

        :return: SQL of a query over a copy of the rows
        :raises UsqlRuntimeError: at the first bad row
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.fast = False
        path = self._workspace.scratch / f"extracted-{uuid.uuid4().hex}.parquet"
        reader = TextReader(self._stored, self.step.format)
        types = [_arrow_type(column.type) for column in self._stored]
        names = [f"{self._prefix}{index}" for index in range(len(types))]
        virtual = [column for column in self.step.rowset.columns if column.name in self.step.virtual]
        values = {column.name: self._virtual_values(column) for column in virtual}
        fields = [pa.field(name, type_) for name, type_ in zip(names, types, strict=True)]
        fields.append(pa.field("file", pa.int32()))
        with pq.ParquetWriter(path, pa.schema(fields)) as writer:
            for number, matched in enumerate(self._files):
                for batch in _batches(reader.rows(matched.file), types):
                    self._workspace.check()
                    numbers = pa.array([number] * len(batch[0]), pa.int32())
                    writer.write_batch(pa.record_batch([*batch, numbers], schema=writer.schema))
        stored = dict(zip((column.name for column in self._stored), names, strict=True))
        outputs = []
        for column in self.step.rowset.columns:
            kind = sql_type(column.type).sql(dialect="duckdb")
            if column.name in stored:
                text = stored[column.name]
            else:
                listed = ", ".join(values[column.name])
                text = f"[{listed}][file + 1]"
            outputs.append(f"CAST({text} AS {kind}) AS {identifier(column.sql_name)}")
        return f"SELECT {', '.join(outputs)} FROM read_parquet({literal(str(path))})"

    def _prepare(self) -> list[PreparedFile]:
        if len(self._stored) < 2 or any(column.type.kind is Kind.ARRAY for column in self._stored):
            raise UnsuitableError("columns")
        prepared = []
        for matched in self._files:
            self._workspace.check()
            file = prepare(matched, self.step.format, self._workspace.scratch)
            if file is not None:
                prepared.append(file)
        return prepared

    def _empty(self) -> str:
        columns = ", ".join(
            f"CAST(NULL AS {sql_type(column.type).sql(dialect='duckdb')}) AS {identifier(column.sql_name)}"
            for column in self.step.rowset.columns
        )
        return f"SELECT {columns} WHERE false"

    def _fast_group(self, files: list[PreparedFile]) -> str:
        count = len(self._stored)
        hints = self._date_hints(files[0])
        native = self._native(hints)
        short = not any(file.long_lines for file in files)
        reading = self._reading(files, native=native)
        outputs: dict[str, str] = {}
        inner, certain = [], []
        for index, column in enumerate(self._stored):
            text = f"{self._prefix}{index}"
            if index in native:
                fast = native_date(text)
            else:
                fast = fast_value(column.type, self.step.format, text, hints.get(index), short=short)
            outputs[column.name] = f"v{index}"
            inner.append(f"{fast.value} AS v{index}")
            if fast.value != text:
                inner.append(text)
            else:
                inner[-1] = text
                outputs[column.name] = text
            test = f"({fast.certain.replace('{value}', f'v{index}')})"
            if self.step.format.silent and column.type.nullable:
                outputs[column.name] = f"CASE WHEN {test} THEN {outputs[column.name]} END"
                test = f"({test} OR {fast.invalid})"
            certain.append(test)
        whole = f"extra IS NULL AND {self._prefix}{count - 1} IS NOT NULL"
        if f"{self._prefix}{count - 1}" not in inner:
            inner.append(f"{self._prefix}{count - 1}")
        virtual = self.step.virtual
        inner.append("extra")
        if virtual:
            inner.append("filename")
        failure = f"error({literal(f'{NOT_EXTRACTED}: {self.step.rowset.id};')})"
        if self.step.format.silent:
            whole = f"CASE WHEN NOT ({whole}) THEN false WHEN"
            test = f"{whole} {' AND '.join(certain)} THEN true ELSE {failure} END"
        else:
            test = f"CASE WHEN {whole} AND {' AND '.join(certain)} THEN true ELSE {failure} END"
        join = ""
        if virtual:
            expressions, join = self._virtual_table(files)
            outputs.update(expressions)
        selected = ", ".join(
            f"{outputs[column.name]} AS {identifier(column.sql_name)}" for column in self.step.rowset.columns
        )
        # OFFSET 0 is a fence: no filter of a query may run before all columns of a row were looked at, and
        # the casts are computed once. It costs nothing as long as the order of rows need not be kept.
        return (
            f"SELECT {selected} FROM (SELECT * FROM (SELECT {', '.join(inner)} FROM {reading} OFFSET 0) "
            f"WHERE {test} OFFSET 0){join}"
        )

    def _native(self, hints: dict[int, str | None]) -> dict[int, str]:
        """Find the dates that DuckDB's reader can convert itself, by the one format that it can be given."""
        dates = {i: hint for i, hint in hints.items() if not self._stored[i].type.nullable}
        formats = set(dates.values())
        if not self._native_dates or len(formats) != 1 or not is_native(only := formats.pop()):
            return {}
        self._uses_native_dates = True
        return dict.fromkeys(dates, str(only))

    def _reading(
        self, files: Sequence[PreparedFile], no_text: str = _NO_TEXT, native: dict[int, str] | None = None
    ) -> str:
        first = files[0]
        names = [f"{self._prefix}{index}" for index in range(len(self._stored))]
        # One column more tells rows that are too long; silence tolerates these, so it has some more.
        names += ["extra", *(f"extra{index}" for index in range(_EXTRA if self.step.format.silent else 0))]
        native = native or {}
        columns = ", ".join(
            f"'{name}': '{'TIMESTAMP' if index in native else 'VARCHAR'}'" for index, name in enumerate(names)
        )
        quote = '"' if first.quotes else ""
        paths = ", ".join(literal(str(file.path)) for file in files)
        # Not with new_line: together with strict_mode, CR LF makes the reader lose rows (DuckDB 2.0.0).
        options = {
            "auto_detect": "false",
            "header": "false",
            "delim": literal(self.step.format.delimiter),
            "quote": literal(quote),
            "escape": literal(quote),
            "comment": "''",
            "skip": str(first.skip),
            "strict_mode": "true",
            "null_padding": "true",
            "nullstr": literal(no_text),
            "allow_quoted_nulls": "false",
            "max_line_size": str(ROW_LIMIT),
            "compression": "'none'",
            "filename": "true" if self.step.virtual else "false",
            "columns": f"{{{columns}}}",
        }
        for date_format in native.values():
            options["timestampformat"] = literal(date_format)
        return f"read_csv([{paths}], {', '.join(f'{key} = {value}' for key, value in options.items())})"

    def _date_hints(self, file: PreparedFile) -> dict[int, str | None]:
        texts = [field.text for field in fields_of(file.first_row, self.step.format)]
        return {
            index: likely_date_format(self._connection, text)
            for index, (column, text) in enumerate(zip(self._stored, texts, strict=False))
            if column.type.kind is Kind.DATETIME
        }

    def _empty_quotes_matter(self, files: Sequence[PreparedFile]) -> bool:
        """Look for columns that quote nothing: DuckDB takes them for empty ones, which here are null."""
        nullable = [
            f"{self._prefix}{index}"
            for index, column in enumerate(self._stored)
            if column.type.nullable and column.type.kind is not Kind.STRING
        ]
        if not nullable:
            return False
        test = " OR ".join(f"{name} = ''" for name in nullable)
        query = f"SELECT 1 FROM {self._reading(files, no_text='')} WHERE {test} LIMIT 1"
        return self._connection.execute(query).fetchone() is not None

    def _virtual_values(self, column: PlanColumn) -> list[str]:
        return [self._virtual_value(column, matched) for matched in self._files]

    def _virtual_value(self, column: PlanColumn, matched: MatchedFile) -> str:
        value: object = matched.values[column.name]
        if isinstance(value, str):
            try:
                value = converter(column.type, self.step.format.char_format)(value)
            except TextError as error:
                raise UsqlRuntimeError(
                    "E_EMULATOR_VIRTUAL_COLUMN",
                    f"The path {matched.file.uri} gives column '{column.name}' no value: {error}",
                    span=self.step.rowset.span,
                ) from error
        return _constant(value)

    def _virtual_table(self, files: Sequence[PreparedFile]) -> tuple[dict[str, str], str]:
        """Give the expressions of the virtual columns, and the join that they need, if any."""
        virtual = [column for column in self.step.rowset.columns if column.name in self.step.virtual]
        kinds = [sql_type(column.type).sql(dialect="duckdb") for column in virtual]
        rows = [[self._virtual_value(column, file.matched) for column in virtual] for file in files]
        if len(files) == 1:
            constants = zip(virtual, rows[0], kinds, strict=True)
            return {column.name: f"CAST({value} AS {kind})" for column, value, kind in constants}, ""
        lines = ", ".join(
            f"({literal(str(file.path))}, {', '.join(values)})"
            for file, values in zip(files, rows, strict=True)
        )
        names = ", ".join(f"f{index}" for index in range(len(virtual)))
        casts = {
            column.name: f"CAST(f{index} AS {kind})"
            for index, (column, kind) in enumerate(zip(virtual, kinds, strict=True))
        }
        return casts, f" JOIN (VALUES {lines}) AS files(filename, {names}) USING (filename)"


def find_files(step: ExtractStep, workspace: Workspace) -> list[MatchedFile]:
    """
    Find the files of an EXTRACT.

    :param step: the step
    :param workspace: where they are
    :return: the files, a file that several patterns match as often as they do
    :raises UsqlRuntimeError: when a file that is named without a pattern is not there
    """
    found = []
    for file_set in step.files:
        matched = file_set.expand(workspace.files)
        if not matched and not file_set.parts:
            raise UsqlRuntimeError(
                "E_EMULATOR_INPUT_FILE_MISSING",
                f"The input file '{file_set.pattern}' does not exist.",
                span=step.rowset.span,
            )
        found.extend(matched)
    return found


def _constant(value: object) -> str:
    if isinstance(value, bytes):
        return f"unhex('{value.hex()}')"
    return literal(str(value))


def _arrow_type(type_: Type) -> pa.DataType:
    import pyarrow as pa

    from airflow_provider_datalake.usql.sql_types import DECIMAL_PRECISION, DECIMAL_SCALE

    return {
        Kind.BOOL: pa.bool_(),
        Kind.SBYTE: pa.int8(),
        Kind.BYTE: pa.uint8(),
        Kind.SHORT: pa.int16(),
        Kind.USHORT: pa.uint16(),
        Kind.INT: pa.int32(),
        Kind.UINT: pa.uint32(),
        Kind.LONG: pa.int64(),
        Kind.ULONG: pa.uint64(),
        Kind.FLOAT: pa.float32(),
        Kind.DOUBLE: pa.float64(),
        Kind.DECIMAL: pa.decimal128(DECIMAL_PRECISION, DECIMAL_SCALE),
        Kind.CHAR: pa.uint16(),
        Kind.STRING: pa.string(),
        Kind.BINARY: pa.binary(),
        Kind.GUID: pa.string(),
        Kind.DATETIME: pa.timestamp("us"),
    }[type_.kind]


def _batches(rows: Iterator[tuple[object, ...]], types: list[pa.DataType]) -> Iterator[list[pa.Array]]:
    import pyarrow as pa

    while chunk := tuple(itertools.islice(rows, _BATCH)):
        columns = []
        for values, type_ in zip(zip(*chunk, strict=True), types, strict=True):
            if pa.types.is_floating(type_):
                columns.append(pa.array(values, pa.string()).cast(type_))
            else:
                columns.append(pa.array(values, type_))
        yield columns
