"""A plan as people see it: rowsets and files as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_datalake.emulator.data_lake_analytics.records import Step
from airflow_provider_datalake.usql import plan as model

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_datalake.usql.plan import Plan, PlanColumn
    from airflow_provider_datalake.usql.results import StepStatistics


def describe(plan: Plan, statistics: Iterable[StepStatistics] = ()) -> tuple[Step, ...]:
    """
    Describe a plan.

    :param plan: the plan
    :param statistics: what its steps did, as far as they have run
    :return: its steps, in order
    """
    known = {entry.step: entry for entry in statistics}
    described = []
    for step in plan.steps:
        shown = _step(step)
        found = known.get(shown.id)
        if found is not None:
            shown = Step(
                **{
                    **shown.__dict__,
                    "rows_in": found.rows_in,
                    "rows_out": found.rows_out,
                    "bytes_in": found.bytes_in,
                    "bytes_out": found.bytes_out,
                    "seconds": found.seconds,
                }
            )
        described.append(shown)
    return tuple(described)


def _step(step: model.Step) -> Step:
    match step:
        case model.ExtractStep():
            files = ", ".join(str(one.pattern) for one in step.files)
            rowset = step.rowset
            return Step(
                rowset.id,
                "file",
                f"{rowset.label}: {files}",
                columns=_columns(rowset.columns),
                line=rowset.span.line,
            )
        case model.TableStep():
            rowset = step.rowset
            return Step(
                rowset.id, "table", rowset.label, columns=_columns(rowset.columns), line=rowset.span.line
            )
        case model.QueryStep():
            rowset = step.rowset
            return Step(
                rowset.id,
                "rowset",
                rowset.label,
                tuple(step.inputs),
                _columns(rowset.columns),
                rowset.span.line,
            )
        case model.OutputStep():
            return Step(step.id, "output", step.uri, (step.source,), _columns(step.columns), step.span.line)
        case model.InsertStep():
            return Step(
                step.id, "insert", str(step.table), (step.source,), _columns(step.columns), step.span.line
            )
        case model.ChangeStep():
            return Step(step.id, "change", type(step.change).__name__, line=step.span.line)


def _columns(columns: Iterable[PlanColumn]) -> tuple[str, ...]:
    return tuple(f"{column.name} {column.type}" for column in columns)
