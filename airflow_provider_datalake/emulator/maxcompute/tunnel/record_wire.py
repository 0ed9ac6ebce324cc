"""
The record wire of the tunnel: protobuf-like fields, with a CRC32C per record and one over those.

A field's number is its 1-based column; NULL is an absent field. Times are plain numbers, never zone-aware:
DATETIME is milliseconds and DATE days since the epoch, TIMESTAMP seconds and nanoseconds.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.maxcompute.tunnel.codec import (
    new_checksum,
    new_decoder,
    new_encoder,
)
from airflow_provider_datalake.emulator.maxcompute.tunnel.malformed import CorruptedStream, MalformedStream
from airflow_provider_datalake.emulator.maxcompute.types import INTEGERS, DataType, arrow_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import pyarrow as pa

    from airflow_provider_datalake.emulator.maxcompute.tunnel.compression import Readable

    _Append = Callable[[Any], Any]

END_RECORD = 33553408
END_METRICS = 33554176
META_COUNT = 33554430
META_CHECKSUM = 33554431

_VARINT, _FIXED64, _DELIMITED, _FIXED32 = 0, 1, 2, 5
_SIGNED = (*INTEGERS, "datetime", "date")
_WIRE_TYPES = {name: _VARINT for name in (*_SIGNED, "boolean")} | {"double": _FIXED64, "float": _FIXED32}
_NANOS = 1_000_000_000
_DECIMAL_CONTEXT = Context(prec=38, rounding=ROUND_HALF_UP)
_ROWS_PER_BATCH = 64 * 1024
_BYTES_PER_BATCH = 16 * 1024 * 1024
_PIECE_SIZE = 256 * 1024
_MAX_RECORD_BYTES = 64 * 1024 * 1024
_TWO_TO_31, _TWO_TO_32 = 1 << 31, 1 << 32


def decode(source: Readable, columns: Sequence[tuple[str, DataType]]) -> Iterator[pa.RecordBatch]:
    """
    Read the records of a stream.

    :param source: the plain bytes of the stream
    :param columns: names and types by field number, the first is field 1
    :return: the records in batches of ``arrow_type`` columns
    :raises MalformedStream: when the stream is cut short or damaged, or a value does not fit its column
    """
    decoder = _RecordDecoder(source, columns)
    while values := decoder.read_values():
        yield _to_batch(values, columns)


def encode(batches: Iterable[pa.RecordBatch], columns: Sequence[tuple[str, DataType]]) -> Iterator[bytes]:
    """
    Write records as a stream.

    :param batches: the rows, with ``arrow_type`` columns
    :param columns: the batches' columns, in their order; the first becomes field 1
    :return: the stream in pieces
    """
    encoder = _RecordEncoder(columns)
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS_PER_BATCH):
            yield from encoder.write_rows(batch.slice(start, _ROWS_PER_BATCH))
    yield encoder.finish()


def _to_batch(values: list[Any], columns: Sequence[tuple[str, DataType]]) -> pa.RecordBatch:
    import pyarrow as pa

    arrays = []
    for at, (name, data_type) in enumerate(columns):
        try:
            arrays.append(pa.array(values[at :: len(columns)], arrow_type(data_type)))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise MalformedStream(f"column {name} ({data_type}) cannot hold a value: {error}") from error
    return pa.RecordBatch.from_arrays(arrays, [name for name, _ in columns])


class _Counted:
    """A source that knows how much was read, and how much may be."""

    def __init__(self, source: Readable) -> None:
        self._source = source
        self.count = 0
        self.allowed = 0

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self.count += len(data)
        if self.count > self.allowed:
            raise MalformedStream(f"a record is longer than {_MAX_RECORD_BYTES} bytes")
        return data


class _RecordDecoder:
    """Reads one stream, record by record."""

    def __init__(self, source: Readable, columns: Sequence[tuple[str, DataType]]) -> None:
        self._source = _Counted(source)
        self._allow_more()
        self._wire = new_decoder(self._source)
        self._crc = new_checksum()
        self._crc_of_crcs = new_checksum()
        self._readers = [self._parts(data_type) for _, data_type in columns]
        self._count = 0
        self._finished = False

    def _allow_more(self) -> None:
        self._source.allowed = self._source.count + _BYTES_PER_BATCH + _MAX_RECORD_BYTES

    def read_values(self) -> list[Any]:
        """
        Read the next records.

        :return: their values, one record behind the other; at most a batch, empty at the end of the stream
        """
        values: list[Any] = []
        self._allow_more()
        try:
            self._read_into(values)
        except EOFError:
            raise MalformedStream("the stream ends before its footer") from None
        except (UnicodeDecodeError, InvalidOperation) as error:
            raise MalformedStream(
                f"record {self._count + 1} holds a value that cannot be read: {error}"
            ) from error
        return values

    def _read_into(self, values: list[Any]) -> None:
        # The loop runs once per value: what it needs is local, and the values are all that it keeps, for the
        # garbage collector would visit an object per record again and again.
        next_field = self._wire.read_field_number
        add_to_crc = self._crc.update_int
        readers = self._readers
        width = len(readers)
        full = width * _ROWS_PER_BATCH
        limit = len(self._wire) + _BYTES_PER_BATCH
        missing = [None] * width
        row: list[Any] = missing.copy()
        while not self._finished:
            field = next_field()
            if 0 < field <= width:
                add_to_crc(field)
                read, add_value_to_crc = readers[field - 1]
                row[field - 1] = value = read()
                if add_value_to_crc is not None:
                    add_value_to_crc(value)
            elif field == END_RECORD:
                self._end_record()
                values += row
                row[:] = missing
                if len(values) >= full or len(self._wire) >= limit:
                    return
            elif field == META_COUNT:
                if row != missing:
                    raise MalformedStream("the last record of the stream has no end")
                self._read_footer()
            else:
                raise MalformedStream(
                    f"record {self._count + 1} has field {field}, the table has {width} columns"
                )

    def _end_record(self) -> None:
        checksum = self._crc.getvalue()
        expected = self._wire.read_uint32()
        if checksum != expected:
            raise CorruptedStream(
                f"record {self._count + 1} has the checksum {expected:#010x}, its data gives {checksum:#010x}"
            )
        self._crc.reset()
        self._crc_of_crcs.update_int(checksum - _TWO_TO_32 if checksum >= _TWO_TO_31 else checksum)
        self._count += 1

    def _read_footer(self) -> None:
        count = self._wire.read_sint64()
        if count != self._count:
            raise MalformedStream(f"the footer counts {count} records, the stream has {self._count}")
        field = self._wire.read_field_number()
        if field != META_CHECKSUM:
            raise MalformedStream(f"the footer has field {field} where the checksum should be")
        expected = self._wire.read_uint32()
        # PyODPS's decoder does not notice a stream that ends within its last number: it reads past the end.
        if len(self._wire) > self._source.count:
            raise EOFError
        if expected != self._crc_of_crcs.getvalue():
            raise CorruptedStream("the checksum in the footer does not fit the records")
        if len(self._wire) < self._source.count or self._source.read(1):
            raise MalformedStream("the stream goes on after its footer")
        self._finished = True

    def _parts(self, data_type: DataType) -> tuple[Callable[[], Any], Callable[[Any], None] | None]:
        # How a value is read, and how it is then added to the checksum unless reading did that already.
        name, wire, crc = data_type.name, self._wire, self._crc
        if name in _SIGNED:
            return wire.read_sint64, crc.update_long
        if name == "boolean":
            return wire.read_bool, crc.update_bool
        if name == "double":
            return wire.read_double, crc.update_double
        if name == "float":
            return wire.read_float, crc.update_float
        if name in ("timestamp", "timestamp_ntz"):
            return self._timestamp, None
        if name == "decimal":
            return self._decimal_reader(data_type), None
        if name == "array":
            return self._array_reader(self._reader(data_type.children[0])), None
        if name == "map":
            return self._map_reader(data_type), None
        if name == "struct":
            return self._struct_reader(data_type), None
        return wire.read_string, crc.update

    def _reader(self, data_type: DataType) -> Callable[[], Any]:
        read, add_to_crc = self._parts(data_type)
        if add_to_crc is None:
            return read

        def reader() -> Any:
            value = read()
            add_to_crc(value)
            return value

        return reader

    def _timestamp(self) -> int:
        seconds = self._wire.read_sint64()
        self._crc.update_long(seconds)
        nanos = self._wire.read_sint32()
        self._crc.update_int(nanos)
        if not 0 <= nanos < _NANOS:
            raise MalformedStream(f"record {self._count + 1} has a timestamp with {nanos} nanoseconds")
        return seconds * _NANOS + nanos

    def _decimal_reader(self, data_type: DataType) -> Callable[[], Decimal]:
        text = self._reader(DataType("string"))
        unit = Decimal(1).scaleb(-data_type.args[1])

        def reader() -> Decimal:
            # Digits beyond the scale are rounded, as the service's clients expect; those before it never are.
            return Decimal(text().decode("ascii")).quantize(unit, context=_DECIMAL_CONTEXT)

        return reader

    def _array_reader(self, item: Callable[[], Any]) -> Callable[[], list[Any]]:
        read_size, is_null = self._wire.read_uint32, self._wire.read_bool

        def reader() -> list[Any]:
            return [None if is_null() else item() for _ in range(read_size())]

        return reader

    def _map_reader(self, data_type: DataType) -> Callable[[], list[tuple[Any, Any]]]:
        read_keys = self._array_reader(self._reader(data_type.children[0]))
        read_values = self._array_reader(self._reader(data_type.children[1]))

        def reader() -> list[tuple[Any, Any]]:
            keys, values = read_keys(), read_values()
            if len(keys) != len(values):
                raise MalformedStream(f"a map has {len(keys)} keys and {len(values)} values")
            return list(zip(keys, values, strict=True))

        return reader

    def _struct_reader(self, data_type: DataType) -> Callable[[], dict[str, Any]]:
        is_null = self._wire.read_bool
        fields = list(zip(data_type.field_names, map(self._reader, data_type.children), strict=True))

        def reader() -> dict[str, Any]:
            return {name: None if is_null() else read() for name, read in fields}

        return reader


class _RecordEncoder:
    """Writes one stream, batch by batch."""

    def __init__(self, columns: Sequence[tuple[str, DataType]]) -> None:
        self._types = [data_type for _, data_type in columns]
        self._crc = new_checksum()
        self._crc_of_crcs = new_checksum()
        self._count = 0

    def write_rows(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """
        Write the rows of a batch.

        :param batch: the rows
        :return: their bytes, in pieces
        """
        columns = [
            column.cast(_wire_type(t)).to_pylist()
            for column, t in zip(batch.columns, self._types, strict=True)
        ]
        wire = new_encoder()
        fields = self._fields(wire)
        add_to_crc, get_crc, reset_crc = self._crc.update_int, self._crc.getvalue, self._crc.reset
        for row in zip(*columns, strict=True):
            for value, (number, wire_type, append, add_value_to_crc) in zip(row, fields, strict=True):
                if value is None:
                    continue
                wire.append_tag(number, wire_type)
                add_to_crc(number)
                append(value)
                if add_value_to_crc is not None:
                    add_value_to_crc(value)
            checksum = get_crc()
            wire.append_tag(END_RECORD, _VARINT)
            wire.append_uint32(checksum)
            reset_crc()
            self._crc_of_crcs.update_int(checksum - _TWO_TO_32 if checksum >= _TWO_TO_31 else checksum)
            if len(wire) >= _PIECE_SIZE:
                yield wire.tostring()
                wire = new_encoder()
                fields = self._fields(wire)
        self._count += batch.num_rows
        yield wire.tostring()

    def finish(self) -> bytes:
        """
        Write the footer.

        :return: its bytes
        """
        wire = new_encoder()
        wire.append_tag(META_COUNT, _VARINT)
        wire.append_sint64(self._count)
        wire.append_tag(META_CHECKSUM, _VARINT)
        wire.append_uint32(self._crc_of_crcs.getvalue())
        return wire.tostring()

    def _fields(self, wire: Any) -> list[tuple[int, int, _Append, _Append | None]]:
        return [
            (number, _WIRE_TYPES.get(data_type.name, _DELIMITED), *self._parts(wire, data_type))
            for number, data_type in enumerate(self._types, 1)
        ]

    def _parts(self, wire: Any, data_type: DataType) -> tuple[_Append, _Append | None]:
        # How a value is written, and how it is then added to the checksum unless writing did that already.
        name, crc = data_type.name, self._crc
        if name in _SIGNED:
            return wire.append_sint64, crc.update_long
        if name == "boolean":
            return wire.append_bool, crc.update_bool
        if name == "double":
            return wire.append_double, crc.update_double
        if name == "float":
            return wire.append_float, crc.update_float
        if name in ("timestamp", "timestamp_ntz"):
            return self._timestamp_writer(wire), None
        if name == "decimal":
            write = _both(wire.append_string, crc.update)
            return lambda text: write(text.encode()), None
        if name == "array":
            return _array_writer(wire, self._writer(wire, data_type.children[0])), None
        if name == "map":
            return self._map_writer(wire, data_type), None
        if name == "struct":
            return self._struct_writer(wire, data_type), None
        return wire.append_string, crc.update

    def _writer(self, wire: Any, data_type: DataType) -> _Append:
        append, add_to_crc = self._parts(wire, data_type)
        return append if add_to_crc is None else _both(append, add_to_crc)

    def _timestamp_writer(self, wire: Any) -> _Append:
        write_seconds = _both(wire.append_sint64, self._crc.update_long)
        write_nanos = _both(wire.append_sint32, self._crc.update_int)

        def writer(value: int) -> None:
            seconds, nanos = divmod(value, _NANOS)
            write_seconds(seconds)
            write_nanos(nanos)

        return writer

    def _map_writer(self, wire: Any, data_type: DataType) -> _Append:
        write_keys = _array_writer(wire, self._writer(wire, data_type.children[0]))
        write_values = _array_writer(wire, self._writer(wire, data_type.children[1]))

        def writer(entries: Any) -> None:
            write_keys([key for key, _ in entries])
            write_values([value for _, value in entries])

        return writer

    def _struct_writer(self, wire: Any, data_type: DataType) -> _Append:
        fields = [
            (name, self._writer(wire, child))
            for name, child in zip(data_type.field_names, data_type.children, strict=True)
        ]

        def writer(value: Any) -> None:
            for name, write in fields:
                field = value[name]
                wire.append_bool(field is None)
                if field is not None:
                    write(field)

        return writer


def _both(append: _Append, add_to_crc: _Append) -> _Append:
    def writer(value: Any) -> None:
        append(value)
        add_to_crc(value)

    return writer


def _array_writer(wire: Any, write_item: _Append) -> _Append:
    def writer(items: Any) -> None:
        wire.append_uint32(len(items))
        for item in items:
            wire.append_bool(item is None)
            if item is not None:
                write_item(item)

    return writer


def _wire_type(data_type: DataType) -> pa.DataType:
    # The Arrow type whose Python values are what the encoder writes.
    import pyarrow as pa

    name = data_type.name
    if name in ("datetime", "timestamp", "timestamp_ntz"):
        return pa.int64()
    if name == "date":
        return pa.int32()
    if name == "decimal":
        return pa.string()
    if name == "array":
        return pa.list_(_wire_type(data_type.children[0]))
    if name == "map":
        return pa.map_(*map(_wire_type, data_type.children))
    if name == "struct":
        fields = zip(data_type.field_names, map(_wire_type, data_type.children), strict=True)
        return pa.struct([pa.field(field, child) for field, child in fields])
    stored = arrow_type(data_type)
    return pa.binary() if pa.types.is_string(stored) else stored
