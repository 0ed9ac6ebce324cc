"""Bring files into a running emulator, through the protocols of its services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.commands.connections import address_of, connection_fields
from airflow_provider_datalake.emulator.commands.control import CommandError
from airflow_provider_datalake.emulator.commands.csv_types import infer_types
from airflow_provider_datalake.exceptions import DataLakeError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from airflow_provider_datalake.clients.maxcompute_sources import Source
    from airflow_provider_datalake.emulator.config import Config

_PARQUET = (".parquet", ".pq")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_DATASET_FORMATS = {".csv": "GenericCSV", ".tsv": "GenericTSV", ".txt": "PlainText", ".arff": "ARFF"}


def seed(
    config: Config,
    source: Path,
    *,
    table: str | None = None,
    path: str | None = None,
    dataset: str | None = None,
    columns: Mapping[str, str] | None = None,
    data_type_id: str | None = None,
) -> str:
    """
    Bring a file or a folder into an emulator. What was there under the name is replaced.

    :param config: the emulator's settings, its address among them
    :param source: the file or the folder
    :param table: a table as ``[project.]name[/partition]``
    :param path: a path in the Data Lake Store
    :param dataset: the name of an ML Studio dataset
    :param columns: types of columns of a table that is made, by name
    :param data_type_id: the format of the dataset, None to tell it from the file's name
    :return: what was done, for a person
    :raises CommandError: when it cannot be done
    """
    if not source.exists():
        raise CommandError(f"there is no file or folder {source}")
    try:
        if table is not None:
            return seed_table(config, source, table, columns or {})
        if path is not None:
            return seed_store(config, source, path)
        return seed_dataset(config, source, dataset or "", data_type_id)
    except (DataLakeError, OSError) as error:
        raise CommandError(str(error)) from error


def seed_table(config: Config, source: Path, name: str, columns: Mapping[str, str]) -> str:
    """
    Load CSV or Parquet files into a table or a partition, in place of the rows that it has.

    :param config: the emulator's settings
    :param source: a file, or a folder of files
    :param name: ``[project.]name[/partition]``; the table is made when it is missing
    :param columns: types of columns by name, for CSV
    :return: what was done
    """
    from airflow_provider_datalake.clients.maxcompute import build_client, read_settings
    from airflow_provider_datalake.clients.maxcompute_create import (
        columns_of,
        create_table,
        described_columns,
    )
    from airflow_provider_datalake.clients.maxcompute_errors import service_errors
    from airflow_provider_datalake.clients.maxcompute_files import CsvFormat
    from airflow_provider_datalake.clients.maxcompute_inputs import make_sources
    from airflow_provider_datalake.clients.maxcompute_load import LoadOptions, check, find_target, load
    from airflow_provider_datalake.clients.maxcompute_tunnel import TableRef

    table, _, partition = name.partition("/")
    files, delimiter = _table_files(source)
    csv_format = CsvFormat(delimiter=delimiter) if delimiter else None
    project = table.partition(".")[0] if "." in table else None
    settings = read_settings(**_connection(config, "odps_default"), project=project)
    options = LoadOptions(overwrite=True, create_partition=bool(partition), zone=settings.zone)
    with service_errors(settings.conn_id, f"load table {table}"):
        client = build_client(settings)
        ref = TableRef.parse(table, client)
        made = not client.exist_table(ref.name, project=ref.project, schema=ref.schema or None)
        if made:
            texts = make_sources(files, [], csv_format=csv_format)
            described = described_columns(_csv_columns(texts, columns)) if csv_format else []
            sources = make_sources(files, described, csv_format=csv_format)
            described = described or columns_of(sources[0].schema, None)
            check(sources, described, options)
            create_table(client, table, described, None, partition or None)
        target = find_target(client, table, partition or None, create_partition=bool(partition))
        sources = make_sources(files, target.columns, csv_format=csv_format)
        done = load(client, target, sources, options)
    shown = ", ".join(f"{column.name} {column.type}" for column in target.columns)
    new = "new table " if made else ""
    return f"{done.rows} rows from {_count(len(files), 'file')} into {new}{target} ({shown})"


def seed_store(config: Config, source: Path, path: str) -> str:
    """
    Upload a file or a tree.

    :param config: the emulator's settings
    :param source: a file, or a folder, whose content goes below the path
    :param path: where to; with a ``/`` at its end it is the folder for a file
    :return: what was done
    """
    from airflow_provider_datalake.clients.azure_settings import read_settings
    from airflow_provider_datalake.clients.data_lake_store import DataLakeStore
    from airflow_provider_datalake.clients.data_lake_store_upload import local_files, upload

    store = DataLakeStore.connect(read_settings(**_connection(config, "adls_gen1_default"), service="store"))
    if source.is_dir():
        pairs = [(file, f"{path.rstrip('/')}/{below}") for file, below in local_files(source)]
    else:
        pairs = [(source, path + source.name if path.endswith("/") else path)]
    done = upload(store, pairs)
    return f"{_count(done.files, 'file')}, {done.bytes} bytes, to {path} in the store {store.account}"


def seed_dataset(config: Config, source: Path, name: str, data_type_id: str | None) -> str:
    """
    Make a dataset of a file, or a new version of the one that is there.

    :param config: the emulator's settings
    :param source: the file
    :param name: the dataset's name
    :param data_type_id: its format, None to tell it from the file's name
    :return: what was done
    """
    from airflow_provider_datalake.clients.ml_studio import Workspace
    from airflow_provider_datalake.clients.ml_studio_calls import read_settings

    kind = data_type_id or _DATASET_FORMATS.get(source.suffix.lower())
    if not source.is_file():
        raise CommandError(f"a dataset is made of one file, {source} is none")
    if kind is None:
        raise CommandError(f"{source.name} does not say what format it has: give --format, e.g. GenericCSV")
    workspace = Workspace(settings=read_settings(**_connection(config, "azureml_studio_default")))
    try:
        with source.open("rb") as file:
            found = workspace.find(name)
            if found is None:
                done = workspace.create(name, file, data_type_id=kind)
            else:
                done = found.update(file, data_type_id=kind)
    finally:
        workspace.close()
    what = "new dataset" if found is None else "new version of dataset"
    return f"{done.size} bytes to the {what} {name!r} ({kind}) of workspace {workspace.workspace_id}"


def _connection(config: Config, conn_id: str) -> dict[str, Any]:
    fields = connection_fields(config, address_of(config))[conn_id]
    return {
        "conn_id": conn_id,
        "host": fields["host"],
        "login": fields.get("login"),
        "password": fields.get("password"),
        "extra": fields.get("extra", {}),
    }


def _table_files(source: Path) -> tuple[list[Path], str]:
    """Give the files and what is between their fields, nothing for Parquet."""
    known = (*_PARQUET, *_DELIMITERS)
    if source.is_dir():
        files = sorted(path for path in source.iterdir() if path.suffix.lower() in known and path.is_file())
        if not files:
            raise CommandError(f"there is no file in {source} whose name ends with {', '.join(known)}")
    else:
        files = [source]
    kinds = {_DELIMITERS.get(file.suffix.lower(), "") for file in files}
    if len(kinds) > 1:
        raise CommandError(f"{source} has files of several formats; seed them one by one")
    if source.is_file() and source.suffix.lower() not in known:
        raise CommandError(f"a table is made of files that end with {', '.join(known)}, not of {source.name}")
    return files, kinds.pop()


def _csv_columns(sources: Sequence[Source], given: Mapping[str, str]) -> dict[str, str]:
    found = infer_types(sources)
    if unknown := [name for name in given if name not in found]:
        raise CommandError(
            f"there is no column {', '.join(unknown)} in {sources[0].name}; it has {', '.join(found)}"
        )
    return {**found, **given}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
