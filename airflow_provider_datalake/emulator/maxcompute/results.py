"""The result of an instance: its first rows as CSV, or the text of a statement without rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_datalake.emulator.jobs import Job, JobQueue, JobState
from airflow_provider_datalake.emulator.maxcompute.errors import OdpsError
from airflow_provider_datalake.emulator.maxcompute.submissions import TaskRequest
from airflow_provider_datalake.emulator.maxcompute.types import DataType, parse_type
from airflow_provider_datalake.emulator.maxcompute.value_text import NULL, session_zone, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    import pyarrow as pa

MAX_ROWS = 10_000


@dataclass(frozen=True)
class TaskResult:
    """
    A task's result as the service hands it out.

    :param text: CSV, plain text, or the error
    :param format: ``csv`` or ``text``
    :param descriptor: what PyODPS wants to know of a SELECT's columns; None for everything else
    """

    text: str
    format: str = "text"
    descriptor: dict[str, Any] | None = None


@dataclass(frozen=True)
class Rows:
    """
    Some rows as text.

    :param columns: name and type of each column
    :param rows: the values, None for NULL
    """

    columns: list[tuple[str, DataType]]
    rows: list[list[str | None]]


def columns_of(job: Job) -> list[tuple[str, DataType]] | None:
    """
    Tell the columns of a job's result.

    :param job: a job
    :return: name and type of each column, None when the job has no rows to show
    """
    columns = job.result.get("columns")
    return None if columns is None else [(name, parse_type(text)) for name, text in columns]


def task_result(jobs: JobQueue, job: Job) -> TaskResult:
    """
    Build a task's result.

    :param jobs: where the result files are
    :param job: the job
    :return: empty text while the job is active or when it was cancelled
    :raises OdpsError: when the rows have expired
    """
    if job.state is not JobState.SUCCESS:
        return TaskResult(job.error)
    columns = columns_of(job)
    if columns is None:
        return TaskResult(job.result.get("text", ""))
    rows = result_rows(jobs, job, MAX_ROWS)
    lines = [",".join(_quote(name) for name, _ in columns)]
    for row in rows.rows:
        cells = zip(row, columns, strict=True)
        lines.append(",".join(_cell(text, data_type) for text, (_, data_type) in cells))
    truncated = job.result.get("rows", 0) > MAX_ROWS
    descriptor = {
        "IsSelect": True,
        "SelectResultStatus": "TRUNCATED" if truncated else "FULL",
        "Schema": {"Columns": [{"Name": name, "Type": str(data_type)} for name, data_type in columns]},
    }
    return TaskResult("\n".join(lines) + "\n", "csv", descriptor)


def result_rows(jobs: JobQueue, job: Job, limit: int) -> Rows:
    """
    Read the first rows of a SELECT's result.

    :param jobs: where the result files are
    :param job: a successful job with columns
    :param limit: how many rows at most
    :return: the rows as text, instants in the job's own zone
    :raises OdpsError: when the rows have expired
    """
    columns = columns_of(job) or []
    path = jobs.result_path(job.id)
    if not path.exists():
        raise OdpsError(404, "NoSuchObject", f"The result of instance {job.id} has expired.")
    zone = session_zone(TaskRequest.from_json(job.request).settings)
    rows: list[list[str | None]] = []
    for batch in _batches(path):
        rows.extend(batch_rows(batch.slice(0, limit - len(rows)), [kind for _, kind in columns], zone))
        if len(rows) >= limit:
            break
    return Rows(columns, rows)


def batch_rows(batch: pa.RecordBatch, types: list[DataType], zone: ZoneInfo) -> list[list[str | None]]:
    """
    Write the rows of a batch as text.

    :param batch: the rows
    :param types: the MaxCompute type of each column
    :param zone: the zone in which instants are shown
    :return: the rows, None for NULL
    """
    columns = [
        [text_of(value, data_type, zone) for value in column]
        for column, data_type in zip(batch.columns, types, strict=True)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as reader:
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _cell(text: str | None, data_type: DataType) -> str:
    if text is None:
        return NULL
    return text if data_type.is_numeric or data_type.name == "boolean" else _quote(text)


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
