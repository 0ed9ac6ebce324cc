"""Runs a plan, step by step, in one DuckDB connection of its own."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from airflow_provider_datalake.usql.backends.duckdb.connection import connect, restrict
from airflow_provider_datalake.usql.backends.duckdb.errors import is_extraction_failure, runtime_error
from airflow_provider_datalake.usql.backends.duckdb.extract import Extraction
from airflow_provider_datalake.usql.backends.duckdb.fast_values import identifier
from airflow_provider_datalake.usql.backends.duckdb.output import copy_statement, recode
from airflow_provider_datalake.usql.backends.duckdb.profile import rows_extracted
from airflow_provider_datalake.usql.backends.duckdb.tables import Tables, insert_statement, table_query
from airflow_provider_datalake.usql.catalog import AppendSegment
from airflow_provider_datalake.usql.plan import (
    ChangeStep,
    ExtractStep,
    InsertStep,
    OutputStep,
    QueryStep,
    TableStep,
)
from airflow_provider_datalake.usql.results import RunResult, StagedFile, StepStatistics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from airflow_provider_datalake.usql.catalog import Change
    from airflow_provider_datalake.usql.diagnostics import Span
    from airflow_provider_datalake.usql.plan import Plan, Rowset, Step
    from airflow_provider_datalake.usql.workspace import Workspace


class Runner:
    """
    One run of one plan.

    :param plan: the plan
    :param workspace: the job's view of the machine
    """

    def __init__(self, plan: Plan, workspace: Workspace) -> None:
        self._plan = plan
        self._workspace = workspace
        self._uses = uses(plan)
        self._tables = Tables(workspace.catalog)
        self._extractions: dict[str, Extraction] = {}
        self._rows: dict[str, int] = {}
        self._outputs: list[StagedFile] = []
        self._changes: list[Change] = []

    def run(self) -> RunResult:
        """
        Run all steps.

        :return: what is to be committed
        :raises UsqlRuntimeError: when the data is not as the script expects
        """
        self._workspace.check()
        with connect(self._workspace.scratch) as self._connection:
            self._extractions = {
                step.rowset.id: Extraction(step, self._workspace, self._connection)
                for step in self._plan.steps
                if isinstance(step, ExtractStep) and self._uses[step.rowset.id]
            }
            restrict(self._connection, self._workspace.scratch, self._readable())
            statistics = [self._step(step) for step in self._plan.steps]
        steps = zip(self._plan.steps, statistics, strict=True)
        completed = tuple(self._complete(step, item) for step, item in steps)
        return RunResult(tuple(self._outputs), tuple(self._changes), completed)

    def _complete(self, step: Step, statistics: StepStatistics) -> StepStatistics:
        """Fill in the rows of views, which are known only after what reads them has run."""
        if isinstance(step, ExtractStep):
            rows = self._rows.get(step.rowset.id) if self._uses[step.rowset.id] else 0
            return replace(statistics, rows_in=rows, rows_out=rows)
        if isinstance(step, QueryStep) and self._uses[step.rowset.id]:
            counts = [self._rows.get(item) for item in step.inputs]
            known = [count for count in counts if count is not None]
            rows = sum(known) if len(known) == len(counts) else None
            return replace(statistics, rows_in=rows, rows_out=self._rows.get(step.rowset.id))
        return statistics

    def _readable(self) -> list[Path]:
        tables = {step.table for step in self._plan.steps if isinstance(step, TableStep)}
        segments = [path for table in sorted(tables, key=str) for path in self._tables.segments(table)]
        return [*segments, *(path for item in self._extractions.values() for path in item.paths)]

    def _step(self, step: Step) -> StepStatistics:
        self._workspace.check()
        name = step_id(step)
        self._workspace.progress(name, 0.0)
        began = time.perf_counter()
        if isinstance(step, ExtractStep):
            done = self._extract(step)
        elif isinstance(step, TableStep):
            done = self._table(step)
        elif isinstance(step, QueryStep):
            done = self._query(step)
        elif isinstance(step, OutputStep):
            done = self._output(step)
        elif isinstance(step, InsertStep):
            done = self._insert(step)
        else:
            done = self._change(step)
        statistics = StepStatistics(name, *done, seconds=time.perf_counter() - began)
        self._workspace.progress(name, 100.0, rows_in=done[0], rows_out=done[2])
        return statistics

    def _extract(self, step: ExtractStep) -> tuple[int, int, int, int, int]:
        extraction = self._extractions.get(step.rowset.id)
        if extraction is None:
            return (0, 0, 0, 0, 0)
        with self._translating(step.rowset.span):
            source = extraction.source()
        rows = self._extracted(extraction, source)
        return (rows, extraction.size, rows, 0, extraction.file_count)

    def _extracted(self, extraction: Extraction, source: str) -> int:
        rowset = extraction.step.rowset
        once = self._uses[rowset.id] < 2
        # Its own view, which the slow reader's rows may take the place of, even below a table.
        extraction.view = rowset.id if once else f"{rowset.id}__text"
        self._view(extraction.view, source, rowset.span)
        if once:
            return 0
        rows = self._define(rowset, f"SELECT * FROM {identifier(extraction.view)}")
        extraction.fast = False
        return rows

    def _table(self, step: TableStep) -> tuple[int, int, int, int, int]:
        if not self._uses[step.rowset.id]:
            return (0, 0, 0, 0, 0)
        segments = self._tables.segments(step.table)
        source = table_query(step.rowset.columns, segments)
        self._view(step.rowset.id, source, step.rowset.span)
        size = sum(path.stat().st_size for path in segments)
        (rows,) = self._fetch(f"SELECT count(*) FROM {identifier(step.rowset.id)}", step.rowset.span)
        self._rows[step.rowset.id] = rows
        return (rows, size, rows, 0, len(segments))

    def _query(self, step: QueryStep) -> tuple[int, int, int, int, int]:
        if not self._uses[step.rowset.id]:
            return (0, 0, 0, 0, 0)
        rows = self._define(step.rowset, step.query.sql(dialect="duckdb"))
        return (0, 0, rows, 0, 0)

    def _output(self, step: OutputStep) -> tuple[int, int, int, int, int]:
        path = self._workspace.scratch / f"output-{uuid.uuid4().hex}"
        (rows,) = self._fetch(copy_statement(step, path), step.span)
        if step.format.encoding.lower().replace("_", "-") != "utf-8":
            path = recode(path, step.format.encoding)
        size = path.stat().st_size
        self._rows.setdefault(step.source, rows)
        self._outputs.append(StagedFile(step.uri, path, rows, size))
        return (rows, 0, rows, size, 1)

    def _insert(self, step: InsertStep) -> tuple[int, int, int, int, int]:
        statement, path = insert_statement(step, self._workspace.scratch)
        (rows,) = self._fetch(statement, step.span)
        size = path.stat().st_size
        self._rows.setdefault(step.source, rows)
        if rows:
            self._apply(AppendSegment(step.table, path, rows))
        return (rows, 0, rows, size, 1 if rows else 0)

    def _change(self, step: ChangeStep) -> tuple[int, int, int, int, int]:
        self._apply(step.change)
        return (0, 0, 0, 0, 0)

    def _apply(self, change: Change) -> None:
        self._changes.append(change)
        self._tables.apply(change)

    def _define(self, rowset: Rowset, source: str) -> int:
        """Make a rowset: a view where it is read once, else a table that is computed once."""
        if self._uses[rowset.id] < 2:
            self._view(rowset.id, source, rowset.span)
            return 0
        (rows,) = self._fetch(f"CREATE TEMP TABLE {identifier(rowset.id)} AS {source}", rowset.span)
        self._rows[rowset.id] = rows
        return rows

    def _view(self, name: str, source: str, span: Span) -> None:
        self._fetch(f"CREATE OR REPLACE TEMP VIEW {identifier(name)} AS {source}", span)

    def _fetch(self, statement: str, span: Span) -> tuple[int, ...]:
        """Execute a statement; where a fast extraction fails in it, again with the slow reader."""
        import duckdb

        with self._translating(span):
            while True:
                try:
                    return self._execute(statement)
                except duckdb.Error as error:
                    if not is_extraction_failure(error) or not self._retry(error):
                        raise

    def _execute(self, statement: str) -> tuple[int, ...]:
        with self._workspace.interrupting(self._connection.interrupt):
            row = self._connection.execute(statement).fetchone()
        self._rows.update(rows_extracted(self._connection))
        return row if row is not None else (0,)

    def _retry(self, error: Exception) -> bool:
        """Let what was read fast be read with more care; in the end that raises where a row is bad."""
        fast = [item for item in self._extractions.values() if item.fast]
        fast = [item for item in fast if item.is_named_by(error)] or fast
        for extraction in fast:
            source = extraction.retry()
            self._execute(f"CREATE OR REPLACE TEMP VIEW {identifier(extraction.view)} AS {source}")
        return bool(fast)

    @contextmanager
    def _translating(self, span: Span) -> Iterator[None]:
        import duckdb

        try:
            yield
        except duckdb.InterruptException as error:
            self._workspace.check()
            raise runtime_error(error, span) from error
        except (duckdb.Error, OSError) as error:
            self._workspace.check()
            raise runtime_error(error, span) from error


def step_id(step: Step) -> str:
    """
    Give the id that statistics and progress have.

    :param step: a step
    :return: its rowset's id, or its own
    """
    if isinstance(step, (ExtractStep, TableStep, QueryStep)):
        return step.rowset.id
    return step.id


def uses(plan: Plan) -> Counter[str]:
    """
    Count how often rowsets are read by what has an effect.

    :param plan: the plan
    :return: the number of readers by the rowset's id; 0 for what nobody reads
    """
    counts: Counter[str] = Counter()
    for step in reversed(plan.steps):
        if isinstance(step, (OutputStep, InsertStep)):
            counts[step.source] += 1
        elif isinstance(step, QueryStep) and counts[step.rowset.id]:
            # A join of a rowset with itself names it once as an input, and reads it twice.
            named = Counter(table.name for table in step.query.find_all(exp.Table))
            counts.update({name: max(1, named[name]) for name in step.inputs})
    return counts
