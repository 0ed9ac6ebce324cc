"""Short ways to fill and read the emulator's tables in tests."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.catalog import ColumnSpec, Table
from airflow_provider_datalake.emulator.segments import arrow_schema
from airflow_provider_datalake.emulator.storage import SegmentChange, StagedSegment, Storage

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


def specs(**types: str) -> list[ColumnSpec]:
    return [ColumnSpec(name, type_text) for name, type_text in types.items()]


def create(
    storage: Storage, name: str = "t", partitions: dict[str, str] | None = None, **types: str
) -> Table:
    if not storage.catalog.list_projects():
        storage.catalog.create_project("demo")
    return storage.catalog.create_table(
        "demo", name, specs(**(types or {"a": "bigint"})), specs(**(partitions or {}))
    )


def stage(
    storage: Storage, table: Table, rows: Sequence[Sequence[Any]], *, archived: bool = False
) -> list[StagedSegment]:
    import pyarrow as pa

    schema = arrow_schema(table.columns)
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)]
    return storage.stage(table, pa.Table.from_arrays(arrays, names=schema.names), archived=archived)


def insert(
    storage: Storage, table: Table, rows: Sequence[Sequence[Any]], values: Sequence[str] | None = None
) -> None:
    change = SegmentChange(None if values is None else tuple(values), stage(storage, table, rows))
    storage.commit(table, [change], create_partitions=True)


def overwrite(
    storage: Storage, table: Table, rows: Sequence[Sequence[Any]], values: Sequence[str] | None = None
) -> None:
    change = SegmentChange(None if values is None else tuple(values), stage(storage, table, rows), "all")
    storage.commit(table, [change], create_partitions=True)


def query(storage: Storage, sql: str) -> list[tuple[Any, ...]]:
    with closing(storage.connect()) as connection:
        table = connection.sql(sql).to_arrow_table()
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def scan(
    storage: Storage,
    table: Table,
    names: Sequence[str] | None = None,
    partition_ids: Collection[int] | None = None,
) -> list[tuple[Any, ...]]:
    with storage.snapshot(storage.catalog.refresh(table), partition_ids) as snapshot:
        return query(storage, f"SELECT * FROM {snapshot.scan_sql(names)}")


def read(storage: Storage, table: Table, *args: Any, **options: Any) -> list[tuple[Any, ...]]:
    with storage.snapshot(storage.catalog.refresh(table)) as snapshot:
        return [
            row
            for batch in snapshot.read(*args, **options)
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        ]


def files_on_disk(storage: Storage) -> set[str]:
    return {f"segments/{path.name}" for path in (storage.data_dir / "segments").iterdir()}
