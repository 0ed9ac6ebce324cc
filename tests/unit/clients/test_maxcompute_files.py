"""CSV and Parquet files as sources: types, NULLs, encodings, and errors with file, column and line."""

from __future__ import annotations

import datetime as dt
import gzip
import io
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa  # the cases are made of Arrow data
import pyarrow.parquet as pq
import pytest

from airflow_provider_datalake.clients.maxcompute_columns import BadData, TableColumn
from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
from airflow_provider_datalake.clients.maxcompute_inputs import make_rows, make_sources
from airflow_provider_datalake.clients.maxcompute_load import LoadOptions, _converted, check
from airflow_provider_datalake.exceptions import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

TABLE = [
    TableColumn("id", "bigint", nullable=False),
    TableColumn("name", "string"),
    TableColumn("at", "datetime"),
]


def read(
    data: Any, table: list[TableColumn] = TABLE, csv_format: CsvFormat | None = None, **options: Any
) -> list[tuple]:
    sources = make_sources(data, table, csv_format=csv_format, columns=options.get("columns"))
    plans, counts = check(sources, table, LoadOptions(**options))
    rows = [tuple(row.values()) for batch in _converted(sources, plans) for row in batch.to_pylist()]
    if None not in counts:
        assert sum(counts) == len(rows)
    return rows


def csv(tmp_path: Path, text: str | bytes, name: str = "data.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_csv_takes_its_types_from_the_table(tmp_path: Path) -> None:
    path = csv(tmp_path, 'name,id,at\n"a,b",1,2024-01-01 08:00:00\n,2,2024-01-01T08:00:00Z\n"",3,\n')
    assert read(path, csv_format=CsvFormat()) == [
        (1, "a,b", dt.datetime(2024, 1, 1, 0)),
        (2, None, dt.datetime(2024, 1, 1, 8)),
        (3, "", None),
    ]


def test_csv_of_every_simple_type(tmp_path: Path) -> None:
    types = {
        "tinyint": ("-128", -128), "smallint": ("1", 1), "int": ("2", 2), "bigint": ("9223372036854775807", 2**63 - 1),
        "float": ("0.5", 0.5), "double": ("1e300", 1e300), "boolean": ("true", True), "decimal(5,2)": ("1.5", Decimal("1.50")),
        "string": ("x", "x"), "varchar(3)": ("abc", "abc"), "char(1)": ("é", "é"), "json": ("{}", "{}"), "binary": ("x", b"x"),
        "date": ("2024-02-29", dt.date(2024, 2, 29)), "timestamp_ntz": ("2024-01-01 08:00:00", dt.datetime(2024, 1, 1, 8)),
    }  # fmt: skip
    table = [TableColumn(f"c{index}", name) for index, name in enumerate(types)]
    path = csv(
        tmp_path, ",".join(c.name for c in table) + "\n" + ",".join(text for text, _ in types.values()) + "\n"
    )
    assert read(path, table, CsvFormat()) == [tuple(value for _, value in types.values())]


def test_csv_options(tmp_path: Path) -> None:
    path = csv(tmp_path, "1;'é;x';NA\n2;NA;NA\n".encode("latin-1"))
    found = CsvFormat(delimiter=";", quote="'", header=False, null_values=("NA",), encoding="latin-1")
    assert read(path, csv_format=found) == [(1, "é;x", None), (2, None, None)]


def test_csv_may_be_compressed_have_a_byte_order_mark_and_line_breaks_in_values(tmp_path: Path) -> None:
    path = csv(tmp_path, gzip.compress(b'\xef\xbb\xbfid,name,at\r\n1,"two\nlines",\r\n'), "data.csv.gz")
    assert read(path, csv_format=CsvFormat()) == [(1, "two\nlines", None)]


def test_csv_without_rows_is_empty(tmp_path: Path) -> None:
    assert read(csv(tmp_path, "id,name,at\n"), csv_format=CsvFormat()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,name,at\n1,a,\nx,b,\n", r"data.csv: column 'id' \(bigint\).*invalid value 'x'"),
        ("id,name,at\n1,a,\n2,b\n", r"data.csv: .*[Ee]xpected 3 columns, got 2"),
        ("id,name,at\n1,a,soon\n", r"data.csv: column 'at' \(datetime\), row 1: .*soon"),
        (
            "id,name,at\n1,a,\n,b,\n",
            r"data.csv: column 'id' \(bigint\), row 2: NULL in a column that is NOT NULL",
        ),
        ("id,name\n1,a\n", "data.csv: expected 3 columns, found 2; missing: at"),
        ("id,name,at,x\n1,a,,1\n", "data.csv: expected 3 columns, found 4; not in the table: x"),
        ("id,id,at\n1,1,\n", "data.csv: the header names a column twice: id"),
        ("", "data.csv: the file is empty"),
        ("id,name,at\n1,\xff,\n", r"data.csv: "),
    ],
)
def test_csv_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    path = csv(tmp_path, text.encode("latin-1"))
    with pytest.raises(BadData, match=message):
        read(path, csv_format=CsvFormat())


def test_error_far_into_a_csv_file_is_found_by_the_check(tmp_path: Path) -> None:
    path = csv(tmp_path, "id,name,at\n" + "1,abcdefghij,\n" * 500_000 + "x,a,\n")
    sources = make_sources(path, TABLE, csv_format=CsvFormat())
    with pytest.raises(BadData, match="invalid value 'x'"):
        check(sources, TABLE, LoadOptions())


def test_csv_cannot_carry_nested_types(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"column 'a' \(array<bigint>\): CSV cannot carry this type"):
        read(csv(tmp_path, "a\n[1]\n"), [TableColumn("a", "array<bigint>")], CsvFormat())


def test_csv_columns_can_be_chosen_and_renamed(tmp_path: Path) -> None:
    path = csv(tmp_path, "number,junk,when\n1,x,2024-01-01 08:00:00\n")
    assert read(path, csv_format=CsvFormat(), columns={"number": "id", "when": "at"}) == [
        (1, None, dt.datetime(2024, 1, 1, 0))
    ]


@pytest.mark.parametrize(
    "options", [{"delimiter": ",,"}, {"quote": "''"}, {"null_values": "NA"}, {"column_names": "a"}]
)
def test_impossible_csv_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="CSV option"):
        CsvFormat(**options)


def parquet(tmp_path: Path, table: pa.Table, name: str = "data.parquet", **options: Any) -> Path:
    pq.write_table(table, tmp_path / name, **options)
    return tmp_path / name


def test_parquet_by_path_text_and_open_file(tmp_path: Path) -> None:
    table = pa.table({"at": pa.array([None], pa.timestamp("ms")), "id": [1], "name": ["a"]})
    path = parquet(tmp_path, table)
    for data in (path, str(path), io.BytesIO(path.read_bytes()), [path]):
        assert read(data) == [(1, "a", None)]
    with path.open("rb") as file:
        assert read([file, path]) == [(1, "a", None)] * 2
        assert not file.closed


def test_parquet_reads_only_doubtful_columns_to_check(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_columns: list[Any] = []
    original = pq.ParquetFile.iter_batches

    def spy(self: pq.ParquetFile, **kwargs: Any) -> Any:
        read_columns.append(kwargs["columns"])
        return original(self, **kwargs)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", spy)
    path = parquet(tmp_path, pa.table({"id": [1, 300], "name": ["a", "b"]}))
    sources = make_sources(path, TABLE)
    with pytest.raises(BadData, match=r"data.parquet: column 'id' \(tinyint\), row 2: .*300"):
        check(sources, [TableColumn("id", "tinyint"), TableColumn("name", "string")], LoadOptions())
    assert read_columns == [["id"]]


def test_parquet_with_wrong_type_is_refused_by_its_footer(tmp_path: Path) -> None:
    path = parquet(tmp_path, pa.table({"id": ["x"], "name": [1], "at": pa.array([None], pa.timestamp("ms"))}))
    with pytest.raises(
        BadData, match=r"data.parquet: column 'id': expected bigint, found string; column 'name'"
    ):
        read(path)


@pytest.mark.parametrize("content", [b"", b"id,name\n1,a\n", b"PAR1 not really PAR1"])
def test_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(BadData, match=r"data.parquet: .*Parquet"):
        read(csv(tmp_path, content, "data.parquet"))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read(tmp_path / "nothing.parquet")


def test_what_is_no_data_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="found int"):
        make_sources(7, TABLE)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="no file to load"):
        make_sources([], TABLE)


def test_frame_keeps_integers_with_missing_values() -> None:
    import pandas as pd

    frame = pd.DataFrame(
        {"id": [1, 2**60 + 1], "name": ["a", None], "at": pd.to_datetime(["2024-01-01 08:00", None])}
    )
    frame["id"] = frame["id"].astype("Int64")
    assert read(frame) == [(1, "a", dt.datetime(2024, 1, 1)), (2**60 + 1, None, None)]


def test_frame_with_nested_and_decimal_objects() -> None:
    import pandas as pd

    table = [
        TableColumn("m", "map<string,bigint>"),
        TableColumn("d", "decimal(10,2)"),
        TableColumn("a", "array<string>"),
    ]
    frame = pd.DataFrame({"m": [{"x": 1}, None], "d": [Decimal("1.5"), None], "a": [["p", None], []]})
    assert read(frame, table) == [([("x", 1)], Decimal("1.50"), ["p", None]), (None, None, [])]


def test_frame_whose_column_mixes_types_is_refused() -> None:
    import pandas as pd

    with pytest.raises(BadData, match="column 'id'"):
        read(pd.DataFrame({"id": [1, "x"], "name": ["a", "b"], "at": [None, None]}))


def test_reader_is_read_once_and_in_time() -> None:
    table = pa.table({"id": [1, 300]})
    reader = pa.RecordBatchReader.from_batches(table.schema, iter(table.to_batches(max_chunksize=1)))
    with pytest.raises(BadData, match="row 2: .*300"):
        read(reader, [TableColumn("id", "tinyint")])


def _rows(rows: list[Any], fields: list[str] | None = None) -> list[tuple]:
    source = make_rows(rows, TABLE, fields, "Asia/Shanghai")
    plans, _ = check([source], TABLE, LoadOptions(columns=fields))
    return [tuple(row.values()) for batch in _converted([source], plans) for row in batch.to_pylist()]


def test_python_rows() -> None:
    assert _rows([(1, "a", dt.datetime(2024, 1, 1, 8)), [2, None, None]]) == [
        (1, "a", dt.datetime(2024, 1, 1, 0)),
        (2, None, None),
    ]
    assert _rows([("x", 5)], ["name", "id"]) == [(5, "x", None)]
    assert _rows([]) == []


def test_python_rows_that_do_not_fit() -> None:
    with pytest.raises(BadData, match="row 2: expected 3 values, found 2"):
        _rows([(1, "a", None), (2, "b")])
    with pytest.raises(BadData, match="column 'id': expected bigint, found string"):
        _rows([("one", "a", None)])
    with pytest.raises(BadData, match="not in the table: age"):
        _rows([(1,)], ["age"])
