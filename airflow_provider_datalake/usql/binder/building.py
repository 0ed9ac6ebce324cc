"""The plan while it grows, and the part of it that is needed."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

from airflow_provider_datalake.usql.binder.relation import identifier_for
from airflow_provider_datalake.usql.plan import (
    ChangeStep,
    ExtractStep,
    InsertStep,
    OutputStep,
    Plan,
    QueryStep,
    Rowset,
    TableStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_datalake.usql.binder.relation import Relation
    from airflow_provider_datalake.usql.diagnostics import Diagnostic, Span
    from airflow_provider_datalake.usql.plan import PlanColumn, Step


class PlanBuilder:
    """Collects steps in the order of the script."""

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._warnings: list[Diagnostic] = []
        self._numbers = count(1)
        self._place: Span | None = None

    @contextmanager
    def within(self, span: Span) -> Iterator[None]:
        """
        Let all steps that are added stand at one place, as those of a view do in the script that reads it.

        :param span: the place
        """
        outer = self._place
        self._place = outer or span
        try:
            yield
        finally:
            self._place = outer

    def place(self, span: Span) -> Span:
        """
        Tell where something stands in the script.

        :param span: where it stands in the text that is bound
        :return: the same, or where the view is read that it is in
        """
        return self._place or span

    def rowset(self, label: str, columns: tuple[PlanColumn, ...], span: Span) -> Rowset:
        """
        Make a rowset with an id of its own.

        :param label: what people call it
        :param columns: its columns
        :param span: the statement that defines it
        :return: the rowset, of no step yet
        """
        return Rowset(identifier_for(label, next(self._numbers)), label, columns, self.place(span))

    def step_id(self, kind: str) -> str:
        """
        Make the id of a step that makes no rowset.

        :param kind: what it does, e.g. ``output``
        :return: an id that is unique in the plan
        """
        return identifier_for(kind, next(self._numbers))

    def add(self, step: Step) -> None:
        """
        Append a step.

        :param step: the step
        """
        self._steps.append(step)

    def add_query(self, relation: Relation, label: str, span: Span) -> Rowset:
        """
        Append a query.

        :param relation: the query
        :param label: what people call its rowset
        :param span: the statement
        :return: its rowset
        """
        rowset = self.rowset(label, relation.columns, span)
        self.add(QueryStep(rowset, relation.query, relation.inputs))
        return rowset

    def warn(self, warning: Diagnostic) -> None:
        """
        Keep a warning.

        :param warning: the finding
        """
        self._warnings.append(warning)

    def plan(self) -> Plan:
        """
        Finish.

        :return: the steps that change something, and those that they need
        """
        return Plan(tuple(_needed(self._steps)), tuple(self._warnings))


def _needed(steps: Iterable[Step]) -> list[Step]:
    wanted: set[str] = set()
    kept: list[Step] = []
    for step in reversed(list(steps)):
        match step:
            case OutputStep() | InsertStep():
                wanted.add(step.source)
            case ChangeStep():
                pass
            case ExtractStep() | TableStep() | QueryStep():
                if step.rowset.id not in wanted:
                    continue
                if isinstance(step, QueryStep):
                    wanted.update(step.inputs)
        kept.append(step)
    return kept[::-1]
